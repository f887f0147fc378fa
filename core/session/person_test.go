package session_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// wantHalfDone compares what a person may go on with.
func wantHalfDone(t *testing.T, s *session.Session, want ...string) {
	t.Helper()
	if got, err := s.HalfDone(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("half done: %q, %v; want %q", got, err, want)
	}
}

func TestPersonGoesOnWithAFormInTheNextProcess(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 2, Account: "ann"})
	first := w.frontEnd()
	s := first.open(tok)
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	one, err := a.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := a.Reply(t.Context(), sdk.FormValues{Values: map[string]sdk.Secret{"one": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	wantHalfDone(t, s) // it is this front end's own
	first.kill()

	second := w.frontEnd()
	s = second.open(tok)
	wantHalfDone(t, s, alpha)
	if a, err = s.Connect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	got, err := a.Next(t.Context())
	if err != nil || !sameForm(got.Step, two.Step) || sameForm(got.Step, one.Step) {
		t.Fatalf("the next process shows %+v, %v; not %+v", got.Step, err, two.Step)
	}
	if _, err := a.Reply(t.Context(), sdk.FormValues{Values: map[string]sdk.Secret{"two": "2"}}); err != nil {
		t.Fatal(err)
	}
	wantHalfDone(t, s)
	w.wantStory(s, "connect alpha")
}

func sameForm(a, b sdk.Step) bool {
	x, okX := a.(sdk.Form)
	y, okY := b.(sdk.Form)
	return okX && okY && x.Title == y.Title && slices.EqualFunc(x.Fields, y.Fields, func(f, g sdk.Field) bool { return f.ID == g.ID })
}

func TestPersonGoesOnWithWhatAScriptBegan(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	state, done := browsing(t, first, s)
	first.kill()
	if err := w.settle(t, done); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	second := w.frontEnd()
	s = second.open(tok)
	wantHalfDone(t, s, alpha)
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Callback(t.Context(), callback("code", "x", "state", state)); err != nil {
		t.Fatal(err)
	}
	b := newWindow()
	reply, err := a.Browse(t.Context(), p.Step.(sdk.OpenURL), b)
	if err != nil || len(b.opened) > 0 {
		t.Fatalf("%v; the person was sent off %d times", err, len(b.opened))
	}
	if _, err := a.Reply(t.Context(), reply); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha")
}

func TestPersonIsToldOfAFormThatWasBegun(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann", Hold: "work"})
	first := w.frontEnd()
	s := first.open(tok)
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := first.begin(func() error {
		_, err := a.Reply(t.Context(), sdk.FormValues{})
		return err
	})
	first.arrive()
	first.kill()
	first.lift("work")
	if err := done(); !errors.Is(err, errDead) {
		t.Fatalf("the dead process: %v", err)
	}

	s = w.frontEnd().open(tok)
	wantHalfDone(t, s, alpha)
	if a, err = s.Connect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	p, err := a.Next(t.Context())
	if err != nil || p.Again == nil || p.Again.Code != failure.AttemptInterrupted {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestPersonBeginsAnewWhatIsTooOld(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	first := w.frontEnd()
	a, err := first.open(tok).Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.kill()
	w.clock.Advance(16 * time.Minute)
	s := w.frontEnd().open(tok)
	wantHalfDone(t, s)
	w.place.next(alpha, play{Account: "ann"})
	if a, err = s.Connect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	if p, err := a.Next(t.Context()); err != nil || p.Step == nil {
		t.Errorf("%+v, %v", p, err)
	}
	w.wantStory(s, "connect alpha")
}
