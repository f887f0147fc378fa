package hook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The codes of what cannot be redelivered or discarded.
const (
	CodeNoDelivery problem.Code = "delivery_not_found"
	CodeDelivered  problem.Code = "delivery_delivered"
	CodeInFlight   problem.Code = "delivery_in_flight"
)

// Selection names deliveries: those of IDs, or the dead ones of a hook, or all dead ones.
type Selection struct {
	IDs  []id.Delivery
	Hook string
}

// selectionPage is how many deliveries are changed in one transaction: others write in between.
const selectionPage = 200

// Redeliver makes deliveries due at once, with all the tries of the schedules, and returns them. Dead and discarded ones are
// made outside of the order of their queue: they wait for none and hold none back. A pending one keeps its place. Hooks that were
// left alone, because they hang, are tried again. A delivered one is a problem, and then nothing is changed.
func (d *Dispatcher) Redeliver(ctx context.Context, s Selection) ([]id.Delivery, error) {
	defer d.Wake()
	return d.change(ctx, s, d.redeliver)
}

// Discard ends deliveries that nobody wants any more, dead and pending ones, and returns them. One that was delivered, or is
// being delivered, is a problem, and then nothing is changed.
func (d *Dispatcher) Discard(ctx context.Context, s Selection) ([]id.Delivery, error) {
	defer d.Wake()
	return d.change(ctx, s, d.discard)
}

// change applies f to the deliveries of a selection, page by page, the newest first.
func (d *Dispatcher) change(ctx context.Context, s Selection, f func(store.Tx, *store.Delivery) error) ([]id.Delivery, error) {
	var done []id.Delivery
	var after id.Delivery
	for {
		var page []store.Delivery
		err := d.opt.Store.Update(ctx, func(tx store.Tx) (err error) {
			if page, err = s.page(tx, after); err != nil {
				return err
			}
			for i := range page {
				if err := f(tx, &page[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		for _, row := range page {
			done = append(done, row.ID)
			after = row.ID
		}
		if len(s.IDs) > 0 || len(page) < selectionPage {
			return done, nil
		}
	}
}

// page reads the deliveries that are named, or the next dead ones.
func (s Selection) page(tx store.Tx, after id.Delivery) ([]store.Delivery, error) {
	if len(s.IDs) == 0 {
		return tx.Deliveries(store.DeliveryFilter{Hook: s.Hook, State: store.DeliveryDead, After: after, Limit: selectionPage})
	}
	var rows []store.Delivery
	seen := make(map[id.Delivery]bool)
	for _, dlv := range s.IDs {
		if seen[dlv] {
			continue
		}
		seen[dlv] = true
		row, err := tx.Delivery(dlv)
		if errors.Is(err, store.ErrNotFound) {
			return nil, problem.New(CodeNoDelivery, "delivery %s not found", dlv).Hint("see: humanconnect delivery list")
		}
		if err != nil {
			return nil, fmt.Errorf("find a delivery: %w", err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (d *Dispatcher) redeliver(tx store.Tx, row *store.Delivery) error {
	if err := d.checkChange(row); err != nil {
		return err
	}
	now := d.opt.Clock.Now()
	if row.State != store.DeliveryPending {
		row.State, row.Redelivered, row.EndedAt = store.DeliveryPending, true, time.Time{}
	}
	row.Target = targetOf(*row)
	row.Tries, row.Deferred, row.Hung, row.NextAt = 0, 0, 0, now
	row.Owner, row.LeaseUntil = "", time.Time{}
	if err := d.unpause(tx, row.Hook); err != nil {
		return err
	}
	return save(tx, *row)
}

func (d *Dispatcher) discard(tx store.Tx, row *store.Delivery) error {
	if err := d.checkChange(row); err != nil || row.State == store.DeliveryDiscarded {
		return err
	}
	row.Owner, row.LeaseUntil = "", time.Time{}
	markEnded(row, store.DeliveryDiscarded, d.opt.Clock.Now())
	return save(tx, *row)
}

// checkChange refuses a delivery that its hook has, or that a living process is bringing there.
func (d *Dispatcher) checkChange(row *store.Delivery) error {
	switch row.State {
	case store.DeliveryDelivered:
		return problem.New(CodeDelivered, "delivery %s is delivered already", row.ID).
			Hint("see: humanconnect delivery show %s", row.ID)
	case store.DeliveryPending:
		if row.Owner == "" {
			return nil
		}
		alive, err := d.opt.Liveness.Alive(row.Owner)
		if alive || err != nil && row.LeaseUntil.After(d.opt.Clock.Now()) {
			return problem.New(CodeInFlight, "delivery %s is being delivered by another process", row.ID).
				Hint("wait until its try has ended: humanconnect delivery show %s", row.ID)
		}
	}
	return nil
}

// unpause lets the hook of a delivery be tried again.
func (d *Dispatcher) unpause(tx store.Tx, name string) error {
	h, known, err := Find(tx, name, d.opt.Hooks.Hooks())
	if err != nil || !known {
		if errors.Is(err, store.ErrDamaged) {
			err = nil // it dies when it is tried
		}
		return err
	}
	h.Name = name
	return Unpause(tx, d.opt.Store.MAC, h)
}
