package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// run works through a script and fails the test if that does not work.
func (fe *FrontEnd) run(s *session.Session, actions ...session.Action) {
	fe.w.t.Helper()
	if err := s.Run(context.Background(), script(actions...), session.Person{}); err != nil {
		fe.w.t.Fatalf("run: %v", err)
	}
}

// story lists what a session did: "connect alpha" or "connect alpha: access_denied".
func (w *World) story(s *session.Session) []string {
	w.t.Helper()
	return w.storyOf(s.ID)
}

func (w *World) storyOf(ses id.Session) (out []string) {
	w.t.Helper()
	for _, a := range w.actions(ses) {
		line := string(a.Kind) + " " + a.Target
		if a.Code != "" {
			line += ": " + a.Code
		}
		out = append(out, line)
	}
	return out
}

func (w *World) wantStory(s *session.Session, want ...string) {
	w.t.Helper()
	if got := w.story(s); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the session did %q, not %q", got, want)
	}
	w.check()
}

func TestResumeGoesOnAfterTheLastEndedAction(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	list := []session.Action{connectTo(alpha), disconnectFrom(alpha), connectTo(beta)}
	first := w.frontEnd()
	s := first.open(tok, list...)
	first.run(s, list[:2]...) // it dies before it comes to the third
	if got := w.connections("u1"); len(got) != 0 {
		t.Fatalf("connections after the disconnect: %v", got)
	}
	first.kill()

	second := w.frontEnd()
	s = second.open(tok, list...)
	second.run(s, list...)
	w.wantStory(s, "connect alpha", "disconnect alpha", "connect beta")
	if len(w.place.grants) != 2 {
		t.Errorf("%d grants were given", len(w.place.grants))
	}
}

// TestScriptSurvivesDeathAtEveryCommit lets a front end die at each of its commits, seen or unseen, and another go on:
// the response is that of a script that was never interrupted.
func TestScriptSurvivesDeathAtEveryCommit(t *testing.T) {
	t.Parallel()
	empty := emptyState(t)
	list := []session.Action{connectTo(alpha), disconnectFrom(alpha), connectTo(gamma), disconnectFrom(beta), connectTo(alpha)}
	want := []string{"connect alpha", "disconnect alpha", "connect gamma", "disconnect beta: not_connected", "connect alpha"}
	deaths := 0
	for commit := 0; commit < 60; commit++ {
		for _, unseen := range []bool{false, true} {
			died := survive(t, empty, list, want, commit, unseen)
			if died {
				deaths++
			} else if deaths < 20 {
				t.Fatalf("a whole script took only %d commits", commit)
			} else {
				return
			}
		}
	}
	t.Error("the script has no end")
}

func survive(t *testing.T, empty string, list []session.Action, want []string, commit int, unseen bool) (died bool) {
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o700), copyState(empty, dir)); err != nil {
		t.Fatal(err)
	}
	w := worldIn(t, dir, t.Cleanup)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 2, Account: "ann"})
	w.place.next(gamma, play{Account: "bob"})
	first := w.frontEnd()
	first.store.dieAfter(commit, unseen)
	_, _ = first.whole(tok, list) // it may die anywhere
	died = first.dead()
	w.check()
	f, err := w.frontEnd().whole(tok, list)
	if err != nil {
		t.Fatalf("death at commit %d, unseen %t: %v", commit, unseen, err)
	}
	w.check()
	r := w.response(f.Response)
	c, d := r.SessionResults.ConnectedSources, r.SessionResults.DisconnectedSources
	// A form that was with the source when the process died fails a script, which answers each form once.
	if story := w.storyOf(f.Session); slices.ContainsFunc(story, func(s string) bool { return strings.Contains(s, "attempt_interrupted") }) {
		if len(story) != len(want) {
			t.Errorf("death at commit %d, unseen %t: %q", commit, unseen, story)
		}
		return died
	}
	whole := len(c) == 2 && c[0].ID == gamma && c[1].ID == alpha && len(d) == 0 && f.Status == event.Success
	if story := w.storyOf(f.Session); !whole || !slices.Equal(story, want) {
		t.Errorf("death at commit %d, unseen %t: %q, %s", commit, unseen, story, f.Response)
	}
	return died
}

