package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/session"
)

func TestConnectionsOfTheUserAreListedToTheFrontEndThatOwnsTheSession(t *testing.T) {
	w := newWorld(t)
	fe := w.frontEnd()
	other := fe.open(w.token("other", time.Hour))
	if err := fe.connect(other, alpha); err != nil {
		t.Fatal(err)
	}
	s := fe.open(w.token("ada", time.Hour))
	if got, err := s.Connections(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("at first there are %v, %v", got, err)
	}
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	got, err := s.Connections(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v; want the one of this user", got, err)
	}
	row := w.connections("ada")[0]
	want := session.Connected{
		ID: row.ID, Source: row.Source, SourceName: row.SourceName, AccountLabel: row.AccountLabel,
		Since: row.ConnectedSince, ExpiresAt: row.CredentialExpiresAt,
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("the connection (-want +got):\n%s", diff)
	}
	w.clock.Advance(2 * time.Hour)
	if _, err := s.Connections(t.Context()); !errors.Is(err, session.ErrEnded) {
		t.Errorf("after the end: %v, want ErrEnded", err)
	}
}

func TestTokenSaysWhichSourcesAPersonIsOffered(t *testing.T) {
	w := newWorld(t)
	s := w.frontEnd().open(w.token("ada", time.Hour, alpha))
	if !s.Allows(alpha) || s.Allows(beta) {
		t.Error("the token allows alpha alone")
	}
	if s := w.frontEnd().open(w.token("ada", time.Hour)); !s.Allows(beta) {
		t.Error("a token without sources allows all")
	}
}
