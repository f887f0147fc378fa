package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

const (
	// NotConfigured is the error of a delivery whose hook no config has named for as long as the long schedule takes.
	NotConfigured = "hook_gone"
	// Damaged is the error of a delivery whose event, or whose hook that came as a flag, cannot be read in the store.
	Damaged = "store_damaged"
)

const (
	// leaseMargin is how much longer than a try may take the lease of its delivery is.
	leaseMargin = 30 * time.Second
	// notOursPause is how long a target is left out of the scans whose hooks of flags are all another user's or host's: they may
	// be adopted.
	notOursPause = time.Minute
	// pageSize is how many deliveries that are due are read at once, however many there are.
	pageSize = 100
	// walkSize is how many targets a scan looks at when it has found something to do.
	walkSize = 64
)

// scanResult is what one scan of the heads of the queues in a scope found.
type scanResult struct {
	// jobs are to be tried now, by us; gone are dead for want of their hook, or because it is disabled.
	jobs []job
	gone []deadDelivery
	// due says that something is due that nobody works on; contended, that others work on something of ours.
	due, contended bool
	// pull says that there are due times which a clock that has been set back since has written.
	pull bool
	// mark is the mark of the clock to save, if markClock.
	mark      store.ClockMark
	markClock bool
	// unsettled says that something neither rests nor is left alone.
	unsettled bool
	// again says that the pass itself has made room for more.
	again bool
	// next is the first try to come; zero if there is none.
	next time.Time
	// now is the moment of the scan.
	now time.Time
	// walkedTo is the target where the walk over them ended. isBacklog: more is due than one page has.
	walkedTo  string
	isBacklog bool
}

// job is a delivery that we claim, and what to send: at once, or when another try of its target has been accepted.
type job struct {
	claimed store.Delivery
	message Message
	waits   bool
}

// deadDelivery is a delivery that is not tried again, of an event of a type, to a hook, if there is one still. The type is ""
// where the event cannot be read.
type deadDelivery struct {
	dead store.Delivery
	typ  string
	hook Hook
}

func (s *scanResult) writes() bool {
	return len(s.jobs) > 0 || len(s.gone) > 0 || s.pull || s.markClock
}

// wait is how long there is nothing to do as far as the scan knows.
func (s *scanResult) wait(now time.Time) time.Duration {
	wait := idlePoll
	if s.contended {
		wait = contendedPoll
	}
	if !s.next.IsZero() {
		wait = min(wait, max(0, s.next.Sub(now)))
	}
	return wait
}

// claim writes what the scan decided.
func (s *scanResult) claim(tx store.Tx) error {
	for _, b := range s.gone {
		if err := save(tx, b.dead); err != nil {
			return fmt.Errorf("mark a delivery dead: %w", err)
		}
	}
	for _, j := range s.jobs {
		if err := tx.SaveDelivery(j.claimed); err != nil {
			return fmt.Errorf("claim a delivery: %w", err)
		}
	}
	if s.pull {
		if err := tx.PullDeliveries(s.now.Add(schedule.Horizon()), s.now); err != nil {
			return fmt.Errorf("pull deliveries forward: %w", err)
		}
	}
	if s.markClock {
		if err := tx.SaveClockMark(s.mark); err != nil {
			return fmt.Errorf("mark the clock: %w", err)
		}
	}
	s.again = len(s.gone) > 0 || s.pull
	return nil
}

// save writes a delivery that was tried, or is tried no more. Those behind it are due when it is, or now that it has ended.
func save(tx store.Tx, d store.Delivery) error {
	at := d.NextAt
	if d.State != store.DeliveryPending {
		at = d.EndedAt
	}
	if err := tx.SaveDelivery(d); err != nil {
		return err
	}
	return tx.MoveQueue(d, at)
}

// scanner is one scan: its moment, the hooks of the config then, and which other processes were found alive.
type scanner struct {
	*Dispatcher
	hooks  []Hook
	given  map[string]Hook
	owners map[id.Process]owner
	off    map[string]bool
	pauses map[string]store.HookPause
	// runs are how many tries of each target run, own those of this loop, and queue how many wait, with those that this scan makes;
	// total is how many run in all.
	runs  map[string]int
	own   map[string]int
	queue map[string]int
	total int
	// ended are the claimed deliveries that this transaction lets go.
	ended map[id.Delivery]bool
	// limits are how many tries of each target may run, as far as it is known.
	limits map[string]int
	// hangs are the targets whose last try hung.
	hangs map[string]bool
	// passed are targets that this scan is done with; foreign counts what it left to others.
	passed  map[string]bool
	foreign int
	scanResult
}

