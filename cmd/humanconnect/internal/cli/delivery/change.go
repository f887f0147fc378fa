package delivery

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
)

// selectFlags are the flags that select deliveries instead of ids.
type selectFlags struct {
	hook string
	dead bool
}

func (f *selectFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.hook, "hook", "", "the dead deliveries to this `HOOK`")
	c.Flags().BoolVar(&f.dead, "dead", false, "all dead deliveries")
}

// selection reads what is selected: by ids, or by one of the flags.
func (f *selectFlags) selection(c *cobra.Command, args []string) (s hook.Selection, err error) {
	byHook := c.Flags().Changed("hook")
	switch {
	case len(args) > 0 && (byHook || f.dead):
		return s, command.Usage(c, "give ids, or --hook, or --dead")
	case len(args) == 0 && !byHook && !f.dead:
		return s, command.Usage(c, "ID is missing").Hint("or give --hook NAME, or --dead for all dead deliveries")
	case byHook && f.hook == "":
		return s, command.Usage(c, "--hook is empty")
	}
	for _, arg := range args {
		dlv, err := command.ParseID[id.Delivery](c, arg)
		if err != nil {
			return s, err
		}
		s.IDs = append(s.IDs, dlv)
	}
	s.Hook = f.hook
	return s, nil
}

func newRedeliver(a *app.App) *cobra.Command {
	var f selectFlags
	var limit time.Duration
	c := &cobra.Command{
		Use:   "redeliver ID… | --hook NAME | --dead",
		Short: "Deliver dead deliveries again",
		Long: `Make dead deliveries due again, with all their retries, then run what is due and print the
result. A redelivered event has the same id; it is outside of the order of its hook and session.
A hook that was left alone because it did not answer is tried again; a disabled one is not: see
hook enable. A pending delivery is tried now.

The exit code is 17 if a required hook has not accepted one of them, and 16 if --timeout is over.`,
		Example: "  humanconnect delivery redeliver --hook journal\n" +
			"  humanconnect delivery redeliver --dead",
		ValidArgsFunction: command.Deliveries(a),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := f.selection(c, args)
			if err == nil && limit <= 0 {
				err = command.Usage(c, "--timeout must be positive")
			}
			if err != nil {
				return err
			}
			return redeliver(a, c, s, limit)
		},
	}
	f.add(c)
	addTimeout(c, &limit)
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider, exit.Timeout, exit.Hook, exit.Store)
}

// redelivered is what delivery redeliver did; the counts are those of the selected deliveries.
type redelivered struct {
	Kind        string         `json:"kind"`
	ID          iostreams.NoID `json:"id"`
	Redelivered int            `json:"redelivered"`
	Delivered   int            `json:"delivered"`
	Pending     int            `json:"pending"`
	Dead        int            `json:"dead"`
	Deliveries  []row          `json:"deliveries"`
}

func redeliver(a *app.App, c *cobra.Command, s hook.Selection, limit time.Duration) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	st.Audience.OwnAll()
	chosen, err := st.Dispatcher.Redeliver(c.Context(), s)
	if err != nil {
		return err
	}
	var cut bool
	if len(chosen) > 0 {
		if cut, err = deliverDue(c.Context(), a, st, limit); err != nil {
			return err
		}
	}
	rows, err := query.DeliveriesOf(context.WithoutCancel(c.Context()), st.Store, chosen)
	if err != nil {
		return err
	}
	out, unaccepted := countRedelivered(rows, st.Hooks)
	warnRedelivered(a, out, cut)
	err = a.IO.Print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "redelivered %d: delivered %d, pending %d, dead %d\n", out.Redelivered, out.Delivered, out.Pending, out.Dead)
		return err
	})
	switch {
	case err != nil:
		return err
	case cut:
		return exit.With(exit.Timeout)
	case unaccepted:
		return exit.With(exit.Hook)
	}
	return nil
}

func deliverDue(ctx context.Context, a *app.App, st *app.State, limit time.Duration) (cut bool, err error) {
	defer a.IO.StartProgress(app.DeliveringToHooks).Done()
	within, cancel := context.WithTimeoutCause(ctx, limit, errRunLimit)
	defer cancel()
	_, err = st.Dispatcher.Once(within, hook.Scope{})
	return ctx.Err() == nil && within.Err() != nil, err
}

// countRedelivered counts what has become of deliveries, and says whether a required hook has not accepted one.
func countRedelivered(rows []store.Delivery, hooks []hook.Hook) (redelivered, bool) {
	out, unaccepted := redelivered{Kind: kindRedeliver, Redelivered: len(rows), Deliveries: []row{}}, false
	for _, d := range rows {
		out.Deliveries = append(out.Deliveries, rowOf(d))
		switch d.State {
		case store.DeliveryDelivered:
			out.Delivered++
			continue
		case store.DeliveryPending:
			out.Pending++
		case store.DeliveryDead:
			out.Dead++
		}
		unaccepted = unaccepted || slices.ContainsFunc(hooks, func(h hook.Hook) bool { return h.Required && h.Name == d.Hook })
	}
	return out, unaccepted
}

func warnRedelivered(a *app.App, out redelivered, cut bool) {
	if out.Redelivered == 0 {
		a.IO.Say("no dead deliveries")
	}
	if cut {
		a.IO.Warn("the time limit is over; the rest is left to: humanconnect delivery run")
	}
	for _, d := range out.Deliveries {
		if d.State == store.DeliveryDead && command.Text(d.Error) == hook.Disabled {
			a.IO.Warn("hook %s is disabled; enable it with: humanconnect hook enable %s", d.HookID, d.HookID)
			return
		}
	}
}

func newDiscard(a *app.App) *cobra.Command {
	var f selectFlags
	c := &cobra.Command{
		Use:   "discard ID… | --hook NAME | --dead",
		Short: "Discard dead deliveries",
		Long: `Discard dead deliveries: they are no longer counted as dead, and required hooks do not miss
them. Their events are kept. By ID a pending delivery is discarded too; those behind it go on.`,
		Example: "  humanconnect delivery discard --hook journal\n" +
			"  humanconnect delivery discard --dead",
		ValidArgsFunction: command.Deliveries(a),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := f.selection(c, args)
			if err != nil {
				return err
			}
			return discard(a, c, s)
		},
	}
	f.add(c)
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider, exit.Store)
}

// discarded is what delivery discard did.
type discarded struct {
	Kind        string         `json:"kind"`
	ID          iostreams.NoID `json:"id"`
	Discarded   int            `json:"discarded"`
	DeliveryIDs []id.Delivery  `json:"deliveryIds"`
}

func discard(a *app.App, c *cobra.Command, s hook.Selection) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := st.Dispatcher.Discard(c.Context(), s)
	if err != nil {
		return err
	}
	if len(done) == 0 {
		a.IO.Say("no dead deliveries")
	}
	return a.IO.Print(discarded{Kind: kindDiscard, Discarded: len(done), DeliveryIDs: iostreams.OrEmpty(done)}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "discarded %d\n", len(done))
		return err
	})
}
