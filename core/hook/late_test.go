package hook

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
