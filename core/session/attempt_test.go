package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// opened is a world with one session of one user.
func opened(t *testing.T, actions ...session.Action) (*World, *FrontEnd, *session.Session) {
	w := newWorld(t)
	fe := w.frontEnd()
	return w, fe, fe.open(w.token("u1", time.Hour), actions...)
}

func wantCode(t *testing.T, err error, want problem.Code) {
	t.Helper()
	var f *failure.Failure
	if !errors.As(err, &f) || f.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEveryCodeOfASourceIsKept(t *testing.T) {
	w, fe, s := opened(t)
	for _, code := range []problem.Code{
		failure.AccessDenied, failure.ScopeMissing, failure.BadConfiguration, failure.SourceUnavailable, failure.SourceError,
		failure.RateLimited, failure.Revoked, failure.NotSupported, failure.AttemptExpired, failure.AccountMismatch, failure.InvalidInput,
	} {
		w.place.next(alpha, play{Error: string(code)})
		wantCode(t, fe.connect(s, alpha), code)
		rows := w.actions(s.ID)
		if last := rows[len(rows)-1]; last.Code != string(code) || last.Message == "" || last.RetryAfter != 30*time.Second {
			t.Errorf("%s was kept as %+v", code, last)
		}
	}
	w.place.next(alpha, play{Error: "no_such_code"})
	wantCode(t, fe.connect(s, alpha), failure.SourceError)
	w.check()
}

func TestFailuresAreTheLastOfEachTargetUnlessMadeGood(t *testing.T) {
	w, fe, s := opened(t)
	deny := play{Error: "access_denied"}
	w.place.next(alpha, deny)
	w.place.next(beta, deny)
	wantCode(t, fe.connect(s, alpha), failure.AccessDenied)
	wantCode(t, fe.connect(s, beta), failure.AccessDenied)
	w.place.next(alpha, play{Error: "rate_limited"})
	wantCode(t, fe.connect(s, alpha), failure.RateLimited) // replaces the first
	wantCode(t, s.Disconnect(t.Context(), alpha, -1), failure.NotConnected)
	w.place.next(beta, play{Account: "ann"})
	if err := fe.connect(s, beta); err != nil { // makes the failure good
		t.Fatal(err)
	}
	f := fe.close(s)
	w.check()
	var got []string
	for _, x := range w.response(f.Response).Failures {
		got = append(got, x.Action+" "+x.Source.ID+" "+x.Code)
	}
	if want := "connect alpha rate_limited, disconnect alpha not_connected"; strings.Join(got, ", ") != want {
		t.Errorf("failures: %v", got)
	}
	if !f.Failed {
		t.Errorf("it has not failed: %s", f.Response)
	}
}

func TestCrashedStartIsRepeatedOnce(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Crashes: 1})
	if err := fe.connect(s, alpha); err != nil {
		t.Errorf("one crash of a start: %v", err)
	}
	w.place.next(beta, play{Account: "ann", Crashes: 2})
	wantCode(t, fe.connect(s, beta), failure.ProviderCrashed)
	if len(w.place.asked) != 4 {
		t.Errorf("the provider was asked %d times", len(w.place.asked))
	}
	w.check()
}

func TestCrashedPollIsRepeatedOnce(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Polls: 1, CrashAt: 1, Crashes: 1})
	if err := fe.connect(s, alpha); err != nil {
		t.Errorf("one crash of a poll: %v", err)
	}
	w.place.next(alpha, play{Account: "ann", Polls: 1, CrashAt: 1, Crashes: 2})
	wantCode(t, fe.connect(s, alpha), failure.ProviderCrashed)
	w.check()
}

func TestCrashOfAFormIsNotRepeatedAndTheFormIsShownAgain(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Forms: 1, CrashAt: 1, Crashes: 1})
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := a.Reply(t.Context(), sdk.FormValues{})
	if err != nil || p.Again == nil || p.Again.Code != failure.AttemptInterrupted {
		t.Fatalf("after the crash: %+v, %v", p, err)
	}
	if _, form := p.Step.(sdk.Form); !form || len(w.place.asked) != 2 {
		t.Errorf("after the crash: %T, %d calls", p.Step, len(w.place.asked))
	}
	if p, err = a.Reply(t.Context(), sdk.FormValues{}); err != nil {
		t.Fatal(err)
	}
	if _, done := p.Step.(sdk.Connected); !done {
		t.Errorf("the second reply gave %T", p.Step)
	}
	fe.close(s)
	w.check()
}