// scan reads what there is to do for a loop. It writes nothing.
func (d *Dispatcher) scan(tx store.Tx, at standing, hooks []Hook) (scanResult, error) {
	g := scanner{
		Dispatcher: d, hooks: hooks, given: make(map[string]Hook), owners: make(map[id.Process]owner),
		off: make(map[string]bool), pauses: make(map[string]store.HookPause), hangs: make(map[string]bool),
		runs: maps.Clone(d.claimed), queue: maps.Clone(d.waiting), own: maps.Clone(at.runs), ended: make(map[id.Delivery]bool),
		limits: limitsOf(hooks), passed: make(map[string]bool),
		scanResult: scanResult{now: d.opt.Clock.Now(), walkedTo: d.walked, isBacklog: d.backlog},
	}
	g.account(at)
	stray, err := tx.NextDelivery(g.now.Add(schedule.Horizon()))
	g.pull = !stray.IsZero()
	g.due, g.unsettled = g.pull, g.pull
	switch {
	case err != nil:
	case at.scope == (Scope{}):
		err = g.scanDue(tx)
	default:
		err = g.scanHeads(tx, at.scope)
	}
	if err != nil {
		return scanResult{}, fmt.Errorf("look for deliveries: %w", err)
	}
	return g.scanResult, nil
}

// account takes off what has ended, and what waits no more.
func (g *scanner) account(at standing) {
	for _, r := range at.ended {
		g.ended[r.claimed.ID] = true
		g.runs[targetOf(r.claimed)]--
	}
	for target, n := range at.left {
		g.queue[target] -= n
	}
	for target, n := range g.queue {
		g.runs[target] -= n
	}
	for _, n := range g.runs {
		g.total += n
	}
}

func limitsOf(hooks []Hook) map[string]int {
	limits := make(map[string]int)
	for _, h := range hooks {
		limits[h.Name] = h.TriesAtOnce()
	}
	return limits
}

// scanHeads reads all that a session, or an event outside of one, has; the deliveries of the latter are all heads.
func (g *scanner) scanHeads(tx store.Tx, scope Scope) (err error) {
	var heads []store.Delivery
	if scope.Session != "" {
		heads, err = tx.HeadDeliveries(scope.Session)
	} else {
		heads, err = tx.Deliveries(scope.filter(store.DeliveryPending))
	}
	for _, head := range heads {
		if err == nil {
			err = g.check(tx, head)
		}
	}
	return err
}

func (g *scanner) check(tx store.Tx, head store.Delivery) error {
	h, ours, err := g.hookOf(tx, head)
	damaged := errors.Is(err, store.ErrDamaged)
	switch {
	case err != nil && !damaged:
		return err
	case !ours && !damaged:
		return g.skip(tx, head)
	case !g.free(head):
		// The word of our own tries comes by itself.
		g.contended, g.unsettled = g.contended || !g.tries(head), true
		return nil
	case damaged:
		return g.markDead(tx, head, Hook{}, Damaged)
	}
	h.Name = head.Hook
	g.limits[targetOf(head)] = h.TriesAtOnce()
	if off, err := g.checkHook(tx, head, h); err != nil || off {
		return err
	}
	wait := head.NextAt.Sub(g.now)
	g.unsettled = g.unsettled || wait <= slices.Max(schedule.Quick()) // who waits longer waits for the long schedule
	if wait > 0 {
		g.expect(head.NextAt)
		return nil
	}
	if later, err := g.comesLater(tx, head); err != nil || later {
		g.unsettled = true
		return err
	}
	g.due = true
	return g.addJob(tx, head, h)
}

// checkHook says whether a delivery is not tried because of its hook, which is disabled or hangs.
func (g *scanner) checkHook(tx store.Tx, head store.Delivery, h Hook) (off bool, err error) {
	disabled, err := g.disabled(tx, h)
	switch {
	case err != nil:
		return false, err
	case disabled:
		return true, g.markDead(tx, head, h, Disabled)
	}
	return g.leaveAlone(tx, head, h)
}

func (g *scanner) expect(at time.Time) {
	if g.next.IsZero() || at.Before(g.next) {
		g.next = at
	}
}

// hookOf finds the hook of a delivery, and says whether we are to run it.
func (g *scanner) hookOf(tx store.Tx, d store.Delivery) (Hook, bool, error) {
	if !IsGiven(d.Hook) {
		h, known, err := Find(tx, d.Hook, g.hooks)
		return h, known, err
	}
	h, known := g.given[d.Hook]
	if !known {
		var err error
		if h, _, err = Find(tx, d.Hook, nil); err != nil {
			return Hook{}, false, err
		}
		g.given[d.Hook] = h
	}
	return h, h.Kind() == KindHTTP || g.opt.FlagHooks && h.RunsHere(g.opt.UID, g.opt.Host), nil
}

// disabled asks once for each hook.
func (g *scanner) disabled(tx store.Tx, h Hook) (bool, error) {
	known, asked := g.off[h.Name]
	if asked {
		return known, nil
	}
	_, off, err := FindDisabled(tx, g.opt.Store.MAC, h)
	g.off[h.Name] = off
	return off, err
}

// skip leaves a delivery to another process, unless nobody has tried it for as long as the long schedule takes since it was
// due. It was not due before it was at the head of its queue.
func (g *scanner) skip(tx store.Tx, d store.Delivery) error {
	g.foreign++
	if end := dueSince(d).Add(schedule.LongTotal()); g.free(d) && g.now.After(end) {
		clock, err := store.CheckClock(tx, g.now)
		if err != nil {
			return err
		}
		g.mark, g.markClock = clock.Next, clock.Save
		if clock.Steady {
			return g.markDead(tx, d, Hook{}, NotConfigured)
		}
	}
	if !IsGiven(d.Hook) {
		g.passed[targetOf(d)] = true // the others to it were due later
	}
	return nil
}

