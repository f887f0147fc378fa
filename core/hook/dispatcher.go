package hook

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// DefaultConcurrency is how many tries of one hook run at once.
const DefaultConcurrency = 4

// Liveness tells whose work is free.
type Liveness interface {
	// Self is this process.
	Self() id.Process
	// Alive says whether a process may still be at work. Where it cannot tell, the lease of the work decides.
	Alive(id.Process) (bool, error)
}

// Options of a dispatcher. All but those marked otherwise are needed.
type Options struct {
	Store store.Store
	// Hooks are the config's. A delivery to another one is left alone, and dies when it is older than the long
	// schedule takes.
	Hooks    []Hook
	Liveness Liveness
	Clock    clock.Clock
	// Sender makes the tries.
	Sender Sender
	// FlagHooks says whether commands that came as flags are run here, if UID and Host are those of the flag. URLs that
	// came as flags always are.
	FlagHooks bool
	UID       int
	Host      string
	// Report is told of each try once its outcome is stored. It is called from the loops of the dispatcher, by one at a
	// time; it must not block for long, nor call the dispatcher but for Wake. Optional.
	Report func(Report)
	// Concurrency is how many tries of one hook run at once; 0 means DefaultConcurrency. Four times as many run at
	// once in all.
	Concurrency int
	// Random is the jitter's, in [0, 1). Optional.
	Random func() float64
}

// Report is what came of a try, or of a delivery that nobody tries any more.
type Report struct {
	Delivery id.Delivery
	Event    id.Event
	Session  id.Session
	Type     string
	Hook     string
	// Attempt that was made; 0 if none was.
	Attempt int
	// State is where the delivery stands now; a pending one is tried again at Next.
	State store.DeliveryState
	Next  time.Time
	// Error is empty for a success.
	Error string
	// Lines are what the hook wrote, safe on a terminal. They may hold health data: show them, and log them nowhere.
	Lines []string
}

// Scope selects deliveries: all, those of a session, or those of an event outside of one.
type Scope struct {
	Session id.Session
	Event   id.Event
}

// Dispatcher brings deliveries to their hooks. Any number of them may work on one state, in any number of processes.
// It is safe for concurrent use. Its methods return only when every try that they began has ended.
type Dispatcher struct {
	opt   Options
	hooks map[string]Hook

	// pass makes the passes of concurrent loops take turns; it guards running and given.
	pass    sync.Mutex
	running map[string]int
	total   int
	given   map[string]Hook

	mu   sync.Mutex
	wake chan struct{}
}

// New returns a dispatcher that does nothing yet.
func New(opt Options) *Dispatcher {
	if opt.Concurrency <= 0 {
		opt.Concurrency = DefaultConcurrency
	}
	if opt.Report == nil {
		opt.Report = func(Report) {}
	}
	if opt.Random == nil {
		opt.Random = rand.Float64
	}
	d := &Dispatcher{
		opt: opt, hooks: make(map[string]Hook), running: make(map[string]int), given: make(map[string]Hook),
		wake: make(chan struct{}),
	}
	for _, h := range opt.Hooks {
		d.hooks[h.Name] = h
	}
	return d
}

// Wake tells the loops that something was recorded. It never blocks.
func (d *Dispatcher) Wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.wake)
	d.wake = make(chan struct{})
}

func (d *Dispatcher) woken() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wake
}

// Run brings what is due in the scope until ctx ends; then it stops the tries that run, which do not count and stay
// pending, and returns nil. An error is the store's.
func (d *Dispatcher) Run(ctx context.Context, scope Scope) error {
	_, err := d.work(ctx, scope, nil, func(survey) bool { return false })
	return err
}

// Once brings all that is due in the scope, and what becomes due meanwhile, until nothing is due that others do not
// work on. The tally has what this call delivered and what died in it, and all that is pending in the scope.
func (d *Dispatcher) Once(ctx context.Context, scope Scope) (Tally, error) {
	done, err := d.work(ctx, scope, nil, func(s survey) bool { return !s.due })
	if err != nil {
		return done, err
	}
	err = d.opt.Store.View(ctx, func(tx store.Tx) error {
		pending, err := tx.Deliveries(scope.filter(store.DeliveryPending))
		done.Pending = len(pending)
		return err
	})
	return done, err
}

// Drain works on the scope, which is not all, until each of its deliveries is delivered, dead, waits for the long
// schedule, or waits for a hook that this process does not run; for wait at most, and until ctx ends. The tally is of the
// whole scope then. It may run beside Run.
func (d *Dispatcher) Drain(ctx context.Context, scope Scope, wait time.Duration) (Tally, error) {
	if wait > 0 {
		over, stop := d.opt.Clock.After(wait)
		defer stop()
		if _, err := d.work(ctx, scope, over, func(s survey) bool { return !s.unsettled }); err != nil {
			return Tally{}, err
		}
	}
	var t Tally
	err := d.opt.Store.View(context.WithoutCancel(ctx), func(tx store.Tx) (err error) {
		t, err = TallyOf(tx, scope, d.opt.Hooks)
		return err
	})
	return t, err
}