func TestCrashOfAFormFailsAScript(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Account: "ann", Forms: 1, CrashAt: 1, Crashes: 1})
	fe.run(s, connectTo(alpha))
	w.wantStory(s, "connect alpha: attempt_interrupted")
}

func TestRefusedValueFailsAScriptAndShowsAPersonTheFormAgain(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Account: "ann", Forms: 2, Wrong: 1})
	fe.run(s, connectTo(alpha))
	w.wantStory(s, "connect alpha: invalid_input")
	if got := w.actions(s.ID)[0].Field; got != "user" {
		t.Errorf("the failure names the field %q", got)
	}
	if err := fe.connect(s, alpha); err != nil {
		t.Errorf("a person corrects the value: %v", err)
	}
	w.check()
}

func TestCrashOfACallbackEndsTheAttempt(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Browser: true, CrashAt: 1, Crashes: 1})
	wantCode(t, fe.connect(s, alpha), failure.AttemptInterrupted)
	w.check()
}

func TestProviderThatGaveUpIsCrashed(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Forms: 1, CrashAt: 1, Crashes: 1, GaveUp: true})
	wantCode(t, fe.connect(s, alpha), failure.ProviderCrashed)
	w.check()
}

// TestBegunReplyIsNotRepeatedByTheNextProcess lets a front end die while the source works on a reply.
func TestBegunReplyIsNotRepeatedByTheNextProcess(t *testing.T) {
	for name, how := range map[string]play{
		"form":     {Forms: 1, Account: "ann", Hold: "work"},
		"callback": {Browser: true, Account: "ann", Hold: "work"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, how)
			first := w.frontEnd()
			s := first.open(tok, connectTo(alpha))
			done := first.begin(func() error { return first.drive(context.Background(), s, alpha, 0) })
			first.arrive()
			first.kill()
			first.lift("work")
			if err := done(); !errors.Is(err, errDead) {
				t.Fatalf("the dead process: %v", err)
			}
			asked := len(w.place.asked)
			second := w.frontEnd()
			s = second.open(tok, connectTo(alpha))
			a, err := s.Connect(t.Context(), alpha, 0)
			if name == "callback" {
				wantCode(t, err, failure.AttemptInterrupted)
				w.wantStory(s, "connect alpha: attempt_interrupted")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, err := a.Next(t.Context())
			if err != nil || p.Again == nil || p.Again.Code != failure.AttemptInterrupted || len(w.place.asked) != asked {
				t.Fatalf("the form after the crash: %+v, %v, %d calls", p, err, len(w.place.asked)-asked)
			}
			wantCode(t, a.Fail(t.Context(), p.Again), failure.AttemptInterrupted)
			w.wantStory(s, "connect alpha: attempt_interrupted")
		})
	}
}

func TestHalfDoneAttemptIsContinuedByTheNextProcess(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 2, Account: "ann"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := a.Reply(t.Context(), sdk.FormValues{}); err != nil || p.Step.(sdk.Form).Title != "Form 2" {
		t.Fatalf("%+v, %v", p, err)
	}
	first.kill()
	second := w.frontEnd()
	s = second.open(tok, connectTo(alpha))
	if a, err = s.Connect(t.Context(), alpha, 0); err != nil {
		t.Fatal(err)
	}
	if p, err := a.Next(t.Context()); err != nil || p.Step.(sdk.Form).Title != "Form 2" || p.Again != nil {
		t.Errorf("the next process sees %+v, %v", p, err)
	}
	if p, err := a.Reply(t.Context(), sdk.FormValues{}); err != nil || p.Step.(sdk.Connected).Account.ID != "ann" {
		t.Errorf("%+v, %v", p, err)
	}
	ids := make(map[string]bool)
	for _, c := range w.place.asked {
		ids[c.attempt] = true
	}
	if len(ids) != 1 {
		t.Errorf("one attempt had the ids %v", ids)
	}
	w.check()
}

