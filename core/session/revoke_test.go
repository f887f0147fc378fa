package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// TestWhoeverDisconnectsRevokes: those who look for due revocations at the very moment of the commit leave the first try to
// whoever tells what came of it.
func TestWhoeverDisconnectsRevokes(t *testing.T) {
	w, fe, s := opened(t)
	other := w.frontEnd()
	con := id.Connection("")
	for name, disconnect := range map[string]func() error{
		"in a session":  func() error { return s.Disconnect(t.Context(), alpha, -1) },
		"outside of it": func() error { _, err := fe.DisconnectOutside(t.Context(), con); return err },
	} {
		fe.connectAccount(s, alpha, "ann")
		con = w.connections("u1")[0].ID
		before := len(w.place.revokes)
		looked := 0
		fe.woken = func() {
			for _, e := range []*FrontEnd{fe, other} {
				looked++
				if n, err := e.RevokeDue(t.Context()); n != 0 || err != nil {
					t.Errorf("%s: others made %d tries, %v", name, n, err)
				}
			}
		}
		if err := disconnect(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		fe.woken = func() {}
		if got := len(w.place.revokes) - before; got != 1 || looked == 0 {
			t.Errorf("%s: %d tries; the others looked %d times", name, got, looked)
		}
	}
	w.check()
}

func TestRevocationThatIsCutByOurOwnEndIsNoTry(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.place.revoke[alpha] = "hang"
	ctx, cancel := context.WithCancel(t.Context())
	done := fe.begin(func() error { return s.Disconnect(ctx, alpha, -1) })
	limit := time.Now().Add(waitLimit)
	for w.claimed(s) == "" {
		if time.Now().After(limit) {
			t.Fatal("nobody revokes")
		}
		yield()
	}
	cancel()
	if err := done(); err != nil {
		t.Errorf("the disconnect has committed: %v", err)
	}
	if r := w.revocation(s, 0); r.State != store.RevocationPending || r.Tries != 0 || r.Owner != "" {
		t.Errorf("%+v", r)
	}
	w.place.revoke[alpha] = ""
	if n, err := w.frontEnd().RevokeDue(t.Context()); n != 1 || err != nil {
		t.Errorf("it is not due at once: %d, %v", n, err)
	}
	w.check()
}

// claimed returns who works on the first revocation of a session.
func (w *World) claimed(s *session.Session) (owner id.Process) {
	w.view(func(tx store.Tx) error {
		rows, err := tx.RevocationsOf(s.ID)
		if len(rows) > 0 {
			owner = rows[0].Owner
		}
		return err
	})
	return owner
}

// TestGrantThatIsNotKeptIsItsFrontEndsToRevoke: it dies between the commit and its try.
func TestGrantThatIsNotKeptIsItsFrontEndsToRevoke(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.place.next(alpha, play{Account: "bob"})
	fe.store.dieAfter(1, true) // a look for a half-done attempt, then the grant of another account
	_ = fe.connect(s, string(w.connections("u1")[0].ID))
	if r := w.revocation(s, 0); !fe.dead() || r.State != store.RevocationPending || r.Owner != fe.pid || r.Connection != "" {
		t.Fatalf("%+v", r)
	}
	if n, err := w.frontEnd().RevokeDue(t.Context()); n != 1 || err != nil {
		t.Errorf("left the work of a dead process: %d, %v", n, err)
	}
	w.check()
}
