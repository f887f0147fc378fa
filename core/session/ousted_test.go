package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// TestGrantOfAnOustedFrontEndIsNoLossOfTheSession: both front ends ask for the same code; the ousted one gets the grant,
// and the owner, which asks once more, goes on with its session.
func TestGrantOfAnOustedFrontEndIsNoLossOfTheSession(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	list := []session.Action{connectTo(alpha), connectTo(beta)}
	w.place.next(alpha, play{Polls: 1, Code: true, Account: "ann", Hold: "work"})
	w.place.next(beta, play{Account: "bob"})
	first := w.frontEnd()
	s := first.open(tok, list[:1]...)
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := first.begin(func() error { _, err := a.Reply(context.Background(), sdk.TimePassed{}); return err })
	first.arrive()

	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, Script: script(list[:1]...), TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	second.lift("work")
	over := second.begin(func() error { return o.Session.Run(context.Background(), script(list[:1]...), session.Person{}) })
	w.waitForTimers(2) // the call of the one, and the wait of the other
	first.lift("work")
	if err := done(); err != nil {
		t.Errorf("the ousted front end: %v", err)
	}
	if err := w.settle(t, over); err != nil {
		t.Errorf("the owner: %v", err)
	}
	w.wantStory(s, "connect alpha")
}

// TestActionThatAnOustedFrontEndEndsIsNotBegunAnew: its grant commits when the owner has just looked what is left to do.
func TestActionThatAnOustedFrontEndEndsIsNotBegunAnew(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Polls: 1, Code: true, Account: "ann", Hold: "work"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := first.begin(func() error { _, err := a.Reply(context.Background(), sdk.TimePassed{}); return err })
	first.arrive()

	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha)), TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	second.lift("work")
	w.place.found = func() {
		w.place.found = nil
		first.lift("work")
		if err := done(); err != nil {
			t.Errorf("the ousted front end: %v", err)
		}
	}
	over := second.begin(func() error { return o.Session.Run(context.Background(), script(connectTo(alpha)), session.Person{}) })
	if err := w.settle(t, over); err != nil {
		t.Errorf("the owner: %v", err)
	}
	w.wantStory(s, "connect alpha")
	if got := len(w.place.asked); got != 2 {
		t.Errorf("the source was asked %d times", got)
	}
}
