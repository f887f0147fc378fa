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
	"sync"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

// Sources finds sources. An error is a problem with code source_unknown, or one of the provider's host.
type Sources interface {
	// Find returns a source as its provider describes it now.
	Find(ctx context.Context, id string) (source.Source, error)
	connection.Settings
}

// Engine runs sessions. Its fields are set before the first call and not changed after; it is then safe for concurrent
// use.
type Engine struct {
	Store     store.Store
	Checker   token.Checker
	Sources   Sources
	Providers connection.Providers
	Liveness  process.Liveness
	Clock     clock.Clock
	// Hooks are the hooks of the config. A session that is opened or resumed keeps their names.
	Hooks []hook.Hook
	// FrontEnd is what the driver can do.
	FrontEnd sdk.FrontEnd
	// Redirects listens for the redirects of sources; nil where FrontEnd has no browser.
	Redirects Redirects
	// Locale is the BCP 47 tag of the person's language, or empty.
	Locale string
	// Wake is called after each commit that wrote deliveries; nil if nobody waits for it.
	Wake func()
	// Random is the jitter's of revocations; see [connection.Revoker]. Optional.
	Random func() float64

	bell bell
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
	if e.Wake != nil {
		e.Wake()
	}
}

func (e *Engine) revoker() *connection.Revoker {
	return &connection.Revoker{
		Store: e.Store, Providers: e.Providers, Settings: e.Sources, Liveness: e.Liveness, Clock: e.Clock, Random: e.Random,
	}
}

// RevokeDue tries the revocations that are due; see [connection.Revoker.Due].
func (e *Engine) RevokeDue(ctx context.Context) (int, error) { return e.revoker().Due(ctx) }
