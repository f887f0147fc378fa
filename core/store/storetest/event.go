package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func eventTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                     eventRoundTrip,
		"MissingIsErrNotFound":          missingEvents,
		"ASequenceIsOnceInASession":     oneEventPerSequence,
		"FiltersSelectAndNewestIsFirst": eventFilters,
	}
}

func event(session id.Session, sequence int64) store.Event {
	return store.Event{ID: id.New[id.Event](), Session: session, Sequence: sequence, Type: "source.connected", At: at(0), Body: []byte("{}\n")}
}

func eventRoundTrip(s *suite) {
	ses := s.addSession(s.addUser("u"))
	large, outside := event(ses.ID, 1), event("", 1)
	large.Body, outside.Body = blob(100<<10), nil
	large.User, large.Source = ses.User, "withings"
	complete(s, large)
	for name, e := range map[string]store.Event{"large": large, "outside of a session": outside} {
		s.update(func(tx store.Tx) error { return tx.InsertEvent(e) })
		s.view(func(tx store.Tx) error {
			got, err := tx.Event(e.ID)
			same(s, name, got, e)
			return err
		})
	}
}

func missingEvents(s *suite) {
	s.missing(map[string]func(store.Tx) error{
		"event": func(tx store.Tx) error { return drop(tx.Event(id.New[id.Event]())) },
	})
}

func oneEventPerSequence(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	s.update(func(tx store.Tx) error {
		err := tx.InsertEvent(event(ses.ID, 1))
		wantErr(s, "again", tx.InsertEvent(event(ses.ID, 1)), store.ErrExists)
		return must(err, tx.InsertEvent(event(ses.ID, 2)), tx.InsertEvent(event(other.ID, 1)),
			tx.InsertEvent(event("", 1)), tx.InsertEvent(event("", 1)))
	})
}

func eventFilters(s *suite) {
	user, other := s.addUser("u"), s.addUser("v")
	ses := s.addSession(user)
	a, b, c := event(ses.ID, 1), event("", 1), event(ses.ID, 2)
	c.Type, c.At, a.Source = "session.closed", at(2), "oura"
	b.At, b.User, b.Source = at(1), user, "withings"
	s.update(func(tx store.Tx) error { return must(tx.InsertEvent(a), tx.InsertEvent(b), tx.InsertEvent(c)) })
	for _, test := range []struct {
		name   string
		filter store.EventFilter
		want   []store.Event
	}{
		{"none", store.EventFilter{}, []store.Event{c, b, a}},
		{"limit", store.EventFilter{Limit: 1}, []store.Event{c}},
		{"session", store.EventFilter{Session: ses.ID}, []store.Event{c, a}},
		{"type", store.EventFilter{Type: "source.connected"}, []store.Event{b, a}},
		{"user", store.EventFilter{User: user}, []store.Event{c, b, a}},
		{"another user", store.EventFilter{User: other}, nil},
		{"source", store.EventFilter{Source: "withings"}, []store.Event{b}},
		{"since", store.EventFilter{Since: at(1)}, []store.Event{c, b}},
		{"after", store.EventFilter{After: b.ID}, []store.Event{a}},
		{"after one that is not there", store.EventFilter{After: id.New[id.Event]()}, nil},
		{"all at once", store.EventFilter{Session: ses.ID, Type: "source.connected", Source: "oura", User: user, Since: at(0), After: c.ID, Limit: 5}, []store.Event{a}},
	} {
		s.view(func(tx store.Tx) error {
			got, err := tx.Events(test.filter)
			same(s, test.name, got, test.want)
			return err
		})
	}
}

func deliveryTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RedeliveredOnesHoldNothing":           redeliveredHoldsNothing,
		"RoundTrip":                            deliveryRoundTrip,
		"MissingIsErrNotFound":                 missingDeliveries,
		"HeadOfQueueHoldsLaterEvents":          headHoldsLater,
		"EventsOutsideASessionHoldNothing":     outsideHoldsNothing,
		"DueOnesComeEarliestFirstInPages":      dueInPages,
		"NextIsTheFirstThatIsPending":          nextDelivery,
		"PullMovesPendingDeliveriesFromBeyond": pullDeliveries,
		"QueueMovesBehindOneOfItsLane":         moveQueue,
		"FiltersSelectAndNewestIsFirst":        deliveryFilters,
		"CountsAreOfWhatAFilterSelects":        deliveryCounts,
		"FiltersOfDeliveriesCombine":           deliveryFiltersCombine,
	}
}

