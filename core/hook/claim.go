package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// Gone is the error of a delivery whose hook no config named for as long as the long schedule takes.
const Gone = "hook_gone"

// leaseMargin is how much longer than a try may take the lease of its delivery is.
const leaseMargin = 30 * time.Second

// survey is what a pass over the heads of a scope found.
type survey struct {
	// jobs are to be tried now, by us; gone are dead for want of their hook, or because it is disabled.
	jobs []job
	gone []store.Delivery
	// due says that something is due that nobody works on; contended, that others work on something of ours.
	due, contended bool
	// unsettled says that something neither rests nor is left alone.
	unsettled bool
	// again says that the pass itself has made room for more.
	again bool
	// next is the first try to come; zero if there is none.
	next time.Time
}

// job is a delivery that we claim, and what to send.
type job struct {
	claimed store.Delivery
	message Message
}

func (s *survey) writes() bool { return len(s.jobs) > 0 || len(s.gone) > 0 }

// wait is how long there is nothing to do as far as the survey knows.
func (s *survey) wait(now time.Time) time.Duration {
	wait := idlePoll
	if s.contended {
		wait = contendedPoll
	}
	if !s.next.IsZero() {
		wait = min(wait, max(0, s.next.Sub(now)))
	}
	return wait
}

// claim writes what the survey decided.
func (s *survey) claim(tx store.Tx) error {
	for _, d := range s.gone {
		if err := tx.SaveDelivery(d); err != nil {
			return fmt.Errorf("bury a delivery: %w", err)
		}
	}
	for _, j := range s.jobs {
		if err := tx.SaveDelivery(j.claimed); err != nil {
			return fmt.Errorf("claim a delivery: %w", err)
		}
	}
	s.again = len(s.gone) > 0
	return nil
}

// glance is one look at the heads: a moment, and what was asked of other processes in it.
type glance struct {
	*Dispatcher
	now   time.Time
	alive map[id.Process]bool
	room  map[string]int
	off   map[string]bool
	total int
	survey
}

// look surveys a scope. It writes nothing.
func (d *Dispatcher) look(tx store.Tx, scope Scope) (survey, error) {
	heads, err := scope.heads(tx)
	if err != nil {
		return survey{}, fmt.Errorf("look for deliveries: %w", err)
	}
	g := glance{
		Dispatcher: d, now: d.opt.Clock.Now(), alive: make(map[id.Process]bool),
		room: make(map[string]int), off: make(map[string]bool), total: d.limit() - d.total,
	}
	for _, head := range heads {
		if err := g.see(tx, head); err != nil {
			return survey{}, err
		}
	}
	return g.survey, nil
}

// heads of a scope. Deliveries of an event outside of a session are all heads.
func (s Scope) heads(tx store.Tx) ([]store.Delivery, error) {
	if s.Event != "" {
		return tx.Deliveries(s.filter(store.DeliveryPending))
	}
	return tx.HeadDeliveries(s.Session, 0)
}

func (g *glance) see(tx store.Tx, head store.Delivery) error {
	h, ours, err := g.hookOf(tx, head)
	switch {
	case err != nil:
		return err
	case !ours:
		g.leave(head)
		return nil
	case !g.free(head):
		g.contended, g.unsettled = true, true
		return nil
	}
	h.Name = head.Hook
	if disabled, err := g.disabled(tx, h); err != nil || disabled {
		if disabled {
			g.bury(head, Disabled)
		}
		return err
	}
	wait := head.NextAt.Sub(g.now)
	g.unsettled = g.unsettled || wait <= longestQuick
	if wait > 0 {
		g.expect(head.NextAt)
		return nil
	}
	g.due = true
	return g.claim(tx, head, h)
}

func (g *glance) expect(at time.Time) {
	if g.next.IsZero() || at.Before(g.next) {
		g.next = at
	}
}

// hookOf finds the hook of a delivery, and says whether we are to run it.
func (g *glance) hookOf(tx store.Tx, d store.Delivery) (Hook, bool, error) {
	if _, err := id.Parse[id.SessionHook](d.Hook); err != nil {
		h, ok := g.hooks[d.Hook]
		return h, ok, nil
	}
	h, ok := g.given[d.Hook]
	if !ok {
		row, err := tx.SessionHook(id.SessionHook(d.Hook))
		if err != nil {
			return Hook{}, false, fmt.Errorf("find the hook of a delivery: %w", err)
		}
		if h, err = fromRow(row); err != nil {
			return Hook{}, false, err
		}
		g.given[d.Hook] = h
	}
	// A URL is the same from everywhere; a command is its user's, on its host.
	return h, h.Kind() == KindHTTP || g.opt.FlagHooks && h.UID == g.opt.UID && h.Host == g.opt.Host, nil
}

