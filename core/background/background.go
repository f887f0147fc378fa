// Package background is the work of the installation that a process does beside what it was started for: it removes the files
// of dead processes, delivers events to hooks, and tries revocations that are due.
//
// It decides when a process does work that is not its own. A short command starts none, because it would be interrupted.
package background

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/process"
)

// Delay is how long a process runs before it begins with the work.
const Delay = 50 * time.Millisecond

// Options of the work. All are needed.
type Options struct {
	// StateDir is the state directory, whose files of dead processes are removed at once.
	StateDir string
	Clock    clock.Clock
	Log      *slog.Logger
	// Deliver brings deliveries in a scope to their hooks until its context ends, and waits then for the tries that run; see
	// [hook.Dispatcher.Run].
	Deliver func(context.Context, hook.Scope) error
	// Scope is what it delivers: the zero value is everything.
	Scope hook.Scope
	// Revoke tries the revocations that are due.
	Revoke func(context.Context) (int, error)
	// DeliveryStopped is called if delivering ends before it was stopped, with the reason.
	DeliveryStopped func(error)
}

// Work is background work that runs. Stop it.
type Work struct {
	cancel, rest context.CancelFunc
	wg           sync.WaitGroup
}

// Start begins the work after [Delay] and returns at once. What fails of it is tried again by the next process.
func Start(ctx context.Context, o Options) *Work {
	ctx, cancel := context.WithCancel(ctx)
	delivering, rest := context.WithCancel(ctx)
	w := &Work{cancel: cancel, rest: rest}
	due, stop := o.Clock.After(Delay)
	w.wg.Go(func() {
		defer stop()
		if _, err := process.Sweep(o.StateDir); err != nil {
			o.Log.Debug("files of dead processes", "error", err)
		}
		select {
		case <-due:
		case <-ctx.Done():
			return
		}
		w.wg.Go(func() {
			if err := o.Deliver(delivering, o.Scope); err != nil {
				o.DeliveryStopped(err)
			}
		})
		if _, err := o.Revoke(ctx); err != nil && ctx.Err() == nil {
			o.Log.Debug("revocations that are due", "error", err)
		}
	})
	return w
}

// Rest begins no more deliveries, and does not wait for those that it has begun: for a process that is about to end, which a
// long try would hold up.
func (w *Work) Rest() { w.rest() }

// Stop ends the work and waits for it. It begins no more deliveries; a try that has begun has its time, since its receiver
// may have acted on it already.
func (w *Work) Stop() {
	w.cancel()
	w.Wait()
}

// Wait waits for work that ends without being stopped, as after an error of the store.
func (w *Work) Wait() { w.wg.Wait() }
