package hook

import (
	"context"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

const (
	// contendedPoll is how often we look while another process works on something of ours, idlePoll otherwise: other
	// processes record events too, and cannot wake us.
	contendedPoll = 100 * time.Millisecond
	idlePoll      = time.Second
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
	// done are outcomes that are not stored yet.
	done  []result
	tally Tally
}

// result is what came of a claimed delivery.
type result struct {
	claimed store.Delivery
	message Message
	outcome Outcome
}

// work passes over the scope until enough says so and no try of its own runs, or ctx or over end it: then it begins no more
// tries, and waits for those that run.
func (d *Dispatcher) work(ctx context.Context, scope Scope, over <-chan time.Time, enough func(scanResult) bool) (Tally, error) {
	l := &loop{d: d, scope: scope, over: over, results: make(chan result, mostTries)}
	sending, stop := d.sending(ctx)
	defer stop()
	err := l.turn(ctx, sending, enough)
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
func (l *loop) turn(ctx, sending context.Context, enough func(scanResult) bool) error {
	for ctx.Err() == nil && sending.Err() == nil && !l.isOver() {
		woken := l.d.woken()
		s, err := l.pass(ctx, sending)
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
		l.take(r)
	case <-woken:
	case <-timer:
	}
	l.takeMore()
	return true
}

// takeMore takes the outcomes that have come already.
func (l *loop) takeMore() {
	for {
		select {
		case r := <-l.results:
			l.take(r)
		default:
			return
		}
	}
}

func (l *loop) take(r result) {
	l.running--
	l.done = append(l.done, r)
}

// finish waits for the tries that run, and stores what came of each as soon as it has ended: a process that is killed
// meanwhile repeats the others alone.
func (l *loop) finish(ctx context.Context) error {
	var failed error
	for l.running > 0 || len(l.done) > 0 {
		if len(l.done) == 0 {
			l.take(<-l.results)
		}
		l.takeMore()
		if err := l.storeLast(ctx); failed == nil {
			failed = err
		}
	}
	return failed
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

// pass stores the outcomes that have come, looks at the scope, and starts what is due.
func (l *loop) pass(ctx, sending context.Context) (scanResult, error) {
	l.d.pass.Lock()
	defer l.d.pass.Unlock()
	l.hooks = l.d.opt.Hooks.Hooks()
	var s scanResult
	if len(l.done) == 0 {
		if err := l.d.opt.Store.View(ctx, func(tx store.Tx) (err error) {
			s, err = l.d.scan(tx, l.scope, l.hooks)
			return err
		}); err != nil || !s.writes() {
			l.d.walked, l.d.backlog = s.walkedTo, s.isBacklog
			return s, err
		}
	}
	if err := l.store(ctx, func(tx store.Tx) (err error) {
		if s, err = l.d.scan(tx, l.scope, l.hooks); err != nil {
			return err
		}
		return s.claim(tx)
	}); err != nil {
		return s, err
	}
	l.d.walked, l.d.backlog = s.walkedTo, s.isBacklog
	l.reportDead(s.gone)
	l.start(sending, s.jobs)
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

// drop lets go of the tries whose outcomes have come.
func (l *loop) drop() {
	if len(l.done) == 0 {
		return
	}
	for _, r := range l.done {
		target := targetOf(r.claimed)
		if l.d.running[target]--; l.d.running[target] == 0 {
			delete(l.d.running, target)
		}
		delete(l.d.inFlight, r.claimed.ID)
	}
	l.done = nil
	l.d.Wake()
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
		l.d.running[targetOf(j.claimed)]++
		l.d.inFlight[j.claimed.ID] = j.claimed
		l.running++
		go func() {
			l.results <- result{claimed: j.claimed, message: j.message, outcome: l.d.opt.Sender.Send(ctx, j.message)}
		}()
	}
}
