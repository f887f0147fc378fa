package app

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/internal/queue"
)

const (
	// busyTime is how long an admitted process may take until it calls its provider, and quietTime until the provider answers,
	// or is called again. Who takes longer waits for something outside, most of the time, and should hold up nobody.
	busyTime  = time.Second
	quietTime = 200 * time.Millisecond
	// admissionLimit is how long a process waits to be admitted. Then it goes on all the same.
	admissionLimit = 30 * time.Second
	// admissionPause is a part of a short open.
	admissionPause = 2 * time.Millisecond
	// roomPerCPU is how many processes each processor gets to work on: one may wait for the disk.
	roomPerCPU = 3
)

// admission orders the processes of a state directory that start providers. Hundreds that start at once would share the
// memory and the processors, and the limits of each would run while the others work.
//
//	        wait for the turn              busyTime or quietTime is over, and no provider is just starting
//	(out) ─────────────────────▶ (admitted) ──────────────────────────────────────────────────────────────▶ (left)
//	                               │     ▲    or the process ends
//	                               └─────┘
//	                      a call of a provider begins or ends: quietTime from now
//
// A process is admitted once, and never waits again.
type admission struct {
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

// enter waits until this process is admitted. It returns the error of ctx, or nil.
func (a *admission) enter(ctx context.Context) error {
	select {
	case a.entering <- struct{}{}:
		defer func() { <-a.entering }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	a.mu.Lock()
	admitted := a.admitted
	a.mu.Unlock()
	if admitted || a.path == "" {
		return nil
	}
	place, err := queue.Open(a.path, queue.Options{Room: roomPerCPU * runtime.NumCPU(), Pause: admissionPause})
	if err == nil {
		_ = place.Wait(ctx, admissionLimit) // whatever ends it but ctx, this process goes on
	}
	if ctx.Err() != nil {
		if place != nil {
			_ = place.Close()
		}
		return context.Cause(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.admitted, a.place = true, place // nil where there cannot be a queue
	a.timer = time.AfterFunc(busyTime, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.over = true
		a.leave()
	})
	return nil
}

// admit is enter for a provider that is to be started; started is called when it has been.
func (a *admission) admit(ctx context.Context) (started func(), err error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.starting++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.starting--
		a.leave()
	}, nil
}

// observe makes an observer of calls to providers one that sees them too.
func (a *admission) observe(next provider.Observer) provider.Observer {
	return func(what string, about ...any) func(error, ...any) {
		a.moved()
		done := next(what, about...)
		return func(err error, more ...any) {
			a.moved()
			done(err, more...)
		}
	}
}

// moved: a call begins or ends.
func (a *admission) moved() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.place != nil && !a.over {
		a.timer.Reset(quietTime)
	}
}

// leave gives the place back when it is time. The caller holds the lock.
func (a *admission) leave() {
	if a.place != nil && a.over && a.starting == 0 {
		_ = a.place.Close()
		a.place = nil
	}
}

// close gives the place back.
func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.over, a.starting = true, 0
	a.leave()
}