func TestAttemptHas64StepsThatAreNotPolls(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Forms: 64, Polls: 70})
	if err := fe.connect(s, alpha); err == nil {
		t.Error("64 forms and then a poll came through, which is the 65th step") // the reply to the 64th form is no poll
	}
	w.place.next(alpha, play{Account: "ann", Forms: 64})
	if err := fe.connect(s, alpha); err != nil {
		t.Errorf("64 forms: %v", err)
	}
	w.place.next(alpha, play{Account: "ann", Forms: 65})
	wantCode(t, fe.connect(s, alpha), failure.SourceError)
	w.place.next(alpha, play{Account: "ann", Polls: 150})
	if err := fe.connect(s, alpha); err != nil {
		t.Errorf("150 polls: %v", err)
	}
	w.check()
}

func TestResumeHasALimit(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Forms: 1, Big: sdk.MaxResume})
	wantCode(t, fe.connect(s, alpha), failure.SourceError)
	w.check()
}

func TestAttemptExpires(t *testing.T) {
	for name, c := range map[string]struct {
		how   play
		after time.Duration
		reply sdk.Reply
		want  problem.Code
	}{
		"after 15 minutes":        {play{Forms: 1, Account: "ann"}, 15 * time.Minute, sdk.FormValues{}, failure.AttemptExpired},
		"not before 15 minutes":   {play{Forms: 1, Account: "ann"}, 15*time.Minute - time.Millisecond, sdk.FormValues{}, ""},
		"with its code":           {play{Polls: 1, Code: true, Expires: time.Minute, Account: "ann"}, time.Minute, sdk.TimePassed{}, failure.AttemptExpired},
		"not before its code":     {play{Polls: 1, Code: true, Expires: time.Minute, Account: "ann"}, 59 * time.Second, sdk.TimePassed{}, ""},
		"with its wait":           {play{Polls: 1, Expires: time.Minute, Account: "ann"}, time.Minute, sdk.TimePassed{}, failure.AttemptExpired},
		"a code without an end":   {play{Polls: 1, Code: true, Account: "ann"}, 14 * time.Minute, sdk.TimePassed{}, ""},
		"a code after 15 minutes": {play{Polls: 1, Code: true, Account: "ann"}, 15 * time.Minute, sdk.TimePassed{}, failure.AttemptExpired},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, s := opened(t)
			w.place.next(alpha, c.how)
			a, err := s.Connect(t.Context(), alpha, -1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(c.after)
			_, err = a.Reply(t.Context(), c.reply)
			if c.want == "" && err != nil {
				t.Errorf("in time: %v", err)
			} else if c.want != "" {
				wantCode(t, err, c.want)
				if got := w.snapshot().attempts[s.ID][0].State; got != store.AttemptFailed {
					t.Errorf("the attempt is %s", got)
				}
			}
			w.check()
		})
	}
}

func TestPollWaitsUntilItIsDueInTheNextProcessToo(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Polls: 1, Code: true, Account: "ann"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Next(t.Context())
	if err != nil || p.DueAt != w.clock.Now().Add(5*time.Second) {
		t.Fatalf("%+v, %v", p, err)
	}
	first.kill()
	w.clock.Advance(4 * time.Second)
	second := w.frontEnd()
	s = second.open(tok, connectTo(alpha))
	shown := make(chan string, 1)
	done := second.begin(func() error {
		return s.Run(context.Background(), script(connectTo(alpha)), session.Person{Show: func(_ source.Source, c sdk.ShowCode) { shown <- c.UserCode }})
	})
	if code := <-shown; code != "WDJB" {
		t.Errorf("the code that is shown again: %s", code)
	}
	w.waitForTimers(1)
	if len(w.place.asked) != 1 {
		t.Error("polled too early")
	}
	w.clock.Advance(time.Second)
	if err := done(); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha")
}

func TestPollIsNeverSoonerThanASecond(t *testing.T) {
	w, _, s := opened(t)
	w.place.next(alpha, play{Polls: 1, Account: "ann"})
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Next(t.Context())
	if err != nil || p.DueAt != w.clock.Now().Add(time.Second) {
		t.Errorf("due at %v, %v", p.DueAt, err)
	}
}

