// Package admission orders the processes of a state directory that start providers, where many start at once. It is an order and
// not a lock: whatever fails in it lets the process through.
package admission

import (
	"context"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/internal/queue"
)

const (
	// tickTime is how often an admitted process looks at itself, and quietTicks after how many looks without work it gives its
	// place back: it waits for something outside, such as a person or a source, and must not hold up others. Looks are counted
	// and not time, of which a process on a loaded machine may get little.
	tickTime   = 50 * time.Millisecond
	quietTicks = 4
	// workTime is how much of the processor a process uses at least between two looks when it works.
	workTime = 500 * time.Microsecond
	// workLimit is how long a process keeps its place at most, whatever it does.
	workLimit = 5 * time.Second
	// admissionLimit is how long a process waits to be admitted. Then it goes on all the same.
	admissionLimit = 30 * time.Second
	// admissionPause is a part of a short open.
	admissionPause = 2 * time.Millisecond
	// roomPerCPU is how many processes each processor gets to work on: one may wait for the disk.
	roomPerCPU = 3
)

// Gate admits this process. Hundreds that start at once would share the memory and the processors, and the limits of each would
// run while the others work. It is safe for concurrent use. Close it.
//
//	        wait for the turn              quiet for quietTicks, or workLimit is over
//	(out) ─────────────────────▶ (admitted) ──────────────────────────────────────────▶ (left)
//	                               │     ▲    or the process ends
//	                               └─────┘
//	            not quiet: it uses the processor, a call of a provider begins or ends, or a provider is starting
//
// A process is admitted once, and never waits again.
type Gate struct {
	// path of the queue. Empty: nobody waits.
	path string
	// entering is held by the one who waits for the turn.
	entering chan struct{}
	// processor is the processor time that this process has used.
	processor func() time.Duration

	mu       sync.Mutex
	admitted bool
	place    *queue.Place
	timer    *time.Timer
	began    time.Time
	starting int
	// used is the processor time at the last look, and quiet the number of looks since the last work.
	used  time.Duration
	quiet int
}

// New returns a gate with a queue in a file of the state directory; without one, for "", nobody waits.
func New(path string) *Gate {
	return &Gate{path: path, entering: make(chan struct{}, 1), processor: processorTime}
}

// Enter waits until this process is admitted. It returns the error of ctx, or nil.
func (g *Gate) Enter(ctx context.Context) error {
	select {
	case g.entering <- struct{}{}:
		defer func() { <-g.entering }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	g.mu.Lock()
	admitted := g.admitted
	g.mu.Unlock()
	if admitted || g.path == "" {
		return nil
	}
	place, err := queue.Open(g.path, queue.Options{Room: roomPerCPU * runtime.NumCPU(), Pause: admissionPause})
	if err == nil {
		_ = place.Wait(ctx, admissionLimit) // whatever ends it but ctx, this process goes on
	}
	if ctx.Err() != nil {
		if place != nil {
			_ = place.Close()
		}
		return context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admitted, g.place = true, place // nil where there cannot be a queue
	g.began, g.used = time.Now(), g.processor()
	g.timer = time.AfterFunc(tickTime, g.look)
	return nil
}

// look gives the place back when it is time, and else a sign of life to those who wait.
func (g *Gate) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.place == nil {
		return
	}
	g.quiet++
	used := g.processor()
	if used-g.used >= workTime || g.starting > 0 {
		g.quiet = 0
	}
	g.used = used
	if g.quiet >= quietTicks || time.Since(g.began) > workLimit {
		g.leave()
		return
	}
	g.place.Beat()
	g.timer.Reset(tickTime)
}

// processorTime is what this process has used of the processors. It is 0 where the system does not say it.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Admit is Enter for a provider that is to be started; started is called when it has been.
func (g *Gate) Admit(ctx context.Context) (started func(), err error) {
	if err := g.Enter(ctx); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starting++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.starting--
		g.quiet = 0
	}, nil
}

// Observe makes an observer of calls to providers one that sees them too.
func (g *Gate) Observe(next provider.Observer) provider.Observer {
	return func(what string, about ...any) func(error, ...any) {
		g.moved()
		done := next(what, about...)
		return func(err error, more ...any) {
			g.moved()
			done(err, more...)
		}
	}
}

// moved: a call begins or ends.
func (g *Gate) moved() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.quiet = 0
}

// Close gives the place back.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
	g.leave()
}

// leave gives the place back, if there is one. The caller holds the lock.
func (g *Gate) leave() {
	if g.place != nil {
		_ = g.place.Close()
		g.place = nil
	}
}
