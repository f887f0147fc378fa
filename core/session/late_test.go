package session_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// TestPollThatIsDueTooLateExpires: a source that wants to be asked in a day does not hold the attempt for a day.
func TestPollThatIsDueTooLateExpires(t *testing.T) {
	for name, c := range map[string]struct{ expires, after time.Duration }{
		"the code's end":    {10 * time.Minute, 10 * time.Minute},
		"the attempt's end": {0, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w, fe, s := opened(t)
			w.place.next(alpha, play{Polls: 1, Code: true, Expires: c.expires, PollAfter: 24 * time.Hour, Account: "ann"})
			a, err := s.Connect(t.Context(), alpha, -1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			done := fe.begin(func() error { return a.WaitDue(context.Background()) })
			w.waitForTimers(1)
			w.clock.Advance(c.after)
			wantCode(t, done(), failure.AttemptExpired)
			w.wantStory(s, "connect alpha: attempt_expired")
		})
	}
}

// TestClockThatIsSetBackPutsNoPollOff: two hours back while a provider waits, in this process or between two.
func TestClockThatIsSetBackPutsNoPollOff(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Polls: 1, Code: true, PollAfter: 5 * time.Second, Account: "ann"})
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := func() { w.clock.Set(w.clock.Now().Add(-2 * time.Hour)) }
	for name, prepare := range map[string]func(){"before the wait": back, "meanwhile": func() {}} {
		prepare()
		done := fe.begin(func() error { return a.WaitDue(context.Background()) })
		w.waitForTimers(1)
		back()
		if err := w.settle(t, done); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now := w.clock.Now(); now.After(start().Add(-5 * time.Hour)) {
		t.Errorf("it waited until %s", now)
	}
}

func TestCodeIsShownOnceHoweverOftenItIsAskedFor(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Polls: 4, Code: true, Account: "ann"})
	var shown []string
	done := fe.begin(func() error {
		return s.Run(context.Background(), script(connectTo(alpha)), session.Person{Show: func(src source.Source, c sdk.ShowCode) {
			shown = append(shown, src.Name+" "+c.UserCode)
		}})
	})
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	if len(shown) != 1 || shown[0] != nameOf(alpha)+" WDJB" {
		t.Errorf("shown: %q", shown)
	}
	w.wantStory(s, "connect alpha")
}

func TestStoredRedirectNeedsNeitherBrowserNorAddress(t *testing.T) {
	for name, prepare := range map[string]func(*FrontEnd){
		"no browser":    func(*FrontEnd) {},
		"address taken": func(fe *FrontEnd) { fe.can.Browser, fe.redirects = true, &addresses{taken: true} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, play{Browser: true, Account: "ann"})
			first := w.frontEnd()
			first.can.Browser, first.redirects = true, &addresses{}
			s := first.open(tok, connectTo(alpha))
			b := newWindow()
			done := first.begin(func() error {
				return s.Run(context.Background(), script(connectTo(alpha)), session.Person{Browser: b})
			})
			state := b.state(t)
			first.kill()
			_ = w.settle(t, done)
			second := w.frontEnd()
			prepare(second)
			if _, err := second.Callback(t.Context(), callback("code", "x", "state", state)); err != nil {
				t.Fatal(err)
			}
			again := second.open(tok, connectTo(alpha))
			if err := again.Run(context.Background(), script(connectTo(alpha)), session.Person{}); err != nil {
				t.Fatal(err)
			}
			w.wantStory(again, "connect alpha")
		})
	}
}

