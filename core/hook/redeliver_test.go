package hook

import (
	"context"
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// die makes the deliveries of a failing hook dead.
func (s *state) die(h Hook) {
	s.t.Helper()
	d := s.worker(&receiver{answer: failing}, h)
	for _, wait := range schedule.Quick() {
		s.clock.Advance(wait)
		s.once(d)
	}
}

func (s *state) sequences(r *receiver) (out []int64) {
	for _, m := range r.messages() {
		out = append(out, m.Event.Sequence)
	}
	return out
}

func TestRedeliveryStandsOutsideOfTheOrder(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	s.record(session, 1, h)
	second := s.record(session, 2, h)
	s.die(h) // the first, and then the second
	s.die(h)
	third := s.record(session, 3, h)
	r := &receiver{answer: func(ctx context.Context, m Message) Outcome {
		if m.Event.Sequence == 1 || m.Event.Sequence == 3 {
			return failing(ctx, m)
		}
		return Outcome{Verdict: Accepted}
	}}
	d := s.worker(r, h)
	s.once(d) // the third has failed once, and waits
	done, err := d.Redeliver(t.Context(), Selection{})
	if err != nil || len(done) != 2 {
		t.Fatalf("%v, %v", done, err)
	}
	fourth := s.record(session, 4, h)
	s.once(d)
	if got := s.only(second.ID); got.State != store.DeliveryDelivered || got.Tries != 1 {
		t.Errorf("it waited for another: %+v", got)
	}
	if s.only(fourth.ID).State != store.DeliveryPending {
		t.Error("the queue is out of order")
	}
	r.answer = func(_ context.Context, m Message) Outcome {
		if m.Event.Sequence == 1 {
			return Outcome{Verdict: NotNow}
		}
		return Outcome{Verdict: Accepted}
	}
	s.clock.Advance(schedule.Quick()[1])
	s.once(d)
	if s.only(third.ID).State != store.DeliveryDelivered || s.only(fourth.ID).State != store.DeliveryDelivered {
		t.Errorf("they wait for a redelivery: %v", s.sequences(r))
	}
}

func TestSelectionOfRedeliveryAndDiscard(t *testing.T) {
	s := newState(t)
	one, other := closing("one"), closing("other")
	var ids []id.Delivery
	for range 2 {
		e := s.record(s.session(), 1, one)
		ids = append(ids, s.only(e.ID).ID)
	}
	s.record(s.session(), 1, other)
	s.die(one)
	s.die(other)
	d := s.worker(&receiver{}, one, other)
	inState := func(state store.DeliveryState) int { return len(s.deliveries(store.DeliveryFilter{State: state})) }
	for name, c := range map[string]struct {
		selection Selection
		want      int
	}{"ids": {Selection{IDs: append(ids, ids...)}, 2}, "a hook": {Selection{Hook: "one"}, 2}, "all": {Selection{}, 3}} {
		got, err := d.Discard(t.Context(), c.selection)
		if err != nil || len(got) != c.want || inState(store.DeliveryDiscarded) != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if again, err := d.Redeliver(t.Context(), Selection{IDs: got}); err != nil || len(again) != c.want || inState(store.DeliveryPending) != c.want {
			t.Errorf("%s: %v, %v", name, again, err)
		}
		s.die(one)
		s.die(other)
	}
}

func TestManyDeadOnesAreRedeliveredOnce(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	s.lanes(selectionPage+3, h)
	s.die(h)
	d := s.worker(&receiver{}, h)
	got, err := d.Redeliver(t.Context(), Selection{Hook: "journal"})
	slices.Sort(got)
	if err != nil || len(slices.Compact(got)) != selectionPage+3 {
		t.Fatalf("%d, %v", len(got), err)
	}
	if tally := s.once(d); tally.Delivered != selectionPage+3 || tally.Pending != 0 {
		t.Errorf("%+v", tally)
	}
}

func TestWhatIsDeliveredOrUnderWayIsLeftAsItIs(t *testing.T) {
	s := newState(t)
	h, stuck := closing("journal"), closing("stuck")
	delivered := s.record(s.session(), 1, h)
	dead := s.record(s.session(), 1, closing("gone"))
	s.die(closing("gone"))
	s.once(s.worker(&receiver{}, h))
	flying := s.record(s.session(), 1, stuck)
	_, _, release, done := stuckWorker(t, s, Outcome{Verdict: Accepted}, stuck)
	d := s.worker(&receiver{}, h, stuck)
	for want, row := range map[problem.Code]store.Delivery{
		CodeDelivered: s.only(delivered.ID), CodeInFlight: s.only(flying.ID), CodeNoDelivery: {ID: id.New[id.Delivery]()},
	} {
		sel := Selection{IDs: []id.Delivery{s.only(dead.ID).ID, row.ID}}
		for verb, f := range map[string]func(context.Context, Selection) ([]id.Delivery, error){"redeliver": d.Redeliver, "discard": d.Discard} {
			if _, err := f(t.Context(), sel); problem.CodeOf(err) != want || s.only(dead.ID).State != store.DeliveryDead {
				t.Errorf("%s: %v, want %s; %+v", verb, err, want, s.only(dead.ID))
			}
		}
	}
	close(release)
	<-done
}

// The head of a queue that nobody wants any more lets the rest go on; one that waits for days is tried now.
func TestPendingOneIsDiscardedOrTriedNow(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	first, second := s.record(session, 1, h), s.record(session, 2, h)
	r := &receiver{answer: notNow}
	d := s.worker(r, h)
	s.once(d)
	if _, err := d.Redeliver(t.Context(), Selection{IDs: []id.Delivery{s.only(first.ID).ID}}); err != nil {
		t.Fatal(err)
	}
	if s.once(d); r.count() != 2 || s.only(first.ID).Redelivered {
		t.Errorf("%d tries, %+v", r.count(), s.only(first.ID))
	}
	if _, err := d.Discard(t.Context(), Selection{IDs: []id.Delivery{s.only(first.ID).ID}}); err != nil {
		t.Fatal(err)
	}
	if s.once(d); r.count() != 3 || s.only(second.ID).Tries != 1 {
		t.Errorf("%d tries, %+v", r.count(), s.only(second.ID))
	}
}

func TestRedeliveryTriesAHookAgainThatIsLeftAlone(t *testing.T) {
	s := newState(t)
	h := closing("stuck")
	s.lanes(1, h)
	r := &receiver{answer: hanging}
	d := s.worker(r, h)
	for _, wait := range schedule.Quick() {
		s.clock.Advance(wait)
		s.once(d)
	}
	r.answer = nil
	if _, err := d.Redeliver(t.Context(), Selection{}); err != nil {
		t.Fatal(err)
	}
	if tally := s.once(d); tally.Delivered != 1 {
		t.Errorf("%+v", tally)
	}
}