// dueSince is since when a delivery could have been tried.
func dueSince(d store.Delivery) time.Time {
	if d.NextAt.Before(d.CreatedAt) {
		return d.CreatedAt
	}
	return d.NextAt
}

// markDead makes a delivery dead that is not tried again.
func (g *scanner) markDead(tx store.Tx, d store.Delivery, h Hook, why string) error {
	e, err := tx.Event(d.Event)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("find the event of a delivery: %w", err)
	}
	d.Error = why
	d.Owner, d.LeaseUntil = "", time.Time{}
	markEnded(&d, store.DeliveryDead, g.now)
	g.gone = append(g.gone, deadDelivery{dead: d, typ: e.Type, hook: h})
	return nil
}

// free says whether nobody works on a delivery: it has no owner, or its owner is dead. The lease decides where nobody can
// tell. What we work on ourselves is not free, however late it is, and what a living process works on neither: it repeats
// the try if it has lost its outcome.
func (g *scanner) free(d store.Delivery) bool {
	over := !d.LeaseUntil.After(g.now)
	switch {
	case g.tries(d):
		return false
	case d.Owner == "":
		return true
	case d.Owner == g.opt.Liveness.Self():
		return over
	}
	known, asked := g.owners[d.Owner]
	if !asked {
		alive, err := g.opt.Liveness.Alive(d.Owner)
		known = owner{alive: alive, unknown: err != nil}
		g.owners[d.Owner] = known
	}
	if known.unknown {
		return over
	}
	return !known.alive
}

// tries says whether a try of a delivery runs here.
func (g *scanner) tries(d store.Delivery) bool {
	_, ours := g.inFlight[d.ID]
	return ours && !g.ended[d.ID]
}

// owner is what is known of another process.
type owner struct{ alive, unknown bool }

// addJob makes a job of a head, if there is room for one more.
func (g *scanner) addJob(tx store.Tx, d store.Delivery, h Hook) error {
	target := targetOf(d)
	waits := g.roomFor(target) <= 0
	if waits && g.queueFor(target) <= 0 {
		return nil
	}
	e, err := tx.Event(d.Event)
	switch {
	case errors.Is(err, store.ErrDamaged): // one row that cannot be read holds up no other
		return g.markDead(tx, d, h, Damaged)
	case err != nil:
		return fmt.Errorf("read the event of a delivery: %w", err)
	}
	m := Message{Hook: h, Event: e, Status: statusOf(e.Body), Try: d.Tries + 1}
	d.Owner = g.opt.Liveness.Self()
	lease := h.timeout() + leaseMargin
	if waits {
		lease += h.timeout()
		g.queue[target]++
	} else {
		g.total++
		g.runs[target]++
		g.own[target]++
	}
	d.LeaseUntil = g.now.Add(lease).Truncate(time.Millisecond) // as the store keeps it
	g.jobs = append(g.jobs, job{claimed: d, message: m, waits: waits})
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

// storeOutcome writes what came of a try, if the delivery is still ours, and returns the report of it, if there is one.
func (d *Dispatcher) storeOutcome(tx store.Tx, r result) ([]Report, error) {
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
	outcome, err := d.judge(tx, r)
	if err != nil {
		return nil, err
	}
	apply(&row, outcome, d.opt.Clock.Now(), d.opt.Random)
	if err := save(tx, row); err != nil {
		return nil, fmt.Errorf("store what came of a delivery: %w", err)
	}
	if r.outcome.Verdict == Gone {
		if err := disable(tx, d.opt.Store.MAC, r.message.Hook, row.EndedAt, row.Error); err != nil {
			return nil, err
		}
	}
	if r.outcome.Verdict == Interrupted {
		return nil, nil
	}
	return []Report{{
		Delivery: row.ID, Event: row.Event, Session: row.Session, Type: r.message.Event.Type, Hook: row.Hook, Try: row.Tries,
		State: row.State, Next: row.NextAt, Error: row.Error, Disabled: r.outcome.Verdict == Gone,
		Origin: r.message.Hook.Origin(), Lines: linesOf(r.outcome.Output, r.message.Event.Body),
	}}, nil
}

// judge notes what the outcome of a try says about its hook: that it hangs, or that it does not.
func (d *Dispatcher) judge(tx store.Tx, r result) (Outcome, error) {
	h, o := r.message.Hook, r.outcome
	switch o.Verdict {
	case Interrupted:
		return o, nil
	case Hung:
		before, err := noteHang(tx, d.opt.Store.MAC, h, r.began, d.opt.Clock.Now())
		if err == nil && !before {
			o.Verdict = verdictOfHang(h)
		}
		return o, err
	}
	return o, Unpause(tx, d.opt.Store.MAC, h)
}

// verdictOfHang is what the first tries that hang count as.
func verdictOfHang(h Hook) Verdict {
	if h.Kind() == KindHTTP {
		return Undelivered
	}
	return Failed
}
