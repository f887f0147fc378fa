package hook

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// TestLateWordOfATryIsNotTakenForTheNextOnes: the second try is at work when the first one's outcome comes.
func TestLateWordOfATryIsNotTakenForTheNextOnes(t *testing.T) {
	for name, take := range map[string]func(*state, *Dispatcher, *Options){
		"of a dead owner, within the same lease": func(s *state, first *Dispatcher, _ *Options) { s.kill(first.opt.Liveness.Self()) },
		"of the same owner, after its lease": func(s *state, first *Dispatcher, opt *Options) {
			opt.Liveness = first.opt.Liveness
			s.clock.Advance(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			h := closing("journal")
			e := s.record(s.session(), 1, h)
			first, _, release, done := stuckWorker(t, s, Outcome{Error: "late"}, h)
			mine, goOn := &receiver{}, make(chan struct{})
			mine.answer = func(context.Context, Message) Outcome { <-goOn; return Outcome{Verdict: Accepted} }
			opt := s.options(mine, h)
			take(s, first, &opt)
			second, over := New(opt), make(chan struct{})
			go func() {
				defer close(over)
				_, _ = second.Once(context.Background(), Scope{}) // what came of it is in the row
			}()
			eventually(t, "the second worker sends", func() bool { return mine.count() == 1 })
			claimed := s.only(e.ID)
			close(release)
			<-done
			if diff := cmp.Diff(claimed, s.only(e.ID)); diff != "" {
				t.Errorf("the late word was heard (-claimed +now):\n%s", diff)
			}
			close(goOn)
			<-over
			if d := s.only(e.ID); d.State != store.DeliveryDelivered || d.Tries != 1 || d.Error != "" {
				t.Errorf("%+v", d)
			}
		})
	}
}

// deaf cannot tell of any other process whether it lives.
type deaf struct{ process.Liveness }

func (deaf) Alive(id.Process) (bool, error) { return false, errors.New("its lock is on another host") }

func TestOwnerOfWhomNobodyCanTellKeepsItsWorkForItsLease(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	s.record(s.session(), 1, h)
	_, _, release, done := stuckWorker(t, s, Outcome{}, h)
	r := &receiver{}
	opt := s.options(r, h)
	opt.Liveness = deaf{opt.Liveness}
	second := New(opt)
	if s.once(second); r.count() != 0 {
		t.Error("took it within its lease")
	}
	s.clock.Advance(time.Hour)
	if s.once(second); r.count() != 1 {
		t.Error("left it after its lease")
	}
	close(release)
	<-done
}

func TestHookIsNotGoneWhileItsOwnerIsAtWork(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	s.clock.Advance(schedule.LongTotal() + time.Hour) // nobody has delivered for days
	_, _, release, done := stuckWorker(t, s, Outcome{Verdict: Accepted}, h)
	if tally := s.once(s.worker(&receiver{})); tally.Dead != 0 {
		t.Errorf("%+v", tally)
	}
	close(release)
	<-done
	if d := s.only(e.ID); d.State != store.DeliveryDelivered {
		t.Errorf("%+v", d)
	}
}

func TestEventBehindOneWhoseHookIsGoneHasTheWholeTimeOfItsOwn(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	s.record(session, 1, h)
	second := s.record(session, 2, h)
	stranger := s.worker(&receiver{})
	s.steady()
	s.clock.Advance(schedule.LongTotal() + time.Millisecond)
	s.steady()
	if tally := s.once(stranger); tally.Dead != 1 || tally.Pending != 1 {
		t.Errorf("%+v", tally)
	}
	s.clock.Advance(schedule.LongTotal())
	s.steady()
	if tally := s.once(stranger); tally.Dead != 0 || tally.Pending != 1 {
		t.Errorf("%+v", tally)
	}
	s.clock.Advance(time.Millisecond)
	if s.once(stranger); s.only(second.ID).Error != NotConfigured {
		t.Errorf("%+v", s.only(second.ID))
	}
}