// disabled asks once for each hook.
func (g *glance) disabled(tx store.Tx, h Hook) (bool, error) {
	known, asked := g.off[h.Name]
	if asked {
		return known, nil
	}
	_, off, err := FindDisabled(tx, g.opt.Store.MAC, h)
	g.off[h.Name] = off
	return off, err
}

// leave lets a delivery of another's hook be, unless it is one of a config's that has waited too long.
func (g *glance) leave(d store.Delivery) {
	_, err := id.Parse[id.SessionHook](d.Hook)
	given := err == nil
	if given || !g.free(d) || g.now.Sub(d.CreatedAt) <= schedule.LongTotal() {
		return
	}
	g.bury(d, Gone)
}

// bury makes a delivery dead that nobody tries any more.
func (g *glance) bury(d store.Delivery, why string) {
	d.Error = why
	d.Owner, d.LeaseUntil = "", time.Time{}
	end(&d, store.DeliveryDead, g.now)
	g.gone = append(g.gone, d)
}

// free says whether nobody works on a delivery: it has no owner, its owner is dead, or its lease is over.
func (g *glance) free(d store.Delivery) bool {
	if d.Owner == "" || !d.LeaseUntil.After(g.now) {
		return true
	}
	if d.Owner == g.opt.Liveness.Self() {
		return false
	}
	alive, asked := g.alive[d.Owner]
	if !asked {
		var err error
		alive, err = g.opt.Liveness.Alive(d.Owner)
		alive = alive || err != nil // cannot tell: the lease decides
		g.alive[d.Owner] = alive
	}
	return !alive
}

func (d *Dispatcher) limit() int { return 4 * d.opt.Concurrency }

// claim makes a job of a head, if there is room for one more.
func (g *glance) claim(tx store.Tx, d store.Delivery, h Hook) error {
	if g.total <= 0 || g.running[d.Hook]+g.room[d.Hook] >= g.opt.Concurrency {
		return nil
	}
	e, err := tx.Event(d.Event)
	if err != nil {
		return fmt.Errorf("read the event of a delivery: %w", err)
	}
	m := Message{Hook: h, Event: e, Status: statusOf(e.Body), Attempt: d.Tries + 1}
	d.Owner = g.opt.Liveness.Self()
	d.LeaseUntil = g.now.Add(h.timeout() + leaseMargin).Truncate(time.Millisecond) // as the store keeps it
	g.total--
	g.room[d.Hook]++
	g.jobs = append(g.jobs, job{claimed: d, message: m})
	return nil
}

// statusOf reads the status out of a body of ours.
func statusOf(body []byte) string {
	var b struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	return b.Status
}

// settle writes what came of a try, if the delivery is still ours, and returns the report of it, if there is one.
func (d *Dispatcher) settle(tx store.Tx, r result) ([]Report, error) {
	row, err := tx.Delivery(r.claimed.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a delivery: %w", err)
	}
	ours := row.State == store.DeliveryPending && row.Owner == r.claimed.Owner && row.LeaseUntil.Equal(r.claimed.LeaseUntil)
	if !ours {
		return nil, nil
	}
	apply(&row, r.outcome, d.opt.Clock.Now(), d.opt.Random())
	if err := tx.SaveDelivery(row); err != nil {
		return nil, fmt.Errorf("store what came of a delivery: %w", err)
	}
	if r.outcome.Verdict == Unwanted {
		if err := disable(tx, d.opt.Store.MAC, r.hook, row.EndedAt, row.Error); err != nil {
			return nil, err
		}
	}
	if r.outcome.Verdict == Interrupted {
		return nil, nil
	}
	e, err := tx.Event(row.Event)
	if err != nil {
		return nil, fmt.Errorf("find the event of a delivery: %w", err)
	}
	return []Report{{
		Delivery: row.ID, Event: row.Event, Session: row.Session, Type: e.Type, Hook: row.Hook, Attempt: row.Tries,
		State: row.State, Next: row.NextAt, Error: row.Error, Lines: lines(r.outcome.Output),
	}}, nil
}
