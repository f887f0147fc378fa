package hook

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

func hanging(context.Context, Message) Outcome {
	return Outcome{Verdict: Hung, Error: "not done within 15s"}
}

// lanes records an event in each of n sessions.
func (s *state) lanes(n int, hooks ...Hook) (recorded []event.Event) {
	s.t.Helper()
	for range n {
		recorded = append(recorded, s.record(s.session(), 1, hooks...))
	}
	return recorded
}

func TestHookThatHangsAgainAndAgainIsLeftAloneLongerAndLonger(t *testing.T) {
	s := newState(t)
	h, healthy := closing("stuck"), closing("healthy")
	healthy.Shell = "cat"
	s.lanes(30, h, healthy)
	r := &receiver{answer: func(ctx context.Context, m Message) Outcome {
		if m.Hook.Name == "stuck" {
			return hanging(ctx, m)
		}
		return Outcome{Verdict: Accepted}
	}}
	tries := func() int {
		before := r.count()
		s.once(s.worker(r, h, healthy)) // a process of its own, as cron starts them
		return r.count() - before
	}
	if n := tries(); n < 30+hangsToPause || n > 30+2*DefaultCommandConcurrency {
		t.Errorf("%d tries, of them 30 of the healthy hook", n)
	}
	for pause := firstPause; pause <= 2*longestPause; pause *= 2 {
		pause := min(pause, longestPause)
		s.clock.Advance(pause - time.Millisecond)
		if n := tries(); n != 0 {
			t.Fatalf("%d tries within a pause of %s", n, pause)
		}
		s.clock.Advance(time.Millisecond)
		if n := tries(); n != 1 {
			t.Fatalf("%d tries after a pause of %s", n, pause)
		}
	}
}

// Tries that run at once and hang are one outage: the hook is left alone for as long as after the fourth.
func TestManyTriesThatHangAtOnceCountOnce(t *testing.T) {
	s := newState(t)
	h := closing("app")
	h.Concurrency = 16
	s.lanes(40, h)
	all := make(chan struct{})
	var tries atomic.Int64
	r := &receiver{answer: func(ctx context.Context, m Message) Outcome {
		if tries.Add(1) == 16 {
			close(all)
		}
		<-all
		s.clock.Advance(time.Millisecond) // they end one after the other
		return hanging(ctx, m)
	}}
	s.once(s.worker(r, h))
	if tries.Load() != 16 {
		t.Fatalf("%d tries", tries.Load())
	}
	s.view(func(tx store.Tx) error {
		p, found, err := FindPause(tx, s.store.MAC, h)
		if left := p.Until.Sub(s.clock.Now()); !found || left > firstPause {
			t.Errorf("it is left alone for %s, want %s at most", left, firstPause)
		}
		return err
	})
}

// A hook of its own for each session, as flags are: the target hangs, whatever name it has.
func TestTargetOfManyFlagsThatHangsIsLeftAlone(t *testing.T) {
	s := newState(t)
	for range 20 {
		session := s.session()
		s.attach(session, parse(t, event.OnClose, "https://app.example.com/stuck", place(t)))
		s.change(session, event.SessionClosed)
	}
	r := &receiver{answer: hanging}
	d := s.worker(r)
	if s.once(d); r.count() >= 20 {
		t.Errorf("%d tries", r.count())
	}
	before := r.count()
	if s.once(s.worker(r)); r.count() != before {
		t.Errorf("%d tries in a pause", r.count()-before)
	}
}

func TestPauseUsesUpNoTryAndItsEventsDieByTimeAlone(t *testing.T) {
	s := newState(t)
	h := closing("stuck")
	events := s.lanes(40, h)
	r := &receiver{answer: hanging}
	began := s.clock.Now()
	dead := func() int { return len(s.deliveries(store.DeliveryFilter{State: store.DeliveryDead})) }
	for s.clock.Now().Sub(began) < schedule.LongTotal()-time.Hour {
		s.once(s.worker(r, h))
		if n := dead(); n > 0 {
			t.Fatalf("%d are dead after %s", n, s.clock.Now().Sub(began))
		}
		s.clock.Advance(longestPause)
	}
	for _, d := range s.deliveries(store.DeliveryFilter{}) {
		if used := d.Tries - d.Hung; used > 2 {
			t.Errorf("%d tries are used up: %+v", used, d)
		}
	}
	s.clock.Advance(2 * time.Hour)
	if s.once(s.worker(r, h)); dead() != len(events) {
		t.Errorf("%d are dead", dead())
	}
	if d := s.only(events[0].ID); d.Error != Paused {
		t.Errorf("%+v", d)
	}
}

func TestHookThatAnswersIsLeftAloneNoMore(t *testing.T) {
	for name, answer := range map[string]Outcome{"accepted": {Verdict: Accepted}, "failed": {Error: "exit status 1"}, "unsubscribed": {Verdict: NotNow}} {
		s := newState(t)
		h := closing("stuck")
		s.lanes(10, h)
		r := &receiver{answer: hanging}
		s.once(s.worker(r, h))
		r.answer = func(context.Context, Message) Outcome { return answer }
		s.clock.Advance(firstPause)
		before := r.count()
		if s.once(s.worker(r, h)); r.count()-before != 10 {
			t.Errorf("%s: %d tries", name, r.count()-before)
		}
	}
}

func TestOneDeliveryThatHangsHasItsQuickTries(t *testing.T) {
	at, d := tries(t, hanging, 500*time.Millisecond, 40*time.Second)
	if len(at) != 4 || d.State != store.DeliveryDead || d.Tries != 4 {
		t.Errorf("%v, %+v", at, d)
	}
}

func TestNobodyWaitsForAHookThatIsLeftAlone(t *testing.T) {
	s := newState(t)
	h := closing("stuck")
	h.Required = true
	s.lanes(8, h)
	r := &receiver{answer: hanging}
	s.once(s.worker(r, h))
	session := s.session()
	s.record(session, 1, h)
	before := r.count()
	tally, err := s.worker(r, h).Drain(t.Context(), Scope{Session: session}, time.Hour)
	if err != nil || tally.Pending != 1 || len(tally.Unaccepted) != 1 || r.count() != before {
		t.Errorf("%+v, %v, %d tries", tally, err, r.count()-before)
	}
}

func TestEnablingAHookTriesItAgain(t *testing.T) {
	s := newState(t)
	h := closing("stuck")
	s.lanes(8, h)
	s.once(s.worker(&receiver{answer: hanging}, h))
	if was, err := Enable(t.Context(), s.store, "stuck", []Hook{h}); was || err != nil {
		t.Fatal(was, err)
	}
	s.clock.Advance(schedule.Quick()[1])
	if tally := s.once(s.worker(&receiver{}, h)); tally.Delivered != 8 {
		t.Errorf("%+v", tally)
	}
}