// whole is all that a script does: open, run, close.
func (fe *FrontEnd) whole(tok sdk.Secret, list []session.Action) (*session.Final, error) {
	o, err := fe.try(session.OpenRequest{Token: tok, Script: script(list...)})
	if err != nil || o.Final != nil {
		return o.Final, err
	}
	if err := o.Session.Run(context.Background(), script(list...), session.Person{}); err != nil && !errors.Is(err, session.ErrEnded) {
		return nil, err
	}
	return o.Session.Close(context.Background(), session.CutNone)
}

func TestClosedSessionGivesTheStoredResponseAgain(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	list := []session.Action{connectTo(alpha), disconnectFrom(beta)}
	first, err := w.frontEnd().whole(tok, list)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Failed || first.Stored {
		t.Errorf("the close gave %+v", first)
	}
	events := len(w.allEvents())
	w.clock.Advance(40 * 24 * time.Hour) // the token is long over; that changes nothing
	for _, c := range []struct {
		list  []session.Action
		other bool
	}{
		{list, false},
		{nil, false},
		{[]session.Action{connectTo(alpha)}, true},
	} {
		again, err := w.frontEnd().whole(tok, c.list)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Response, again.Response) || !again.Failed || again.OtherScript != c.other || !again.Stored {
			t.Errorf("after %v: %+v", c.list, again)
		}
	}
	w.check()
	if got := len(w.allEvents()); got != events {
		t.Errorf("%d events were written for a closed session", got-events)
	}
}