func delivery(e store.Event, hook string) store.Delivery {
	return store.Delivery{
		ID: id.New[id.Delivery](), Event: e.ID, Hook: hook, Target: hook, Session: e.Session, Sequence: e.Sequence,
		State: store.DeliveryPending, NextAt: at(0), CreatedAt: at(0),
	}
}

// addDelivery makes an event of a session, or takes the given one, and a delivery of it.
func (s *suite) addDelivery(e store.Event, hook string, change func(*store.Delivery)) store.Delivery {
	s.Helper()
	d := delivery(e, hook)
	if change != nil {
		change(&d)
	}
	s.update(func(tx store.Tx) error { return tx.InsertDelivery(d) })
	return d
}

func (s *suite) addEvent(session id.Session, sequence int64) store.Event {
	s.Helper()
	e := event(session, sequence)
	s.update(func(tx store.Tx) error { return tx.InsertEvent(e) })
	return e
}

func deliveryRoundTrip(s *suite) {
	ses := s.addSession(s.addUser("u"))
	inside, outside := s.addEvent(ses.ID, 1), s.addEvent("", 1)
	full := delivery(inside, "journal")
	full.State, full.Tries, full.Deferred, full.NextAt = store.DeliveryDead, 4, 2, at(9)
	full.Hung, full.Redelivered = 1, true
	full.Owner, full.LeaseUntil, full.Error, full.EndedAt = id.New[id.Process](), at(10), "exit 1", at(11)
	complete(s, full)
	for name, d := range map[string]store.Delivery{"full": full, "sparse": delivery(outside, "hok_x")} {
		s.update(func(tx store.Tx) error { return tx.InsertDelivery(d) })
		s.wantDelivery(name, d)
		changed := full
		changed.ID, changed.Event, changed.Session = d.ID, d.Event, d.Session
		s.update(func(tx store.Tx) error { return tx.SaveDelivery(changed) })
		s.wantDelivery(name+" saved", changed)
	}
}

func (s *suite) wantDelivery(name string, want store.Delivery) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Delivery(want.ID)
		same(s, name, got, want)
		return err
	})
}

func missingDeliveries(s *suite) {
	e := s.addEvent("", 1)
	d := s.addDelivery(e, "h", nil)
	s.missing(map[string]func(store.Tx) error{
		"delivery": func(tx store.Tx) error { return drop(tx.Delivery(id.New[id.Delivery]())) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveDelivery(delivery(e, "h")), store.ErrNotFound)
		wantErr(s, "insert again", tx.InsertDelivery(d), store.ErrExists)
		return nil
	})
}

func (s *suite) wantHeads(what string, session id.Session, want ...store.Delivery) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.HeadDeliveries(session)
		same(s, what, deliveryIDs(got), deliveryIDs(want))
		return err
	})
}

func (s *suite) wantDue(what string, f store.DueFilter, want ...store.Delivery) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.DueDeliveries(f)
		same(s, what, deliveryIDs(got), deliveryIDs(want))
		return err
	})
}

func deliveryIDs(list []store.Delivery) []id.Delivery {
	return collect(list, func(d store.Delivery) id.Delivery { return d.ID })
}

func redeliveredHoldsNothing(s *suite) {
	ses := s.addSession(s.addUser("u"))
	again := func(d *store.Delivery) { d.Redelivered = true }
	first := s.addDelivery(s.addEvent(ses.ID, 1), "h", again)
	second := s.addDelivery(s.addEvent(ses.ID, 2), "h", nil)
	third := s.addDelivery(s.addEvent(ses.ID, 3), "h", again)
	fourth := s.addDelivery(s.addEvent(ses.ID, 4), "h", nil)
	s.wantHeads("one that waits holds none back", ses.ID, first, second, third)
	s.wantDue("the same", store.DueFilter{Now: at(0)}, first, second, third)
	s.update(func(tx store.Tx) error { return must(tx.MoveQueue(first, at(7)), tx.MoveQueue(second, at(9))) })
	fourth.NextAt = at(9)
	for _, want := range []store.Delivery{second, third, fourth} {
		s.wantDelivery("moved with its queue alone", want)
	}
}