// waitForTimers waits until so many timers of the clock are set.
func (w *World) waitForTimers(n int) {
	w.t.Helper()
	limit := time.Now().Add(waitLimit)
	for w.clock.Waiting() < n {
		if time.Now().After(limit) {
			w.t.Fatalf("%d timers wait, not %d", w.clock.Waiting(), n)
		}
		yield()
	}
}

func TestNeighbouringConnectsRunAtOnceAndADisconnectWaits(t *testing.T) {
	list := []session.Action{connectTo(alpha), connectTo(beta), connectTo(gamma), disconnectFrom(alpha), connectTo(alpha)}
	w, fe, s := opened(t, list...)
	for _, source := range []string{alpha, beta, gamma} {
		w.place.next(source, play{Account: "ann", Hold: "barrier"})
	}
	done := fe.begin(func() error { return s.Run(context.Background(), script(list...), session.Person{}) })
	for range 3 {
		fe.arrive() // no one of them could pass alone
	}
	if got := w.story(s); len(got) != 0 {
		t.Errorf("before the barrier is lifted: %v", got)
	}
	fe.lift("barrier")
	if err := done(); err != nil {
		t.Fatal(err)
	}
	got := w.story(s)
	if len(got) != 5 || got[3] != "disconnect alpha" || got[4] != "connect alpha" || w.place.most < 3 {
		t.Errorf("the script did %v, at most %d at once", got, w.place.most)
	}
	w.check()
}

func TestScriptWithoutAnAnswerToALaterFormIsInputRequired(t *testing.T) {
	a := connectTo(alpha)
	a.Answers = map[string]sdk.Secret{}
	w, fe, s := opened(t, a)
	w.place.next(alpha, play{Account: "ann", Forms: 1})
	fe.run(s, a)
	w.wantStory(s, "connect alpha: input_required")
	if got := w.actions(s.ID)[0].Field; got != "user" {
		t.Errorf("the failure names the field %q", got)
	}
}

func TestScriptThatMeetsABrowserIsInteractionRequired(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Account: "ann", Browser: true})
	fe.run(s, connectTo(alpha))
	w.wantStory(s, "connect alpha: interaction_required")
}

func TestCancelledAttemptIsNoFailure(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Forms: 1})
	a, err := s.Connect(t.Context(), alpha, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Reply(t.Context(), sdk.FormValues{}); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("a reply to a cancelled attempt: %v", err)
	}
	if f := fe.close(s); f.Failed {
		t.Errorf("it has failed: %s", f.Response)
	}
	w.check()
}

func TestCloseWaitsFiveSecondsForAStepThatHasBegun(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Hangs: true})
	stop := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan struct{})
	done := fe.begin(func() error {
		defer close(ended)
		return fe.drive(ctx, s, alpha, -1)
	})
	w.waitForTimers(1)
	cancel(stop)
	w.waitForGrace()
	w.clock.Advance(5*time.Second - time.Millisecond)
	select {
	case <-ended:
		t.Error("the step was not waited for")
	default:
	}
	w.clock.Advance(time.Millisecond)
	if err := done(); !errors.Is(err, stop) {
		t.Errorf("the cut step: %v", err)
	}
	fe.close(s)
	w.wantStory(s)
}

func TestEndOfTheSessionWaitsFiveSecondsForAStepThatHasBegun(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Hangs: true})
	done := fe.begin(func() error { return fe.connect(s, alpha) })
	w.waitForTimers(1)
	w.clock.Advance(time.Hour)
	w.waitForGrace()
	w.clock.Advance(5 * time.Second)
	if err := done(); !errors.Is(err, session.ErrEnded) {
		t.Errorf("the cut step: %v", err)
	}
	fe.close(s)
	w.wantStory(s)
}

func TestStepThatEndsWhileTheSessionClosesCounts(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann", Hold: "slow"})
	ctx, cancel := context.WithCancel(t.Context())
	done := fe.begin(func() error { return fe.drive(ctx, s, alpha, -1) })
	fe.arrive()
	cancel()
	fe.lift("slow")
	if err := done(); err != nil {
		t.Errorf("the step ended in time: %v", err)
	}
	fe.close(s)
	w.wantStory(s, "connect alpha")
}
