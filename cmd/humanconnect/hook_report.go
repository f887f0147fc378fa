package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// shownLines is how much of what a hook wrote is shown, from its end; --debug shows all that is kept.
const shownLines = 20

// audience knows which deliveries a call tells of: those that it caused, or all. The others are of other people, and what a
// hook writes may name them and their sources. It is safe for concurrent use; the zero value tells of none.
type audience struct {
	mu    sync.Mutex
	scope hook.Scope
	all   bool
}

// listen makes the call tell of the deliveries of a session, or of an event outside of one.
func (a *audience) listen(to hook.Scope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scope = to
}

// listenToAll makes the call tell of every delivery.
func (a *audience) listenToAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = true
}

func (a *audience) hears(r hook.Report) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scope.Session != "" {
		return a.all || a.scope.Session == r.Session
	}
	return a.all || a.scope.Event != "" && a.scope.Event == r.Event
}

// opened are the deliveries of a call that opened a session, or of one that opened none.
func opened(o session.Opening) hook.Scope {
	if o.Final != nil {
		return closed(o.Final)
	}
	return hook.Scope{Session: o.Session.ID}
}

func closed(f *session.Final) hook.Scope {
	if f.Session != "" {
		return hook.Scope{Session: f.Session}
	}
	return hook.Scope{Event: f.Event}
}

// reportHook says on standard error that a try of a hook failed, with what the hook wrote. Of other people's, it says no
// more than that a hook is disabled, which is everybody's.
func (st *state) reportHook(r hook.Report) {
	own := st.own.hears(r)
	st.app.logger().Debug("hook told", "hook", r.Hook, "delivery", r.Delivery, "event", r.Event, "attempt", r.Attempt,
		"state", r.State, "own", own, "error", r.Error)
	if own {
		st.app.reportHook(r)
		return
	}
	if r.Disabled {
		st.app.warn("hook %s: %s; %s", r.Hook, hook.At(r.Origin, r.Error), disabledText(r.Hook))
	}
}

func (a *App) reportHook(r hook.Report) {
	if r.Error == "" {
		if a.global.debug {
			a.writeHookLines(r)
		}
		return
	}
	next := "it is dead"
	if r.State == store.DeliveryPending {
		next = "next try at " + event.Time(r.Next).String()
	}
	if r.Disabled || r.Error == hook.Disabled {
		next += "; " + disabledText(r.Hook)
	}
	a.warn("hook %s: %s: %s; %s", r.Hook, cmp.Or(r.Type, string(r.Event)), hook.At(r.Origin, r.Error), next)
	if !a.global.quiet {
		a.writeHookLines(r)
	}
}

func disabledText(name string) string {
	return "the hook is disabled now, until: humanconnect hook enable " + name
}

func (a *App) writeHookLines(r hook.Report) {
	for _, line := range a.lastLines(r.Lines) {
		_, _ = fmt.Fprintf(a.Streams.Err, "hook %s | %s\n", r.Hook, clean(line))
	}
}

// lastLines are those of a hook's output that are shown.
func (a *App) lastLines(lines []string) []string {
	more := len(lines) - shownLines
	if a.global.debug || more <= 0 {
		return lines
	}
	return slices.Concat([]string{fmt.Sprintf("(%d lines before; --debug shows them)", more)}, lines[more:])
}
