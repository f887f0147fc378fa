package sqlite

import (
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
		in.bytes("body", purposeEvent, &e.Body),
	}
}

func (t *tx) Event(event id.Event) (store.Event, error) {
	return t.tables.event.find(t, "WHERE id = ?", event)
}

func (t *tx) InsertEvent(e store.Event) error { return t.tables.event.insert(t, e) }

func (t *tx) Events(f store.EventFilter) ([]store.Event, error) {
	var s selection
	s.where(f.Session != "", "session_id = ?", f.Session)
	s.where(f.Type != "", "type = ?", f.Type)
	rest, args := s.rest("n DESC", f.Limit)
	return t.tables.event.list(t, rest, args...)
}

func deliveryFields(d *store.Delivery) []field {
	return []field{
		{"id", &d.ID},
		{"event_id", &d.Event},
		{"hook", &d.Hook},
		{"session_id", maybeID{(*string)(&d.Session)}},
		{"sequence", &d.Sequence},
		{"state", &d.State},
		{"tries", &d.Tries},
		{"deferred", &d.Deferred},
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
const heads = `NOT EXISTS (SELECT 1 FROM delivery AS earlier WHERE earlier.state = 'pending'
	AND earlier.session_id = delivery.session_id AND earlier.hook = delivery.hook AND earlier.sequence < delivery.sequence)`

const headOrder = "next_at, n"

func (t *tx) HeadDeliveries(session id.Session, limit int) ([]store.Delivery, error) {
	rest, args := headQuery(session, limit)
	return t.tables.delivery.list(t, rest, args...)
}

func headQuery(session id.Session, limit int) (string, []any) {
	var s selection
	s.where(true, "state = 'pending'")
	s.where(session != "", "session_id = ?", session)
	s.where(true, heads)
	return s.rest(headOrder, limit)
}

func (t *tx) Deliveries(f store.DeliveryFilter) ([]store.Delivery, error) {
	var s selection
	s.where(f.Session != "", "session_id = ?", f.Session)
	s.where(f.Event != "", "event_id = ?", f.Event)
	s.where(f.Hook != "", "hook = ?", f.Hook)
	s.where(f.State != "", "state = ?", f.State)
	rest, args := s.rest("n DESC", f.Limit)
	return t.tables.delivery.list(t, rest, args...)
}
