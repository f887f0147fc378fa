package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// TestGrantOfAnOustedFrontEndDoesNotEndAnAttemptThatMovedOn: the owner has shown the form again and goes on with it; the
// grant that the first answer brought is given back, and the second one is the connection.
func TestGrantOfAnOustedFrontEndDoesNotEndAnAttemptThatMovedOn(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann", Hold: "work"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	done := first.begin(func() error { return first.drive(context.Background(), s, alpha, 0) })
	first.arrive()

	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha)), TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.Session.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := a.Next(t.Context()); err != nil || p.Again == nil {
		t.Fatalf("the owner sees %+v, %v", p, err)
	}
	first.lift("work")
	if err := done(); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end: %v", err)
	}
	w.wantStory(s)
	if g := w.place.grants["grant-1"]; !g.revoked {
		t.Error("the grant that nobody has is not given back")
	}
	second.lift("work")
	p, err := a.Reply(t.Context(), sdk.FormValues{})
	if _, connected := p.Step.(sdk.Connected); err != nil || !connected {
		t.Errorf("the owner: %+v, %v", p, err)
	}
	if got := string(w.connections("u1")[0].Credential); got != "grant-2" {
		t.Errorf("the connection has %s", got)
	}
	w.wantStory(s, "connect alpha")
}
