package app

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/store"
)

// shownLines is how many of the last lines of a hook's output are shown; --debug shows all that are kept.
const shownLines = 20

// reportHook prints the outcome of a delivery try, as far as this process may show it.
func (st *State) reportHook(r hook.Report) {
	own := st.Audience.MaySee(r)
	st.app.IO.Logger().Debug("delivery try", "hook", r.Hook, "delivery", r.Delivery, "event", r.Event, "try", r.Try,
		"state", r.State, "own", own, "error", r.Error)
	if own {
		st.app.printReport(r)
		return
	}
	if r.Disabled {
		st.app.IO.Warn("hook %s: %s; %s", r.Hook, hook.At(r.Origin, r.Error), disabledText(r.Hook))
	}
}

func (a *App) printReport(r hook.Report) {
	if r.Error == "" {
		if a.IO.Flags.Debug {
			a.writeHookLines(r)
		}
		return
	}
	next := "the delivery is dead"
	if r.State == store.DeliveryPending {
		next = "next try at " + event.Time(r.Next).String()
	}
	if r.Disabled || r.Error == hook.Disabled {
		next += "; " + disabledText(r.Hook)
	}
	a.IO.Warn("hook %s: %s: %s; %s", r.Hook, cmp.Or(r.Type, string(r.Event)), hook.At(r.Origin, r.Error), next)
	if !a.IO.Flags.Quiet {
		a.writeHookLines(r)
	}
}

func disabledText(name string) string {
	return "the hook is now disabled; enable it with: humanconnect hook enable " + name
}

func (a *App) writeHookLines(r hook.Report) {
	for _, line := range a.LastLines(r.Lines) {
		_, _ = fmt.Fprintf(a.IO.Err, "hook %s | %s\n", r.Hook, iostreams.Clean(line))
	}
}

// LastLines returns the lines of a hook's output that are shown.
func (a *App) LastLines(lines []string) []string {
	more := len(lines) - shownLines
	if a.IO.Flags.Debug || more <= 0 {
		return lines
	}
	return slices.Concat([]string{fmt.Sprintf("(%d earlier lines; --debug shows them)", more)}, lines[more:])
}

// WarnUndelivered warns of pending and dead deliveries.
func (st *State) WarnUndelivered(t hook.Tally) {
	if t.Pending > 0 {
		st.app.IO.Warn("%d hook %s pending; deliver with: humanconnect delivery run", t.Pending, plural(t.Pending, "delivery", "deliveries"))
	}
	if t.Dead > 0 {
		st.app.IO.Warn("%d hook %s dead; see: humanconnect delivery list --state dead; retry with: humanconnect delivery redeliver --dead", t.Dead, plural(t.Dead, "delivery", "deliveries"))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