func headHoldsLater(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	one, two, three := s.addEvent(ses.ID, 1), s.addEvent(ses.ID, 2), s.addEvent(ses.ID, 3)
	// Made out of order: the sequence counts, not the time. The head is not due, and owned: it holds the lane all the same.
	a2 := s.addDelivery(two, "a", nil)
	a1 := s.addDelivery(one, "a", func(d *store.Delivery) { d.NextAt, d.Owner, d.LeaseUntil = at(50), id.New[id.Process](), at(60) })
	a3 := s.addDelivery(three, "a", nil)
	b2 := s.addDelivery(two, "b", func(d *store.Delivery) { d.NextAt = at(1) })
	c1 := s.addDelivery(s.addEvent(other.ID, 1), "a", func(d *store.Delivery) { d.NextAt = at(2) })
	s.wantDue("all", store.DueFilter{Now: at(50)}, b2, c1, a1)
	s.wantDue("before the head is", store.DueFilter{Now: at(49)}, b2, c1)
	s.wantHeads("of a session", ses.ID, b2, a1)
	for _, end := range []store.DeliveryState{store.DeliveryDead, store.DeliveryDelivered} {
		head := map[store.DeliveryState]store.Delivery{store.DeliveryDead: a1, store.DeliveryDelivered: a2}[end]
		head.State = end
		s.update(func(tx store.Tx) error { return tx.SaveDelivery(head) })
	}
	s.wantHeads("after both ended", ses.ID, a3, b2)
	s.wantDue("after both ended", store.DueFilter{Now: at(1)}, a3, b2)
}

func outsideHoldsNothing(s *suite) {
	first, second := s.addEvent("", 1), s.addEvent("", 2)
	a := s.addDelivery(first, "h", nil)
	b := s.addDelivery(second, "h", nil)
	s.wantDue("outside", store.DueFilter{Now: at(0)}, a, b)
}

func dueInPages(s *suite) {
	var d []store.Delivery
	user := s.addUser("u")
	for i, seconds := range []int{1, 3, 2, 2} {
		e := s.addEvent(s.addSession(user).ID, 1)
		d = append(d, s.addDelivery(e, []string{"a", "b", "b", "c"}[i], func(d *store.Delivery) { d.NextAt = at(seconds) }))
	}
	never := s.addDelivery(s.addEvent("", 1), "a", func(d *store.Delivery) { d.NextAt = time.Time{} })
	s.wantDue("all", store.DueFilter{Now: at(3)}, never, d[0], d[2], d[3], d[1])
	s.wantDue("nothing later", store.DueFilter{Now: at(3).Add(-time.Millisecond)}, never, d[0], d[2], d[3])
	s.wantDue("a page", store.DueFilter{Now: at(3), Limit: 3}, never, d[0], d[2])
	s.wantDue("the next", store.DueFilter{Now: at(3), Limit: 3, After: &d[2]}, d[3], d[1])
	s.wantDue("to one target", store.DueFilter{Now: at(3), Limit: 3, Target: "b"}, d[2], d[1])
	s.wantDue("to one target, the next", store.DueFilter{Now: at(3), Limit: 3, Target: "b", After: &d[2]}, d[1])
	s.wantDue("to none", store.DueFilter{Now: at(3), Target: "d"})
	s.view(func(tx store.Tx) error {
		var targets []string
		for next := ""; ; targets = append(targets, next) {
			var err error
			if next, err = tx.NextTarget(next); err != nil || next == "" {
				same(s, "targets", targets, []string{"a", "b", "c"})
				return err
			}
		}
	})
}

func nextDelivery(s *suite) {
	e := s.addEvent(s.addSession(s.addUser("u")).ID, 1)
	want := func(what string, after, want time.Time) {
		s.Helper()
		s.view(func(tx store.Tx) error {
			got, err := tx.NextDelivery(after)
			same(s, what, got, want)
			return err
		})
	}
	want("none", time.Time{}, time.Time{})
	s.addDelivery(e, "a", func(d *store.Delivery) { d.NextAt = at(3) })
	s.addDelivery(e, "b", func(d *store.Delivery) { d.NextAt = at(5) })
	s.addDelivery(e, "c", func(d *store.Delivery) { d.NextAt, d.State = at(4), store.DeliveryDead })
	want("the first", at(2), at(3))
	want("strictly later", at(3), at(5))
	want("no more", at(5), time.Time{})
}

