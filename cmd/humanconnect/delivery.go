package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/store"
)

func newDelivery(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "delivery",
		Short:   "Look at deliveries to hooks and make those that are due",
		Long:    "Look at the deliveries of events to hooks, and make those that are due.",
		Example: "  humanconnect delivery list --state dead",
	})
	c.AddCommand(newDeliveryList(app), newDeliveryShow(app), newDeliveryRun(app))
	return exits(c, exitOK, exitUsage)
}

// deliveryRow is a delivery as it is listed.
type deliveryRow struct {
	ID        id.Delivery         `json:"id"`
	EventID   id.Event            `json:"eventId"`
	Hook      string              `json:"hook"`
	SessionID *id.Session         `json:"sessionId"`
	Sequence  int64               `json:"sequence"`
	State     store.DeliveryState `json:"state"`
	Tries     int                 `json:"tries"`
	NextAt    *event.Time         `json:"nextAt,omitempty"`
	Error     string              `json:"error,omitempty"`
	CreatedAt event.Time          `json:"createdAt"`
	EndedAt   *event.Time         `json:"endedAt,omitempty"`
}

func deliveryRowOf(d store.Delivery) deliveryRow {
	r := deliveryRow{
		ID: d.ID, EventID: d.Event, Hook: d.Hook, Sequence: d.Sequence, State: d.State, Tries: d.Tries, Error: d.Error,
		CreatedAt: event.Time(d.CreatedAt),
	}
	if d.Session != "" {
		r.SessionID = &d.Session
	}
	if d.State == store.DeliveryPending {
		at := event.Time(d.NextAt)
		r.NextAt = &at
	}
	if !d.EndedAt.IsZero() {
		at := event.Time(d.EndedAt)
		r.EndedAt = &at
	}
	return r
}

func newDeliveryList(app *App) *cobra.Command {
	f := store.DeliveryFilter{}
	var ses, state string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List deliveries, the newest first",
		Long:    "List deliveries of events to hooks, the newest first.",
		Example: "  humanconnect delivery list --state pending -o json",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if ses != "" {
				if f.Session, err = parseID[id.Session](c, ses); err != nil {
					return err
				}
			}
			f.State = store.DeliveryState(state)
			return app.deliveryList(c, f)
		},
	}
	c.Flags().StringVar(&f.Hook, "hook", "", "only to this `HOOK`")
	c.Flags().StringVar(&ses, "session", "", "only of this session `ID`")
	c.Flags().Var(&choice{value: &state, of: []string{"pending", "delivered", "dead"}}, "state", "only in this state")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many at most; 0 means all")
	return exits(c, exitOK, exitUsage, exitConfig, exitStore)
}

func (a *App) deliveryList(c *cobra.Command, f store.DeliveryFilter) error {
	if f.Limit < 0 {
		return usage(c, "--limit is not negative")
	}
	rows := []deliveryRow{}
	err := a.view(c.Context(), func(tx store.Tx) error {
		rows = rows[:0]
		list, err := tx.Deliveries(f)
		for _, d := range list {
			rows = append(rows, deliveryRowOf(d))
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{string(r.ID), r.Hook, string(r.State), strconv.Itoa(r.Tries), r.CreatedAt.String(), r.Error})
		}
		return writeTable(w, []string{"DELIVERY", "HOOK", "STATE", "TRIES", "CREATED", "ERROR"}, cells)
	})
}

func newDeliveryShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Show a delivery",
		Long:              "Show a delivery. The event that it brings is shown by event show.",
		Example:           "  humanconnect delivery show dlv_…",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeDeliveries,
		RunE: func(c *cobra.Command, args []string) error {
			d, err := parseID[id.Delivery](c, args[0])
			if err != nil {
				return err
			}
			return app.deliveryShow(c, d)
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitStore)
}

func (a *App) deliveryShow(c *cobra.Command, dlv id.Delivery) error {
	var r deliveryRow
	err := a.view(c.Context(), func(tx store.Tx) error {
		d, err := tx.Delivery(dlv)
		r = deliveryRowOf(d)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.New("delivery_not_found", "there is no delivery %s", dlv).Hint("see: humanconnect delivery list")
	}
	if err != nil {
		return err
	}
	return a.print(r, func(w io.Writer) error {
		rows := [][]string{
			{"delivery", string(r.ID)},
			{"event", string(r.EventID)},
			{"hook", r.Hook},
			{"state", string(r.State)},
			{"tries", strconv.Itoa(r.Tries)},
			{"created", r.CreatedAt.String()},
		}
		if r.NextAt != nil {
			rows = append(rows, []string{"next try", r.NextAt.String()})
		}
		return writeTable(w, nil, append(rows, []string{"error", orNone(r.Error)}))
	})
}

func newDeliveryRun(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Make the deliveries and revocations that are due",
		Long: `Make the deliveries that are due, and try the revocations that are due, once; then say what is
left. It ends with 17 if an event that a required hook has not accepted is left.`,
		Example: "  humanconnect delivery run -o json",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.deliveryRun(c) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitHook, exitStore)
}

// ran is what delivery run did.
type ran struct {
	hook.Tally
	Revocations int `json:"revocations"`
}

func (a *App) deliveryRun(c *cobra.Command) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := st.runDue(c.Context())
	if err != nil {
		return err
	}
	left, err := st.requiredLeft(c)
	if err != nil {
		return err
	}
	err = a.print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "delivered %d, pending %d, dead %d; revocations tried %d\n", r.Delivered, r.Pending, r.Dead, r.Revocations)
		return err
	})
	if err == nil && left {
		return endWith(exitHook)
	}
	return err
}

// runDue makes what is due, with progress.
func (st *state) runDue(ctx context.Context) (r ran, err error) {
	line := st.app.startProgress("telling the hooks")
	defer line.Done()
	if r.Tally, err = st.dispatcher.Once(ctx, hook.Scope{}); err != nil {
		return r, err
	}
	line.Set("asking sources to revoke grants")
	r.Revocations, err = st.engine.RevokeDue(ctx)
	return r, err
}

// requiredLeft says whether a required hook has events that it has not accepted yet.
func (st *state) requiredLeft(c *cobra.Command) (left bool, err error) {
	err = st.store.View(c.Context(), func(tx store.Tx) error {
		pending, err := tx.Deliveries(store.DeliveryFilter{State: store.DeliveryPending})
		left = slices.ContainsFunc(pending, func(d store.Delivery) bool {
			return slices.ContainsFunc(st.hooks, func(h hook.Hook) bool { return h.Required && h.Name == d.Hook })
		})
		return err
	})
	return left, err
}

// reportHook says on standard error that a try of a hook failed, with what the hook wrote.
func (a *App) reportHook(r hook.Report) {
	a.logger().Debug("hook told", "hook", r.Hook, "delivery", r.Delivery, "event", r.Event, "attempt", r.Attempt, "state", r.State)
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
	if r.Error == hook.Disabled {
		next += "; enable the hook with: humanconnect hook enable " + r.Hook
	}
	a.warn("hook %s: %s: %s; %s", r.Hook, r.Type, r.Error, next)
	if !a.global.quiet {
		a.writeHookLines(r)
	}
}

func (a *App) writeHookLines(r hook.Report) {
	for _, line := range r.Lines {
		_, _ = fmt.Fprintf(a.Streams.Err, "hook %s | %s\n", r.Hook, clean(line))
	}
}
