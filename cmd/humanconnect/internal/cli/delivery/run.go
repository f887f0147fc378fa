package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/query"
)

// runTime is the default of --timeout: an hourly cron job never meets the one before it.
const runTime = 5 * time.Minute

func addTimeout(c *cobra.Command, limit *time.Duration) {
	c.Flags().DurationVar(limit, "timeout", runTime, "start no more tries after this time")
}

// errRunLimit is the cause of a run that --timeout ends.
var errRunLimit = errors.New("--timeout is over")

func newRun(a *app.App) *cobra.Command {
	var limit time.Duration
	c := &cobra.Command{
		Use:   "run",
		Short: "Run due deliveries and revocations",
		Long: `Try each due delivery and each due revocation once, then print what is left. The exit code is 17
if a required hook has not accepted an event: its delivery is still pending, or is now dead.

It starts no more tries after --timeout, waits for those that run, and exits with 16. A hook that
did not answer in time four times in a row is left alone for a minute, then for longer.

Dead deliveries are not tried: see delivery redeliver and delivery discard.`,
		Example: "  humanconnect delivery run -o json\n  humanconnect delivery run --timeout 50s",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return run(a, c, limit) },
	}
	addTimeout(c, &limit)
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Timeout, exit.Hook, exit.Store)
}

// result is what delivery run did.
type result struct {
	Kind string         `json:"kind"`
	ID   iostreams.NoID `json:"id"`
	hook.Tally
	// Revocations is how many were tried.
	Revocations int `json:"revocations"`
	// DeadInAll counts all dead deliveries, those that died before included.
	DeadInAll int `json:"deadInAll"`
	// NotHere are the pending deliveries that this run does not bring.
	NotHere []waiting `json:"notHere"`
	cut     bool
}

// The kinds of what the commands print that change deliveries.
const (
	kindRun       = "delivery.run"
	kindRedeliver = "delivery.redeliver"
	kindDiscard   = "delivery.discard"
)

// waiting are pending deliveries that this user on this host does not bring, with this config: to a hook that the config does
// not name, or to commands of flags of another user or host.
type waiting struct {
	// HookID is null for the flags of UID on Host, which are null for a hook that the config does not name.
	HookID  *string `json:"hookId"`
	UID     *int    `json:"uid"`
	Host    *string `json:"host"`
	Pending int     `json:"pending"`
}

func run(a *app.App, c *cobra.Command, limit time.Duration) error {
	if limit <= 0 {
		return command.Usage(c, "--timeout must be positive")
	}
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	st.Audience.OwnAll()
	d, err := runDue(c.Context(), a, st, limit)
	if err != nil {
		return err
	}
	if err := d.addLeft(c.Context(), a, st); err != nil {
		return err
	}
	d.warn(a, limit)
	err = a.IO.Print(d, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "delivered %d, pending %d, dead %d; revocations tried %d\n", d.Delivered, d.Pending, d.Dead, d.Revocations)
		return err
	})
	switch {
	case err != nil:
		return err
	case d.cut:
		return exit.With(exit.Timeout)
	case len(d.Unaccepted) > 0:
		return exit.With(exit.Hook)
	}
	return nil
}

// runDue tries the due deliveries and revocations, with progress.
func runDue(ctx context.Context, a *app.App, st *app.State, limit time.Duration) (result, error) {
	d := result{Kind: kindRun, NotHere: []waiting{}}
	line := a.IO.StartProgress(app.DeliveringToHooks)
	defer line.Done()
	within, cancel := context.WithTimeoutCause(ctx, limit, errRunLimit)
	defer cancel()
	var err error
	if d.Tally, err = st.Dispatcher.Once(within, hook.Scope{}); err != nil {
		return d, err
	}
	line.Set("revoking at sources")
	d.Revocations, err = st.Engine.RevokeDue(within)
	d.cut = ctx.Err() == nil && within.Err() != nil
	if d.cut {
		err = nil
	}
	return d, err
}

// addLeft adds what the run has left: the dead deliveries, and the pending ones that it could not bring.
func (d *result) addLeft(ctx context.Context, a *app.App, st *app.State) (err error) {
	ctx = context.WithoutCancel(ctx) // it is read though the run was interrupted
	if d.DeadInAll, err = query.DeadDeliveries(ctx, st.Store); err != nil {
		return err
	}
	at, err := a.Place()
	if err != nil {
		return err
	}
	views, err := query.Hooks(ctx, st.Store, st.Store.MAC, st.Hooks)
	if err != nil {
		return err
	}
	for _, v := range views.Hooks {
		if v.PausedUntil.After(st.Now()) && v.Pending > 0 {
			a.IO.Warn("hook %s does not answer; it is left alone until %s (%s pending)", v.Hook.Name, event.Time(v.PausedUntil), query.Number(v.Pending))
		}
	}
	left, err := query.NotHere(ctx, st.Store, st.Hooks, at.UID, at.Host)
	for _, l := range left {
		w := waiting{HookID: iostreams.OrNull(l.Hook), Pending: l.N}
		if l.Hook == "" {
			w.UID, w.Host = &l.UID, &l.Host
		}
		d.NotHere = append(d.NotHere, w)
	}
	return err
}

func (d *result) warn(a *app.App, limit time.Duration) {
	for _, w := range d.NotHere {
		if w.HookID != nil {
			a.IO.Warn("hook %s is not in the config and has pending deliveries (%s)", *w.HookID, query.Number(w.Pending))
			continue
		}
		a.IO.Warn("pending deliveries to commands given as flags by user %d on host %s (%d)", *w.UID, iostreams.Clean(*w.Host), w.Pending)
		a.IO.Hint("run it there, or adopt them: repeat the open command with the same flags")
	}
	if d.DeadInAll > 0 {
		a.IO.Warn("dead deliveries are left (%s)", query.Number(d.DeadInAll))
		a.IO.Hint("see: humanconnect delivery list --state dead")
		a.IO.Hint("then: humanconnect delivery redeliver --dead, or delivery discard --dead")
	}
	if d.cut {
		a.IO.Warn("the time limit of %s is over; the rest is left to the next run", limit)
	}
}