func pullDeliveries(s *suite) {
	e := s.addEvent(s.addSession(s.addUser("u")).ID, 1)
	near := s.addDelivery(e, "a", func(d *store.Delivery) { d.NextAt = at(5) })
	far := s.addDelivery(e, "b", func(d *store.Delivery) { d.NextAt = at(6) })
	dead := s.addDelivery(e, "c", func(d *store.Delivery) { d.NextAt, d.State = at(6), store.DeliveryDead })
	s.update(func(tx store.Tx) error { return tx.PullDeliveries(at(5), at(1)) })
	far.NextAt = at(1)
	s.view(func(tx store.Tx) error {
		for _, want := range []store.Delivery{near, far, dead} {
			got, err := tx.Delivery(want.ID)
			if err != nil {
				return err
			}
			same(s, want.Hook, got, want)
		}
		return nil
	})
}

func moveQueue(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	one, two, three := s.addEvent(ses.ID, 1), s.addEvent(ses.ID, 2), s.addEvent(ses.ID, 3)
	s.addDelivery(one, "a", nil)
	head := s.addDelivery(two, "a", nil)
	moved := s.addDelivery(three, "a", nil)
	ended := s.addDelivery(s.addEvent(ses.ID, 4), "a", func(d *store.Delivery) { d.State = store.DeliveryDead })
	s.addDelivery(three, "b", nil)
	s.addDelivery(s.addEvent(other.ID, 3), "a", nil)
	outside := s.addDelivery(s.addEvent("", 1), "a", nil)
	s.addDelivery(s.addEvent("", 2), "a", nil)
	s.update(func(tx store.Tx) error { return must(tx.MoveQueue(head, at(7)), tx.MoveQueue(outside, at(7))) })
	s.view(func(tx store.Tx) error {
		all, err := tx.Deliveries(store.DeliveryFilter{})
		for _, d := range all {
			want := at(0)
			if d.ID == moved.ID {
				want = at(7)
			}
			same(s, "moved", d.NextAt, want)
		}
		kept, err2 := tx.Delivery(ended.ID)
		same(s, "what has ended", kept, ended)
		return must(err, err2)
	})
}

func deliveryCounts(s *suite) {
	ses := s.addSession(s.addUser("u"))
	one, two, outside := s.addEvent(ses.ID, 1), s.addEvent(ses.ID, 2), s.addEvent("", 1)
	ended := func(state store.DeliveryState) func(*store.Delivery) {
		return func(d *store.Delivery) { d.State = state }
	}
	s.addDelivery(one, "b", nil)
	s.addDelivery(two, "b", nil)
	s.addDelivery(outside, "b", ended(store.DeliveryDead))
	s.addDelivery(one, "a", ended(store.DeliveryDelivered))
	s.addDelivery(outside, "a", nil)
	pending, dead, delivered := store.DeliveryPending, store.DeliveryDead, store.DeliveryDelivered
	count := func(hook string, state store.DeliveryState, n int) store.DeliveryCount {
		return store.DeliveryCount{Hook: hook, State: state, N: n}
	}
	for name, test := range map[string]struct {
		filter store.DeliveryFilter
		want   []store.DeliveryCount
	}{
		"all":           {store.DeliveryFilter{Limit: 1}, []store.DeliveryCount{count("a", delivered, 1), count("a", pending, 1), count("b", dead, 1), count("b", pending, 2)}},
		"pending":       {store.DeliveryFilter{State: pending}, []store.DeliveryCount{count("a", pending, 1), count("b", pending, 2)}},
		"dead":          {store.DeliveryFilter{State: dead}, []store.DeliveryCount{count("b", dead, 1)}},
		"session, hook": {store.DeliveryFilter{Session: ses.ID, Hook: "b"}, []store.DeliveryCount{count("b", pending, 2)}},
		"event":         {store.DeliveryFilter{Event: outside.ID, State: pending}, []store.DeliveryCount{count("a", pending, 1)}},
		"none":          {store.DeliveryFilter{Hook: "c"}, nil},
	} {
		s.view(func(tx store.Tx) error {
			got, err := tx.CountDeliveries(test.filter)
			same(s, name, got, test.want)
			return err
		})
		all := 0
		for _, c := range test.want {
			all += c.N
		}
		for _, most := range []int{1, 2, 100} {
			s.view(func(tx store.Tx) error {
				got, err := tx.CountUpTo(test.filter, most)
				same(s, fmt.Sprint(name, " up to ", most), got, min(most, all))
				return err
			})
		}
	}
}