func TestRedirectAfterTheEndIsStrayThoughNobodyHasNoticed(t *testing.T) {
	for name, end := range map[string]func(*World, sdk.Secret){
		"of the attempt": func(w *World, _ sdk.Secret) { w.clock.Advance(15 * time.Minute) },
		"of the session": func(w *World, tok sdk.Secret) { w.revokeToken(tok) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, play{Browser: true, Account: "ann"})
			first := w.frontEnd()
			s := first.open(tok, connectTo(alpha))
			state, done := browsing(t, first, s)
			first.kill()
			_ = w.settle(t, done)
			end(w, tok)
			got, err := w.frontEnd().Callback(t.Context(), callback("code", "x", "state", state))
			if err != nil || got.Outcome != session.CallbackStray {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestAddressOfAStepStandsOnlySoLong(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Stands: time.Minute, Account: "ann"})
	_, done := browsing(t, fe, s)
	w.clock.Advance(time.Minute)
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha: attempt_expired")
}

func TestBrowserIsSentOffOnceAnAttempt(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Twice: true, Account: "ann"})
	state, done := browsing(t, fe, s)
	if _, err := fe.Callback(t.Context(), callback("code", "x", "state", state)); err != nil {
		t.Fatal(err)
	}
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha: source_error")
}

// TestOneAttemptAtATimeHoldsThePerson: the one that waits for the person too long expires, and sends nobody anywhere.
func TestOneAttemptAtATimeHoldsThePerson(t *testing.T) {
	list := []session.Action{connectTo(alpha), connectTo(beta)}
	w, fe, s := opened(t, list...)
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	w.place.next(beta, play{Browser: true, Account: "bob"})
	b := newWindow()
	done := fe.begin(func() error { return s.Run(context.Background(), script(list...), session.Person{Browser: b}) })
	b.state(t)
	w.waitForTimers(2) // one polls, one waits for its turn
	w.clock.Advance(16 * time.Minute)
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	if len(b.opened) > 0 {
		t.Error("the browser was sent off for an attempt that was over")
	}
	codes := map[string]bool{}
	for _, line := range w.story(s) {
		codes[line] = true
	}
	if !codes["connect alpha: attempt_expired"] || !codes["connect beta: attempt_expired"] {
		t.Errorf("the session did %v", codes)
	}
	w.check()
}

// TestAttemptThatIsTooOldSendsNobodyAnywhere: the next process comes when its time is over, and says so.
func TestAttemptThatIsTooOldSendsNobodyAnywhere(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	first := w.frontEnd()
	_, done := browsing(t, first, first.open(tok, connectTo(alpha)))
	first.kill()
	_ = w.settle(t, done)
	w.clock.Advance(16 * time.Minute)
	second := w.frontEnd()
	s := second.open(tok, connectTo(alpha))
	b := newWindow()
	if err := s.Run(t.Context(), script(connectTo(alpha)), session.Person{Browser: b}); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha: attempt_expired")
	if got := w.actions(s.ID)[0].Message; strings.Contains(got, "another source") || len(b.opened) > 0 {
		t.Errorf("%q; the person was sent off %d times", got, len(b.opened))
	}
}

// TestRedirectReachesItsOwnAttempt: two attempts wait at once, in two sessions.
func TestRedirectReachesItsOwnAttempt(t *testing.T) {
	w := newWorld(t)
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	one, two := w.frontEnd(), w.frontEnd()
	s1, s2 := one.open(w.token("u1", time.Hour), connectTo(alpha)), two.open(w.token("u2", time.Hour), connectTo(alpha))
	_, done1 := browsing(t, one, s1)
	state2, done2 := browsing(t, two, s2)
	if got, err := one.Callback(t.Context(), callback("code", "x", "state", state2)); err != nil || got.Attempt != w.attempts(s2.ID)[0].ID {
		t.Fatalf("%+v, %v", got, err)
	}
	if a := w.attempts(s1.ID)[0]; a.Callback != nil || a.StateHash == nil {
		t.Error("the redirect of one attempt has reached the other")
	}
	if err := w.settle(t, done2); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s2, "connect alpha")
	w.clock.Advance(16 * time.Minute)
	if err := w.settle(t, done1); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s1, "connect alpha: attempt_expired")
}

func (w *World) revokeToken(tok sdk.Secret) {
	w.t.Helper()
	if _, err := w.local.Revoke(context.Background(), tok); err != nil {
		w.t.Fatalf("revoke a token: %v", err)
	}
}
