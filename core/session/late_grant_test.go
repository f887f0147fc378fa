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

// ousted is a front end whose poll has brought a grant that it has not told of yet, and the one that took its session over
// and goes on with the attempt.
func ousted(t *testing.T, w *World, how play) (first *FrontEnd, done func() error, second *FrontEnd, a *session.Attempt) {
	t.Helper()
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, how)
	first = w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	lost, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	done = first.begin(func() error { _, err := lost.Reply(context.Background(), sdk.TimePassed{}); return err })
	first.arrive()
	second = w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha)), TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	if a, err = o.Session.Connect(t.Context(), alpha, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.lift(how.Hold)
	return first, done, second, a
}

func TestGrantOfAnOustedFrontEndDoesNotEndAnAttemptWithANewStep(t *testing.T) {
	w := newWorld(t)
	first, done, _, a := ousted(t, w, play{Polls: 1, Account: "ann", Hold: "work", Once: true})
	p, err := a.Reply(t.Context(), sdk.TimePassed{})
	if _, waits := p.Step.(sdk.Wait); err != nil || !waits {
		t.Fatalf("the owner is told %+v, %v", p, err)
	}
	first.lift("work")
	if err := done(); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end: %v", err)
	}
	if len(w.connections("u1")) > 0 || !w.place.grants["grant-1"].revoked {
		t.Error("the grant of a step that is over was kept")
	}
	w.check()
}

func TestOustedFrontEndIsToldSoThoughTheOwnerHasConnected(t *testing.T) {
	w := newWorld(t)
	first, done, _, a := ousted(t, w, play{Polls: 1, Account: "ann", Hold: "work"})
	if p, err := a.Reply(t.Context(), sdk.TimePassed{}); err != nil {
		t.Fatalf("the owner is told %+v, %v", p, err)
	}
	first.lift("work")
	if err := done(); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end: %v", err)
	}
	if got := len(w.connections("u1")); got != 1 || w.place.grants["grant-1"].revoked {
		t.Errorf("%d connections; the account of one was revoked: %t", got, w.place.grants["grant-1"].revoked)
	}
	w.check()
}

func TestErrorOfASourceIsNoCrashAndIsNotAskedForAgain(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Polls: 1, Error: "source_unavailable"})
	wantCode(t, fe.connect(s, alpha), "source_unavailable")
	if got := len(w.place.asked); got != 2 {
		t.Errorf("the source was asked %d times", got)
	}
	w.check()
}

func TestWhoeverWaitsIsToldThatAnAttemptHasMoved(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Browser: true, Polls: 1, Account: "ann"})
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	var p session.Prompt
	for _, move := range []struct {
		name string
		call func() error
	}{
		{"the first step", func() (err error) { p, err = a.Next(t.Context()); return err }},
		{"a redirect", func() error { _, err := fe.redirect(t.Context(), p.Step.(sdk.OpenURL).URL); return err }},
		{"the next step", func() error {
			reply, err := a.WaitCallback(t.Context(), p.Step.(sdk.OpenURL))
			if err == nil {
				_, err = a.Reply(t.Context(), reply)
			}
			return err
		}},
		{"the connection", func() error { _, err := a.Reply(t.Context(), sdk.TimePassed{}); return err }},
	} {
		moved := fe.Moved()
		if err := move.call(); err != nil {
			t.Fatalf("%s: %v", move.name, err)
		}
		select {
		case <-moved:
		default:
			if move.name != "the first step" { // which nobody can wait for yet
				t.Errorf("%s: nobody was told", move.name)
			}
		}
	}
	w.check()
}
