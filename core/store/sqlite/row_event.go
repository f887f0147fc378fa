package sqlite

import (
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func eventFields(e *store.Event, in box) []field {
	return []field{
		{"id", &e.ID},
		{"session_id", maybeID{(*string)(&e.Session)}},
		{"sequence", &e.Sequence},
		{"type", &e.Type},
		{"at", instant{&e.At}},
		{"human_id", maybeID{(*string)(&e.User)}},
		{"source", maybeID{&e.Source}},
		in.bytes("body", purposeEvent, &e.Body),
	}
}

func (t *tx) Event(event id.Event) (store.Event, error) {
	return t.tables.event.find(t, "WHERE id = ?", event)
}

func (t *tx) InsertEvent(e store.Event) error { return t.tables.event.insert(t, e) }

func (t *tx) Events(f store.EventFilter) ([]store.Event, error) {
	s := selectEvents(f)
	rest, args := s.rest("n DESC", f.Limit)
	return t.tables.listedEvent.list(t, rest, args...)
}

func selectEvents(f store.EventFilter) selection {
	var s selection
	s.where(f.Session != "", "session_id = ?", f.Session)
	s.where(f.Type != "", "type = ?", f.Type)
	s.where(f.User != "", "("+ofUserInSession+" OR session_id IS NULL AND human_id = ?)", f.User, f.User)
	s.where(f.Source != "", "source = ?", f.Source)
	s.since("event", "at", &f.Since)
	s.where(f.After != "", "n < (SELECT n FROM event WHERE id = ?)", f.After)
	return s
}

// ofUserInSession selects rows of a user's sessions.
const ofUserInSession = "session_id IN (SELECT id FROM session WHERE human_id = ?)"

func deliveryFields(d *store.Delivery) []field {
	return []field{
		{"id", &d.ID},
		{"event_id", &d.Event},
		{"hook", &d.Hook},
		{"target", &d.Target},
		{"session_id", maybeID{(*string)(&d.Session)}},
		{"sequence", &d.Sequence},
		{"state", &d.State},
		{"tries", &d.Tries},
		{"deferred", &d.Deferred},
		{"hung", &d.Hung},
		{"redelivered", &d.Redelivered},
		{"next_at", instant{&d.NextAt}},
		{"owner", &d.Owner},
		{"lease_until", maybeInstant{&d.LeaseUntil}},
		{"error", &d.Error},
		{"created_at", instant{&d.CreatedAt}},
		{"ended_at", maybeInstant{&d.EndedAt}},
	}
}

func (t *tx) Delivery(delivery id.Delivery) (store.Delivery, error) {
	return t.tables.delivery.find(t, "WHERE id = ?", delivery)
}

func (t *tx) InsertDelivery(d store.Delivery) error { return t.tables.delivery.insert(t, d) }

func (t *tx) SaveDelivery(d store.Delivery) error { return t.tables.delivery.save(t, d) }

// An event outside of a session has no session_id, so that NULL = NULL holds none of them back: each is a head.
const heads = `(redelivered OR NOT EXISTS (SELECT 1 FROM delivery AS earlier WHERE earlier.state = 'pending' AND NOT earlier.redelivered
	AND earlier.session_id = delivery.session_id AND earlier.hook = delivery.hook AND earlier.sequence < delivery.sequence))`

func (t *tx) HeadDeliveries(session id.Session) ([]store.Delivery, error) {
	return t.tables.delivery.list(t, sessionHeads, session)
}

const sessionHeads = "WHERE state = 'pending' AND session_id = ? AND " + heads + " ORDER BY next_at, n"

// dueHeads reads the index of the pending deliveries from where the page before ended up to now, and no further than the
// limit takes it; dueOfTarget those to one target.
const (
	dueHeads    = "WHERE state = 'pending' AND next_at BETWEEN ? AND ? AND (next_at, id) > (?, ?) AND " + heads + dueOrder
	dueOfTarget = "WHERE state = 'pending' AND target = ? AND next_at BETWEEN ? AND ? AND (next_at, id) > (?, ?) AND " + heads + dueOrder
	dueOrder    = " ORDER BY next_at, id LIMIT ?"
)

func (t *tx) DueDeliveries(f store.DueFilter) ([]store.Delivery, error) {
	after := store.Delivery{}
	if f.After != nil {
		after = *f.After
	}
	from := instant{&after.NextAt}
	args := []any{from, instant{&f.Now}, from, after.ID, rowLimit(f.Limit)}
	if f.Target == "" {
		return t.tables.delivery.list(t, dueHeads, args...)
	}
	return t.tables.delivery.list(t, dueOfTarget, append([]any{f.Target}, args...)...)
}

const nextTarget = "SELECT COALESCE(MIN(target), '') FROM delivery WHERE state = 'pending' AND target > ?"

func (t *tx) NextTarget(after string) (string, error) { return t.text(nextTarget, after) }

const nextDelivery = "SELECT MIN(next_at) FROM delivery WHERE state = 'pending' AND next_at > ?"

func (t *tx) NextDelivery(after time.Time) (next time.Time, err error) {
	err = t.query(nextDelivery, []any{instant{&after}}, func(scan func(...any) error) error { return scan(maybeInstant{&next}) })
	return next, err
}

const pullDeliveries = "UPDATE delivery SET next_at = ? WHERE state = 'pending' AND next_at > ?"

func (t *tx) PullDeliveries(beyond, at time.Time) error {
	_, err := t.exec(pullDeliveries, instant{&at}, instant{&beyond})
	return err
}

const moveQueue = "UPDATE delivery SET next_at = ? WHERE state = 'pending' AND session_id = ? AND hook = ? AND sequence > ? AND NOT redelivered"

func (t *tx) MoveQueue(behind store.Delivery, at time.Time) error {
	if behind.Session == "" || behind.Redelivered {
		return nil
	}
	_, err := t.exec(moveQueue, instant{&at}, behind.Session, behind.Hook, behind.Sequence)
	return err
}

func (t *tx) Deliveries(f store.DeliveryFilter) ([]store.Delivery, error) {
	s := selectDeliveries(f)
	order := "n DESC"
	if f.Target != "" { // as its index has them
		order = "next_at, id"
	}
	rest, args := s.rest(order, f.Limit)
	return t.tables.delivery.list(t, rest, args...)
}

func selectDeliveries(f store.DeliveryFilter) selection {
	var s selection
	s.where(f.Session != "", "session_id = ?", f.Session)
	s.where(f.Event != "", "event_id = ?", f.Event)
	s.where(f.Hook != "", "hook = ?", f.Hook)
	s.where(f.Target != "", "target = ?", f.Target)
	if f.State != "" {
		s.where(true, "state = '"+literal(f.State, store.DeliveryPending, store.DeliveryDelivered, store.DeliveryDead, store.DeliveryDiscarded)+"'")
	}
	s.where(f.User != "", "("+ofUserInSession+" OR event_id IN (SELECT id FROM event WHERE session_id IS NULL AND human_id = ?))", f.User, f.User)
	s.since("delivery", "created_at", &f.Since)
	s.where(f.After != "", "n < (SELECT n FROM delivery WHERE id = ?)", f.After)
	if f.Source != "" {
		s.ofSource(f)
	}
	return s
}

// ofSource selects the deliveries of the newest events of a source that have some, as many as are listed: deliveries are made with
// their events, in the same order.
func (s *selection) ofSource(f store.DeliveryFilter) {
	of := slices.Clone(s.terms)
	term := "event_id IN (SELECT id FROM event WHERE source = ? AND EXISTS (SELECT 1 FROM delivery WHERE event_id = event.id"
	for _, t := range of {
		term += " AND " + t
	}
	args := append([]any{f.Source}, s.args...)
	s.where(true, term+") ORDER BY n DESC LIMIT ?)", append(args, rowLimit(f.Limit))...)
}

func (t *tx) CountDeliveries(f store.DeliveryFilter) (out []store.DeliveryCount, err error) {
	query, args := countQuery(f)
	err = t.query(query, args, func(scan func(...any) error) error {
		var c store.DeliveryCount
		err := scan(&c.Hook, &c.State, &c.N)
		out = append(out, c)
		return err
	})
	return out, err
}

func countQuery(f store.DeliveryFilter) (string, []any) {
	s := selectDeliveries(f)
	return "SELECT hook, state, COUNT(*) FROM delivery " + s.conditions() + "GROUP BY hook, state ORDER BY hook, state", s.args
}

func (t *tx) CountUpTo(f store.DeliveryFilter, most int) (int, error) {
	f.Limit = most
	s := selectDeliveries(f)
	n, err := t.number("SELECT COUNT(*) FROM (SELECT 1 FROM delivery "+s.conditions()+"LIMIT ?)", append(s.args, most)...)
	return int(n), err
}
