package hook

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

const (
	// contendedPoll is how often we look while another process works on something of ours, idlePoll otherwise: other
	// processes record events too, and cannot wake us.
	contendedPoll = 100 * time.Millisecond
	idlePoll      = time.Second
	// gatherTime is how long an outcome waits for others, to be stored with them.
	gatherTime = time.Millisecond
	// lastWords is how long the outcomes of the last tries of a loop may take to be stored. What is not stored is tried again, so
	// it is longer than a busy store makes anybody wait.
	lastWords = time.Minute
)

// loop is one call that works on deliveries.
type loop struct {
	d     *Dispatcher
	scope Scope
	// over ends the loop as ctx does; may be nil.
	over <-chan time.Time
	// hooks are the config's, as of the last pass.
	hooks   []Hook
	results chan result
	running int
	// sending is the context of the tries.
	sending context.Context
	// runs counts its tries of each target.
	runs map[string]int
	// left counts what waited and waits no more, since what waits was last counted.
	left map[string]int
	// done are outcomes that are not stored yet.
	done  []result
	tally Tally

	// waiting are claimed deliveries that are tried when another one of their target was accepted; mu guards it.
	mu      sync.Mutex
	waiting map[string][]job
}

// result is what came of a claimed delivery.
type result struct {
	claimed store.Delivery
	message Message
	outcome Outcome
	// began is when the try began.
	began time.Time
	// replaced: what waited for it runs in its place.
	replaced bool
}

// work passes over the scope until enough says so and no try of its own runs, or ctx or over end it: then it begins no more
// tries, and waits for those that run.
func (d *Dispatcher) work(ctx context.Context, scope Scope, over <-chan time.Time, enough func(scanResult) bool) (Tally, error) {
	l := &loop{
		d: d, scope: scope, over: over, results: make(chan result, mostTries), waiting: make(map[string][]job), left: make(map[string]int),
		runs: make(map[string]int),
	}
	sending, stop := d.sending(ctx)
	defer stop()
	l.sending = sending
	err := l.turn(ctx, enough)
	if last := l.finish(ctx); err == nil {
		err = last
	}
	return l.tally, err
}

// sending returns a context for tries, which the end of ctx does not cut: only an abort does.
func (d *Dispatcher) sending(ctx context.Context) (sending context.Context, stop func()) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-d.opt.Abort:
			cancel()
		case <-sending.Done():
		}
	})
	return sending, func() { cancel(); watching.Wait() }
}

// turn returns nil when the loop is to end, and the store's error otherwise.
func (l *loop) turn(ctx context.Context, enough func(scanResult) bool) error {
	for ctx.Err() == nil && l.sending.Err() == nil && !l.isOver() {
		woken := l.d.woken()
		s, err := l.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case enough(s) && l.running == 0:
			return nil
		case !s.again && !l.sleep(ctx, woken, s.wait(l.d.opt.Clock.Now())):
			return nil
		}
	}
	return nil
}

// isOver says whether the time of the loop is over, whatever else has happened at the same moment.
func (l *loop) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// sleep waits for something to do, and says false when the loop is to end.
func (l *loop) sleep(ctx context.Context, woken <-chan struct{}, wait time.Duration) bool {
	timer, stop := l.d.opt.Clock.After(wait)
	defer stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.over:
		return false
	case r := <-l.results:
		l.take(ctx, r)
		l.gather(ctx)
	case <-woken:
	case <-timer:
	}
	l.takeMore(ctx)
	return true
}

// gather waits a moment for the outcomes of the other tries, so that many are stored in one transaction. One that is lost
// meanwhile, with its process, is tried again, as ever.
func (l *loop) gather(ctx context.Context) {
	over := time.NewTimer(gatherTime)
	defer over.Stop()
	for l.running > 0 {
		select {
		case r := <-l.results:
			l.take(ctx, r)
		case <-over.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// takeMore takes the outcomes that have come already.
func (l *loop) takeMore(ctx context.Context) {
	for {
		select {
		case r := <-l.results:
			l.take(ctx, r)
		default:
			return
		}
	}
}

// take keeps an outcome. What waits for a try that was not accepted is let go.
func (l *loop) take(ctx context.Context, r result) {
	l.done = append(l.done, r)
	target := targetOf(r.claimed)
	if r.replaced {
		l.left[target]++
		return
	}
	l.running--
	count(l.runs, target, -1)
	if next, found := l.next(ctx, r); found { // claimed when the try had ended already
		l.left[target]++
		l.try(ctx, next)
		return
	}
	if r.outcome.Verdict != Accepted || l.runs[target] == 0 {
		l.giveBack(target)
	}
}

// next takes what waits for a try of its target to be accepted. It may be called by the tries.
func (l *loop) next(ctx context.Context, r result) (j job, found bool) {
	target := targetOf(r.claimed)
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting[target]
	if len(waiting) == 0 || r.outcome.Verdict != Accepted || ctx.Err() != nil || l.sending.Err() != nil || !l.isCurrent(&waiting[0].message) {
		return job{}, false
	}
	l.waiting[target] = waiting[1:]
	return waiting[0], true
}

// isCurrent gives a message the hook as the config has it now, and says whether there is one.
func (l *loop) isCurrent(m *Message) bool {
	if IsGiven(m.Hook.Name) {
		return true
	}
	hooks := l.d.opt.Hooks.Hooks()
	at := slices.IndexFunc(hooks, func(h Hook) bool { return h.Name == m.Hook.Name })
	if at >= 0 {
		m.Hook = hooks[at]
	}
	return at >= 0
}

// giveBack lets go of what waits for a try of a target: it was not tried.
func (l *loop) giveBack(target string) {
	l.mu.Lock()
	waiting := l.waiting[target]
	delete(l.waiting, target)
	l.mu.Unlock()
	for _, j := range waiting {
		l.done = append(l.done, result{claimed: j.claimed, message: j.message, outcome: Outcome{Verdict: Interrupted}})
		l.left[target]++
	}
}

// finish waits for the tries that run, and stores what came of each as soon as it has ended: a process that is killed
// meanwhile repeats the others alone.
func (l *loop) finish(ctx context.Context) error {
	var failed error
	for _, target := range l.targetsWaiting() {
		l.giveBack(target)
	}
	for l.running > 0 || len(l.done) > 0 {
		if len(l.done) == 0 {
			l.take(ctx, <-l.results)
		}
		l.takeMore(ctx)
		if err := l.storeLast(ctx); failed == nil {
			failed = err
		}
	}
	return failed
}

func (l *loop) targetsWaiting() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.waiting))
}

