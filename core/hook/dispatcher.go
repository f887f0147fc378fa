package hook

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/store"
)

const (
	// maxTries is how many tries run at once in all; the first of each target finds room beside them, up to mostTries.
	maxTries  = 128
	mostTries = 256
)

// Configured has the hooks of the config. It is safe for concurrent use.
type Configured interface {
	// Hooks returns them as the config has them now. It is asked before each try.
	Hooks() []Hook
}

// Fixed are hooks that never change.
type Fixed []Hook

// Hooks implements [Configured].
func (f Fixed) Hooks() []Hook { return f }

// Options of a dispatcher. All but those marked otherwise are needed.
type Options struct {
	Store store.Store
	// Hooks are the config's. A delivery to another one, or to a flag's that is not run here, is left alone, and dies when
	// nobody has tried it for as long as the long schedule takes since it was due.
	Hooks    Configured
	Liveness process.Liveness
	Clock    clock.Clock
	// Sender makes the tries.
	Sender Sender
	// FlagHooks says whether commands that came as flags are run here, if UID and Host are those of the flag. URLs that
	// came as flags always are.
	FlagHooks bool
	UID       int
	Host      string
	// Report is called with each try once its outcome is stored. It is called from the loops of the dispatcher, by one at a
	// time; it must not block for long, nor call the dispatcher but for Wake. Optional.
	Report func(Report)
	// Abort stops the tries that run when it is closed; they do not count. Nothing else cuts a try short but its own
	// timeout, since the receiver may have acted on it already. Optional.
	Abort <-chan struct{}
	// Random is the jitter's; see [retry.Jitter]. Optional.
	Random func() float64
}

// Report is what came of a try, or of a delivery that nobody tries any more.
type Report struct {
	Delivery id.Delivery
	Event    id.Event
	Session  id.Session
	// Type of the event; "" if the event cannot be read.
	Type string
	Hook string
	// Try that was made; 0 if none was.
	Try int
	// State is where the delivery stands now; a pending one is tried again at Next.
	State store.DeliveryState
	Next  time.Time
	// Error is empty for a success. It does not name what the hook's URL does: Origin is scheme and host of that, or "".
	Error  string
	Origin string
	// Disabled says that this try has disabled the hook.
	Disabled bool
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
	opt Options

	// pass makes the passes of concurrent loops take turns; it guards what follows.
	pass sync.Mutex
	// inFlight has the deliveries that are claimed; claimed counts them for each target, waiting those of them that wait for
	// another try of the target to end.
	inFlight map[id.Delivery]store.Delivery
	claimed  map[string]int
	waiting  map[string]int
	// notOurs are targets with nothing that is ours to run, and when to look at them again.
	notOurs map[string]time.Time
	// walked is the target where the last walk over them ended; backlog says that more was due than one page has.
	walked  string
	backlog bool

	mu   sync.Mutex
	wake chan struct{}
}

// New returns a dispatcher that does nothing yet.
func New(opt Options) *Dispatcher {
	if opt.Report == nil {
		opt.Report = func(Report) {}
	}
	if opt.Hooks == nil {
		opt.Hooks = Fixed(nil)
	}
	return &Dispatcher{
		opt: opt, inFlight: make(map[id.Delivery]store.Delivery), claimed: make(map[string]int), waiting: make(map[string]int), notOurs: make(map[string]time.Time),
		wake: make(chan struct{}),
	}
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

// Run brings what is due in the scope until ctx ends; then it begins no more tries, waits for those that run, and returns
// nil. An error is the store's.
func (d *Dispatcher) Run(ctx context.Context, scope Scope) error {
	_, err := d.work(ctx, scope, nil, func(scanResult) bool { return false })
	return err
}

// Once brings all that is due in the scope, and what becomes due meanwhile, until nothing is due that others do not
// work on, or ctx ends: then it begins no more tries, and waits for those that run. The tally has what this call delivered and what died in it, and all that is pending in the scope;
// its Unaccepted names the required hooks of the latter two.
func (d *Dispatcher) Once(ctx context.Context, scope Scope) (Tally, error) {
	done, err := d.work(ctx, scope, nil, func(s scanResult) bool { return !s.due })
	if err != nil {
		return done, err
	}
	hooks := d.opt.Hooks.Hooks()
	var all Tally
	err = d.opt.Store.View(context.WithoutCancel(ctx), func(tx store.Tx) error {
		pending, err := tx.CountDeliveries(scope.filter(store.DeliveryPending))
		all = done
		all.Unaccepted = slices.Clone(done.Unaccepted)
		for _, c := range pending {
			all.add(c, hooks)
		}
		return err
	})
	return all, err
}

// Drain works on the scope, which is not all, until each of its deliveries is delivered, dead, waits for the long
// schedule, or waits for a hook that this process does not run; it begins tries for wait at most, and until ctx ends, and
// waits for those of the scope that run, whoever of this dispatcher began them. The tally is of the whole scope then. It may
// run beside Run.
func (d *Dispatcher) Drain(ctx context.Context, scope Scope, wait time.Duration) (Tally, error) {
	if wait > 0 {
		over, stop := d.opt.Clock.After(wait)
		defer stop()
		if _, err := d.work(ctx, scope, over, func(s scanResult) bool { return !s.unsettled }); err != nil {
			return Tally{}, err
		}
	}
	d.await(scope)
	var t Tally
	err := d.opt.Store.View(context.WithoutCancel(ctx), func(tx store.Tx) (err error) {
		t, err = TallyOf(tx, scope, d.opt.Hooks.Hooks())
		return err
	})
	return t, err
}

// await waits for the tries of a scope that run.
func (d *Dispatcher) await(scope Scope) {
	for {
		woken := d.woken()
		if !d.isTrying(scope) {
			return
		}
		<-woken // a try that has ended wakes
	}
}

func (d *Dispatcher) isTrying(scope Scope) bool {
	d.pass.Lock()
	defer d.pass.Unlock()
	for _, tried := range d.inFlight {
		if scope.has(tried) {
			return true
		}
	}
	return false
}

func (s Scope) has(d store.Delivery) bool {
	return (s.Session == "" || s.Session == d.Session) && (s.Event == "" || s.Event == d.Event)
}