func TestAnotherListOnAClosedSessionIsToldOf(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	if f, err := w.frontEnd().whole(tok, []session.Action{connectTo(alpha)}); err != nil || f.Failed || f.OtherScript {
		t.Fatalf("%+v, %v", f, err)
	}
	f, err := w.frontEnd().whole(tok, []session.Action{connectTo(beta)})
	if err != nil || !f.OtherScript || f.Failed || f.Status != event.Success {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestAnswersAreNoPartOfTheList(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	if _, err := w.frontEnd().whole(tok, []session.Action{connectTo(alpha)}); err != nil {
		t.Fatal(err)
	}
	other := connectTo(alpha)
	other.Answers = map[string]sdk.Secret{"user": "somebody else"}
	f, err := w.frontEnd().whole(tok, []session.Action{other})
	if err != nil || f.OtherScript {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestAnotherListOnAnOpenSessionBeginsAnew(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	fe := w.frontEnd()
	s := fe.open(tok, connectTo(alpha))
	fe.run(s, connectTo(alpha))
	fe.kill()
	fe = w.frontEnd()
	s = fe.open(tok, connectTo(alpha), disconnectFrom(beta))
	fe.run(s, connectTo(alpha), disconnectFrom(beta))
	w.wantStory(s, "connect alpha", "connect alpha", "disconnect beta: not_connected")
}

func TestResumedSessionKeepsItsIdAndResults(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	fe := w.frontEnd()
	s := fe.open(tok)
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	fe.kill()
	fe = w.frontEnd()
	again := fe.open(tok)
	if again.ID != s.ID {
		t.Errorf("resumed as %s, was %s", again.ID, s.ID)
	}
	r := w.response(fe.close(again).Response)
	if len(r.SessionResults.ConnectedSources) != 1 {
		t.Errorf("results of the first front end are gone: %+v", r)
	}
	w.check()
}

func TestOpenAttemptsRestUntilTheCloseCancelsThem(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	fe := w.frontEnd()
	s := fe.open(tok, connectTo(alpha))
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	fe.kill()
	fe = w.frontEnd()
	s = fe.open(tok, connectTo(beta)) // another list does not ask for alpha
	fe.run(s, connectTo(beta))
	if got := w.snapshot().attempts[s.ID]; got[0].State != store.AttemptOpen {
		t.Errorf("the attempt that nobody asks for is %s", got[0].State)
	}
	f := fe.close(s)
	if got := w.snapshot().attempts[s.ID]; got[0].State != store.AttemptCancelled {
		t.Errorf("after the close it is %s", got[0].State)
	}
	if r := w.response(f.Response); len(r.Failures) != 0 || f.Failed {
		t.Errorf("a cancelled attempt is a failure: %+v", r.Failures)
	}
	w.check()
}

func TestSessionOfALivingFrontEndIsInUse(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	first := w.frontEnd()
	first.open(tok)
	_, err := w.frontEnd().try(session.OpenRequest{Token: tok})
	if problem.CodeOf(err) != "session_in_use" {
		t.Errorf("opened beside a living front end: %v", err)
	}
	first.kill()
	w.frontEnd().open(tok) // a dead one is no hindrance
	w.check()
}

func TestOustedFrontEndWritesNothingMore(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	first := w.frontEnd()
	s := first.open(tok)
	if err := first.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	asked := len(w.place.asked)
	for _, instant := range []error{
		first.connect(s, beta), s.Disconnect(t.Context(), alpha, -1), s.Run(t.Context(), script(connectTo(beta)), session.Person{}),
		s.Run(t.Context(), script(disconnectFrom(alpha)), session.Person{}),
	} {
		if !errors.Is(instant, session.ErrTakenOver) {
			t.Errorf("an action of the ousted front end: %v", instant)
		}
	}
	if _, err := s.Close(t.Context(), session.CutNone); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end's close: %v", err)
	}
	if len(w.place.asked) != asked {
		t.Error("the ousted front end still asks sources")
	}
	w.wantStory(s, "connect alpha")
	second.close(o.Session)
	if f, err := s.Close(t.Context(), session.CutNone); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end got a response to print once the other had closed: %+v, %v", f, err)
	}
	w.check()
}

func TestConnectedOfAnUnchangedAttemptCommitsAfterATakeOver(t *testing.T) {
	for _, forms := range []int{0, 1} {
		w := newWorld(t)
		tok := w.token("u1", time.Hour)
		w.place.next(alpha, play{Forms: forms, Account: "ann", Hold: "late"})
		first := w.frontEnd()
		s := first.open(tok)
		done := first.begin(func() error { return first.connect(s, alpha) })
		first.arrive()
		second := w.frontEnd()
		o, err := second.try(session.OpenRequest{Token: tok, TakeOver: true})
		if err != nil {
			t.Fatal(err)
		}
		first.lift("late")
		if err := done(); err != nil {
			t.Errorf("%d forms: the grant was not kept: %v", forms, err)
		}
		r := w.response(second.close(o.Session).Response)
		if len(r.SessionResults.ConnectedSources) != 1 {
			t.Errorf("%d forms: %+v", forms, r)
		}
		w.check()
	}
}

func TestConnectedOfAChangedAttemptIsKeptForRevocation(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann", Hold: "late"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	done := first.begin(func() error { return s.Run(context.Background(), script(connectTo(alpha)), session.Person{}) })
	first.arrive()
	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, TakeOver: true, Script: script(connectTo(alpha))})
	if err != nil {
		t.Fatal(err)
	}
	second.run(o.Session, connectTo(alpha)) // finds the form begun: interrupted
	first.lift("late")
	if err := done(); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("the ousted front end was told %v", err)
	}
	w.wantStory(o.Session, "connect alpha: attempt_interrupted")
	if !w.place.grants["grant-1"].revoked {
		t.Error("the late grant was not revoked at once")
	}
	w.check()
}

// begin runs a call beside the test and returns a function that waits for its end.
func (fe *FrontEnd) begin(call func() error) func() error {
	done := make(chan error, 1)
	fe.busy.Add(1)
	go func() { done <- call() }()
	return func() error {
		select {
		case err := <-done:
			fe.busy.Add(-1)
			return err
		case <-time.After(waitLimit):
			return errors.New("the call does not end")
		}
	}
}

// TestOtherProviderDoesNotGoOnWithAnAttempt: what a provider wants back is for no other one.
func TestOtherProviderDoesNotGoOnWithAnAttempt(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	first := w.frontEnd()
	a, err := first.open(tok, connectTo(alpha)).Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.kill()
	w.place.provider = "another"
	second := w.frontEnd()
	s := second.open(tok, connectTo(alpha))
	second.run(s, connectTo(alpha))
	w.wantStory(s, "connect alpha: attempt_interrupted")
	if got := len(w.place.asked); got != 1 {
		t.Errorf("the providers were asked %d times", got)
	}
}