func (l *loop) storeLast(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	l.d.pass.Lock()
	defer l.d.pass.Unlock()
	err := l.store(ctx, nil)
	l.drop() // what could not be stored is free when its lease is over
	return err
}

// standing is where a loop stands when it looks for more.
type standing struct {
	scope Scope
	// ended are the claimed deliveries that the same transaction lets go; left counts those that wait no more, and runs the tries
	// of the loop, by target.
	ended []result
	left  map[string]int
	runs  map[string]int
}

func (l *loop) standing() standing {
	return standing{scope: l.scope, ended: l.done, left: l.left, runs: l.runs}
}

// pass stores the outcomes that have come, looks at the scope, and starts what is due.
func (l *loop) pass(ctx context.Context) (scanResult, error) {
	l.d.pass.Lock()
	defer l.d.pass.Unlock()
	l.hooks = l.d.opt.Hooks.Hooks()
	var s scanResult
	if len(l.done) == 0 {
		if err := l.d.opt.Store.View(ctx, func(tx store.Tx) (err error) {
			s, err = l.d.scan(tx, l.standing(), l.hooks)
			return err
		}); err != nil || !s.writes() {
			l.d.walked, l.d.backlog = s.walkedTo, s.isBacklog
			return s, err
		}
	}
	if err := l.store(ctx, func(tx store.Tx) (err error) {
		if s, err = l.d.scan(tx, l.standing(), l.hooks); err != nil {
			return err
		}
		return s.claim(tx)
	}); err != nil {
		return s, err
	}
	l.d.walked, l.d.backlog = s.walkedTo, s.isBacklog
	l.reportDead(s.gone)
	l.start(ctx, s.jobs)
	return s, nil
}

// store writes the outcomes, and what then does, in one transaction. Afterwards it tells of the outcomes.
func (l *loop) store(ctx context.Context, then func(store.Tx) error) error {
	var reports []Report
	err := l.d.opt.Store.Update(ctx, func(tx store.Tx) error {
		reports = nil
		for _, r := range l.done {
			report, err := l.d.storeOutcome(tx, r)
			if err != nil {
				return err
			}
			reports = append(reports, report...)
		}
		if then == nil {
			return nil
		}
		return then(tx)
	})
	if err != nil {
		return err
	}
	l.drop()
	l.report(reports)
	return nil
}

// drop lets go of the deliveries whose outcomes have come.
func (l *loop) drop() {
	for target, n := range l.left {
		count(l.d.waiting, target, -n)
	}
	clear(l.left)
	if len(l.done) == 0 {
		return
	}
	for _, r := range l.done {
		count(l.d.claimed, targetOf(r.claimed), -1)
		delete(l.d.inFlight, r.claimed.ID)
	}
	l.done = nil
	l.d.Wake()
}

func count(by map[string]int, target string, more int) {
	if by[target] += more; by[target] == 0 {
		delete(by, target)
	}
}

func (l *loop) report(reports []Report) {
	for _, r := range reports {
		if r.State != store.DeliveryPending {
			l.tally.add(store.DeliveryCount{Hook: r.Hook, State: r.State, N: 1}, l.hooks)
		}
		l.d.opt.Report(r)
	}
}

func (l *loop) reportDead(gone []deadDelivery) {
	var reports []Report
	for _, b := range gone {
		d := b.dead
		reports = append(reports, Report{
			Delivery: d.ID, Event: d.Event, Session: d.Session, Type: b.typ, Hook: d.Hook, State: d.State, Error: d.Error,
			Origin: b.hook.Origin(),
		})
	}
	l.report(reports)
}

func (l *loop) start(ctx context.Context, jobs []job) {
	for _, j := range jobs {
		target := targetOf(j.claimed)
		count(l.d.claimed, target, +1)
		l.d.inFlight[j.claimed.ID] = j.claimed
		if !j.waits {
			l.try(ctx, j)
			continue
		}
		count(l.d.waiting, target, +1)
		l.mu.Lock()
		l.waiting[target] = append(l.waiting[target], j)
		l.mu.Unlock()
	}
}

// try makes a try, and then, one after the other, those that waited for it.
func (l *loop) try(ctx context.Context, j job) {
	l.running++
	count(l.runs, targetOf(j.claimed), +1)
	go func() {
		for more := true; more; {
			r := result{claimed: j.claimed, message: j.message, began: l.d.opt.Clock.Now()}
			r.outcome = l.d.opt.Sender.Send(l.sending, j.message)
			j, more = l.next(ctx, r)
			r.replaced = more
			l.results <- r
		}
	}()
}