func deliveryFilters(s *suite) {
	user, other := s.addUser("u"), s.addUser("v")
	ses := s.addSession(user)
	inside, outside := event(ses.ID, 1), event("", 1)
	inside.Source, outside.User, outside.Source = "oura", user, "withings"
	s.update(func(tx store.Tx) error { return must(tx.InsertEvent(inside), tx.InsertEvent(outside)) })
	a := s.addDelivery(inside, "x", nil)
	b := s.addDelivery(outside, "x", func(d *store.Delivery) { d.State, d.CreatedAt = store.DeliveryDead, at(5) })
	c := s.addDelivery(inside, "y", func(d *store.Delivery) { d.State = store.DeliveryDelivered })
	for _, test := range []struct {
		name   string
		filter store.DeliveryFilter
		want   []store.Delivery
	}{
		{"none", store.DeliveryFilter{}, []store.Delivery{c, b, a}},
		{"limit", store.DeliveryFilter{Limit: 2}, []store.Delivery{c, b}},
		{"session", store.DeliveryFilter{Session: ses.ID}, []store.Delivery{c, a}},
		{"event", store.DeliveryFilter{Event: outside.ID}, []store.Delivery{b}},
		{"hook", store.DeliveryFilter{Hook: "x"}, []store.Delivery{b, a}},
		{"target", store.DeliveryFilter{Target: "x", State: store.DeliveryPending}, []store.Delivery{a}},
		{"state", store.DeliveryFilter{State: store.DeliveryDelivered}, []store.Delivery{c}},
		{"dead", store.DeliveryFilter{State: store.DeliveryDead}, []store.Delivery{b}},
		{"user", store.DeliveryFilter{User: user}, []store.Delivery{c, b, a}},
		{"another user", store.DeliveryFilter{User: other}, nil},
		{"source", store.DeliveryFilter{Source: "oura"}, []store.Delivery{c, a}},
		{"since", store.DeliveryFilter{Since: at(5)}, []store.Delivery{b}},
		{"after", store.DeliveryFilter{After: c.ID}, []store.Delivery{b, a}},
		{"all at once", store.DeliveryFilter{Session: ses.ID, Event: inside.ID, Hook: "x", State: store.DeliveryPending, Limit: 3}, []store.Delivery{a}},
	} {
		s.view(func(tx store.Tx) error {
			got, err := tx.Deliveries(test.filter)
			same(s, test.name, got, test.want)
			return err
		})
	}
}

// Two filters together select what each of them selects.
func deliveryFiltersCombine(s *suite) {
	user := s.addUser("u")
	ses := s.addSession(user)
	for i, state := range []store.DeliveryState{store.DeliveryPending, store.DeliveryDead, store.DeliveryDelivered, store.DeliveryDiscarded} {
		for j, source := range []string{"oura", "withings"} {
			e := event(ses.ID, int64(10*i+j+1))
			e.Source = source
			s.update(func(tx store.Tx) error { return tx.InsertEvent(e) })
			for _, hook := range []string{"x", "y"} {
				s.addDelivery(e, hook, func(d *store.Delivery) { d.State, d.CreatedAt = state, at(i) })
			}
		}
	}
	var middle id.Delivery
	s.view(func(tx store.Tx) error {
		all, err := tx.Deliveries(store.DeliveryFilter{})
		middle = all[len(all)/2].ID
		return err
	})
	filters := []func(*store.DeliveryFilter){
		func(f *store.DeliveryFilter) { f.Hook = "x" },
		func(f *store.DeliveryFilter) { f.State = store.DeliveryPending },
		func(f *store.DeliveryFilter) { f.State = store.DeliveryDead },
		func(f *store.DeliveryFilter) { f.State = store.DeliveryDelivered },
		func(f *store.DeliveryFilter) { f.Source = "oura" },
		func(f *store.DeliveryFilter) { f.Since = at(1) },
		func(f *store.DeliveryFilter) { f.After = middle },
		func(f *store.DeliveryFilter) { f.User = user },
		func(f *store.DeliveryFilter) { f.Session = ses.ID },
	}
	for i, one := range filters {
		for j, other := range filters[:i] {
			var only, both store.DeliveryFilter
			one(&only)
			other(&both)
			if both.State != "" && only.State != "" {
				continue
			}
			s.view(func(tx store.Tx) error {
				first, err := tx.Deliveries(only)
				second, errSecond := tx.Deliveries(both)
				one(&both)
				got, errBoth := tx.Deliveries(both)
				want := slices.DeleteFunc(deliveryIDs(first), func(d id.Delivery) bool { return !slices.Contains(deliveryIDs(second), d) })
				if !slices.Equal(deliveryIDs(got), want) {
					s.Errorf("filters %d and %d select %v, want %v", i, j, deliveryIDs(got), want)
				}
				return errors.Join(err, errSecond, errBoth)
			})
		}
	}
}
