package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// olderState is a state that a program of version 4 left behind; its README says what is in it.
const olderState = "../store/sqlite/testdata/v4"

// olderWorld is a world with a copy of that state, and the tokens in it by what they are for.
func olderWorld(t *testing.T) (w *World, tokens map[string]sdk.Secret) {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(olderState, "tokens.json"))
	if err := errors.Join(err, os.Chmod(dir, 0o700), copyState(olderState, dir), json.Unmarshal(text, &tokens)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "rows.json", "tokens.json"} { // they are none of the state's
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	w = worldIn(t, dir, t.Cleanup)
	w.place.order = make([]string, 9) // the ids of the grants that it gave out are taken
	return w, tokens
}

func TestHalfDoneSessionOfAnOlderStateComesToItsEnd(t *testing.T) {
	w, tokens := olderWorld(t)
	list := []session.Action{connectTo(alpha), disconnectFrom(alpha), connectTo(beta)}
	fe := w.frontEnd()
	s := fe.open(tokens["half done"], list...)
	w.place.grants["grant-1"] = &grant{id: "grant-1", source: alpha, account: "ann", user: s.User.HumanID, kept: true}
	fe.run(s, list...)
	w.clock.Advance(10 * time.Minute) // the next try of the revocation is due
	if n, err := fe.RevokeDue(context.Background()); n != 1 || err != nil || !w.place.grants["grant-1"].revoked {
		t.Errorf("revoked %d, %v", n, err)
	}
	f := fe.close(s)
	if d := cmp.Diff([]string{"connect alpha", "disconnect alpha", "connect beta"}, w.story(s)); d != "" {
		t.Errorf("the session did (-want +got):\n%s", d)
	}

	asked := w.place.asked
	if len(asked) != 1 || asked[0].source != beta {
		t.Fatalf("the provider was asked %+v", asked)
	}
	if c, ok := asked[0].reply.(sdk.Callback); !ok || c.Get("code") != "the-code" {
		t.Errorf("the provider got %+v, not the redirect that had come", asked[0].reply)
	}
	if cons := w.connections("u1"); len(cons) != 1 || cons[0].AccountID != "bea" { // the provider has its own bytes back
		t.Errorf("connections: %+v", cons)
	}
	r := w.response(f.Response)
	if len(r.SessionResults.ConnectedSources) != 1 || len(r.SessionResults.DisconnectedSources) != 1 || len(r.Failures) != 0 {
		t.Errorf("%s", f.Response)
	}
	// Its own hooks are told of what comes now: one of the connect, the other of the close.
	got := make(map[int64]int)
	w.view(func(tx store.Tx) error {
		rows, err := tx.Deliveries(store.DeliveryFilter{Session: s.ID})
		for _, d := range rows {
			if strings.HasPrefix(d.Hook, "hok_") {
				got[d.Sequence]++
			}
		}
		return err
	})
	if d := cmp.Diff(map[int64]int{1: 1, 3: 1, 4: 1}, got); d != "" {
		t.Errorf("events of the hooks that came as flags (-want +got):\n%s", d)
	}
}

// A script that was killed after the close may be tried again with a newer program.
func TestClosedSessionsOfAnOlderStateGiveWhatTheyGave(t *testing.T) {
	w, tokens := olderWorld(t)
	for name, want := range map[string]session.Final{
		"closed 0": {Status: event.Success}, "closed 3": {Status: event.Success, Failed: true}, "closed 4": {Status: event.TokenExpired},
		"closed 16":  {Status: event.Success, Failed: true, Cut: session.CutTimeLimit},
		"closed 130": {Status: event.Success, Failed: true, Cut: session.CutInterrupt},
		"closed 143": {Status: event.Success, Cut: session.CutTerminate}, "revoked session": {Status: event.TokenInvalid},
	} {
		o, err := w.frontEnd().try(session.OpenRequest{Token: tokens[name]})
		if err != nil || o.Final == nil || len(o.Final.Response) == 0 {
			t.Fatalf("%s: %+v, %v", name, o, err)
		}
		want.Stored, want.Session, want.Response = true, o.Final.Session, o.Final.Response
		if d := cmp.Diff(want, *o.Final); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
