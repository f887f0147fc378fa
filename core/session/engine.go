// Package session runs connect sessions: it is the only place that moves one.
//
//	Open → Connect → (Step ⇄ Reply)* → Disconnect → Close
//
// Every front end, be it a terminal, a script or a page, is a driver of the same [Engine]: it renders a step and returns
// a reply, and decides nothing.
//
// What a session is, lives in the store; a [Session] and an [Attempt] are one front end's grip on it. Each change is one
// transaction with its event and the deliveries of that event, so that a process may die at any instruction: the next
// one that opens the token goes on, or gets the stored response.
//
//	attempt:  open ──► connected
//	           │ └───► failed
//	           └─────► cancelled      begun: a provider works on a reply that must not be repeated
//
//	session:  open ──close──► closed  by its front end, or by whoever comes past its end
package session

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
)

// Sources finds sources. An error is a problem with code source_unknown, or one of the provider's host.
type Sources interface {
	// Find returns a source as its provider describes it now.
	Find(ctx context.Context, id string) (source.Source, error)
	provider.Settings
}

// Options are what an Engine works with. All are needed but Hooks, Prepare and Wake.
type Options struct {
	Store     store.Store
	Checker   token.Checker
	Sources   Sources
	Providers provider.Starter
	Liveness  process.Liveness
	Clock     clock.Clock
	// Hooks are the hooks of the config. A session that is opened or resumed keeps their names.
	Hooks []hook.Hook
	// Expiring is how long before its reconnect-by date a connection is expiring.
	Expiring time.Duration
	// Prepare prepares the statements of the methods that a function calls, in the time in which the providers of a script start;
	// optional.
	Prepare func(context.Context, func(store.Tx))
	// Wake is called after each commit that wrote deliveries; nil if nobody waits for it.
	Wake func()
	// Random is the jitter's of revocations; see [connection.Revoker]. Optional.
	Random func() float64
}

// Engine runs sessions. It is safe for concurrent use.
type Engine struct {
	o         Options
	bell      bell
	refresher *connection.Refresher

	fellMu sync.Mutex
	fell   []id.Event
}

// New makes an Engine. It has no side effects; the error is of options that are missing.
func New(o Options) (*Engine, error) {
	for name, value := range map[string]any{
		"Store": o.Store, "Checker": o.Checker, "Sources": o.Sources, "Providers": o.Providers, "Liveness": o.Liveness, "Clock": o.Clock,
	} {
		if value == nil {
			return nil, fmt.Errorf("an engine of sessions needs %s", name)
		}
	}
	e := &Engine{o: o}
	e.refresher = &connection.Refresher{
		Store: o.Store, Providers: o.Providers, Settings: o.Sources, Liveness: o.Liveness, Clock: o.Clock, Random: o.Random,
		Fell: e.recordNeedsReconnect, Wake: e.wake,
	}
	return e, nil
}

// Moved returns a channel that is closed when an attempt next moves in this process: a redirect has come, a step was
// kept, or it has ended. What another process does is seen by looking again after a while.
func (e *Engine) Moved() <-chan struct{} { return e.bell.next() }

// bell tells everybody who waits. The zero value is ready; it is safe for concurrent use.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

func (e *Engine) wake() {
	if e.o.Wake != nil {
		e.o.Wake()
	}
}

func (e *Engine) revoker() *connection.Revoker {
	return &connection.Revoker{
		Store: e.o.Store, Providers: e.o.Providers, Settings: e.o.Sources, Liveness: e.o.Liveness, Clock: e.o.Clock, Random: e.o.Random,
	}
}

// RevokeDue tries the revocations that are due; see [connection.Revoker.Due].
func (e *Engine) RevokeDue(ctx context.Context) (int, error) { return e.revoker().Due(ctx) }
