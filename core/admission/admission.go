// Package admission orders the processes of a state directory that start providers, where many start at once. It is an order and
// not a lock: whatever fails in it lets the process through.
package admission

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/internal/queue"
)

const (
	// busyTime is how long an admitted process may take until it calls its provider, and quietTime until the provider responds,
	// or is called again. A process that takes longer mostly waits for something outside, and must not hold up others.
	busyTime  = time.Second
	quietTime = 200 * time.Millisecond
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
//	        wait for the turn              busyTime or quietTime is over, and no provider is just starting
//	(out) ─────────────────────▶ (admitted) ──────────────────────────────────────────────────────────────▶ (left)
//	                               │     ▲    or the process ends
//	                               └─────┘
//	                      a call of a provider begins or ends: quietTime from now
//
// A process is admitted once, and never waits again.
type Gate struct {
	// path of the queue. Empty: nobody waits.
	path string
	// entering is held by the one who waits for the turn.
	entering chan struct{}

	mu       sync.Mutex
	admitted bool
	place    *queue.Place
	timer    *time.Timer
	over     bool
	starting int
}

// New returns a gate with a queue in a file of the state directory; without one, for "", nobody waits.
func New(path string) *Gate { return &Gate{path: path, entering: make(chan struct{}, 1)} }

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
	g.timer = time.AfterFunc(busyTime, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.over = true
		g.leave()
	})
	return nil
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
		g.leave()
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
	if g.place != nil && !g.over {
		g.timer.Reset(quietTime)
	}
}

// leave gives the place back when it is time. The caller holds the lock.
func (g *Gate) leave() {
	if g.place != nil && g.over && g.starting == 0 {
		_ = g.place.Close()
		g.place = nil
	}
}

// Close gives the place back.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
	g.over, g.starting = true, 0
	g.leave()
}
