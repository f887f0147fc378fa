package hook

import (
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Record writes an event and one delivery for each hook that asks for it, in the transaction of the state change that
// it tells of: the hooks of the config, and those that were given as flags, which are the session's, or extra for an
// event outside of a session. The deliveries are due at once. Wake the dispatcher once the transaction has committed.
func Record(tx store.Tx, e event.Event, session id.Session, at time.Time, hooks []Hook, extra []id.SessionHook) error {
	row := store.Event{
		ID: e.ID, Session: session, Sequence: e.Sequence, Type: string(e.Type), At: at, Body: event.JSON(e),
	}
	if e.HumanID != nil {
		row.User = *e.HumanID
	}
	if e.Source != nil {
		row.Source = e.Source.ID
	}
	if err := tx.InsertEvent(row); err != nil {
		return fmt.Errorf("record the event: %w", err)
	}
	given, err := givenRows(tx, session, extra)
	if err != nil {
		return fmt.Errorf("record the event: %w", err)
	}
	heads, err := headTimes(tx, session)
	if err != nil {
		return fmt.Errorf("record the event: %w", err)
	}
	record := func(h Hook, target string) error {
		if !h.wants(e.Type) {
			return nil
		}
		d := newDelivery(row, h.Name, heads[h.Name])
		d.Target = target
		if err := tx.InsertDelivery(d); err != nil {
			return fmt.Errorf("record a delivery: %w", err)
		}
		return nil
	}
	for _, g := range given {
		h, err := fromRow(g)
		if err == nil {
			err = record(h, targetOfFlag(g))
		}
		if err != nil {
			return err
		}
	}
	for _, h := range hooks {
		if err := record(h, h.Name); err != nil {
			return err
		}
	}
	return nil
}

// headTimes says when the heads of a session's queues are due, by hook.
func headTimes(tx store.Tx, session id.Session) (map[string]time.Time, error) {
	if session == "" {
		return nil, nil
	}
	heads, err := tx.HeadDeliveries(session)
	at := make(map[string]time.Time)
	for _, d := range heads {
		if !d.Redelivered {
			at[d.Hook] = d.NextAt
		}
	}
	return at, err
}

// newDelivery is due at once, or with the head of its queue.
func newDelivery(e store.Event, hook string, head time.Time) store.Delivery {
	d := store.Delivery{
		ID: id.New[id.Delivery](), Event: e.ID, Hook: hook, Session: e.Session, Sequence: e.Sequence,
		State: store.DeliveryPending, NextAt: e.At, CreatedAt: e.At,
	}
	if head.After(d.NextAt) {
		d.NextAt = head
	}
	return d
}

// givenRows returns the hooks that came as flags.
func givenRows(tx store.Tx, session id.Session, extra []id.SessionHook) ([]store.SessionHook, error) {
	var rows []store.SessionHook
	if session != "" {
		own, err := tx.SessionHooks(session)
		if err != nil {
			return nil, err
		}
		rows = own
	}
	for _, k := range extra {
		row, err := tx.SessionHook(k)
		if err != nil {
			return nil, err
		}
		if session == "" || row.Session != session {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
