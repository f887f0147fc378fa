// Package delivery has the commands that list and show deliveries of events to hooks, and deliver those that are due.
package delivery

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
)

// New returns the command delivery.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "delivery",
		Short:   "List and run hook deliveries",
		Long:    "List and show the deliveries of events to hooks, and run those that are due.",
		Example: "  humanconnect delivery list --state dead",
	})
	c.AddCommand(newList(a), newShow(a), newRun(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a delivery as it is listed.
type row struct {
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

func rowOf(d store.Delivery) row {
	r := row{
		ID: d.ID, EventID: d.Event, Hook: d.Hook, SessionID: command.Maybe(d.Session), Sequence: d.Sequence, State: d.State,
		Tries: d.Tries, Error: d.Error, CreatedAt: event.Time(d.CreatedAt), EndedAt: event.MaybeTime(d.EndedAt),
	}
	if d.State == store.DeliveryPending {
		at := event.Time(d.NextAt)
		r.NextAt = &at
	}
	return r
}

func newList(a *app.App) *cobra.Command {
	f := store.DeliveryFilter{}
	var state string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List deliveries, the newest first",
		Long:    "List deliveries of events to hooks, the newest first.",
		Example: "  humanconnect delivery list --state pending -o json",
		Args:    command.UpToArgs(0),
	}
	c.Flags().StringVar(&f.Hook, "hook", "", "only deliveries to this `HOOK`")
	c.Flags().Var(&command.Choice{Value: &state, Of: []string{"pending", "delivered", "dead"}}, "state", "only deliveries in this state")
	selected := command.SessionFlags(c, "deliveries", &f.Limit)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := selected.Check(c, &f.Session); err != nil {
			return err
		}
		f.State = store.DeliveryState(state)
		return list(f).Run(a, c)
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(f store.DeliveryFilter) command.List[row] {
	return command.List[row]{
		Find: func(ctx context.Context, st *app.State) ([]row, error) {
			deliveries, err := query.Deliveries(ctx, st.Store, f)
			return command.Map(deliveries, err, rowOf)
		},
		Header: []string{"DELIVERY", "HOOK", "SESSION", "STATE", "TRIES", "CREATED", "NEXT TRY", "ERROR"},
		Cells: func(r row) []string {
			return []string{
				string(r.ID), r.Hook, command.Text(r.SessionID), string(r.State), strconv.Itoa(r.Tries), r.CreatedAt.String(),
				command.TimeText(r.NextAt), r.Error,
			}
		},
	}
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a delivery",
		Long:    "Show a delivery. event show prints its event.",
		Example: "  humanconnect delivery show dlv_…",
	}
	command.ByID(a, c, command.Deliveries(a), func(ctx context.Context, st *app.State, dlv id.Delivery) error {
		v, err := query.Delivery(ctx, st.Store, dlv, st.Hooks)
		if err != nil {
			return command.NotFound(err, query.CodeDeliveryNotFound, "delivery", dlv)
		}
		return show(a, v)
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

// detail is a delivery as it is shown. A hook given as a flag has only an id, so its kind is shown, and for a URL scheme
// and host.
type detail struct {
	row
	Type   string    `json:"type"`
	Kind   hook.Kind `json:"kind,omitempty"`
	Origin string    `json:"origin,omitempty"`
}

func show(a *app.App, v query.DeliveryView) error {
	d := detail{row: rowOf(v.Row), Type: v.Type}
	if v.Hook != nil {
		d.Kind, d.Origin = v.Hook.Kind(), v.Hook.Origin()
	}
	return a.IO.Print(d, func(w io.Writer) error { return iostreams.WriteTable(w, nil, d.table()) })
}

func (d detail) table() [][]string {
	rows := [][]string{
		{"delivery", string(d.ID)},
		{"event", string(d.EventID)},
		{"type", d.Type},
		{"session", iostreams.OrNone(command.Text(d.SessionID))},
		{"sequence", strconv.FormatInt(d.Sequence, 10)},
		{"hook", d.Hook},
	}
	maybe := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	maybe("kind", string(d.Kind))
	maybe("origin", d.Origin)
	rows = append(rows, []string{"state", string(d.State)}, []string{"tries", strconv.Itoa(d.Tries)}, []string{"created", d.CreatedAt.String()})
	maybe("next try", command.TimeText(d.NextAt))
	maybe("ended", command.TimeText(d.EndedAt))
	return append(rows, []string{"error", iostreams.OrNone(d.Error)})
}

func newRun(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run due deliveries and revocations",
		Long: `Try each due delivery and each due revocation once, then print what is left. The exit code is 17
if a required hook has not accepted an event: its delivery is still pending, or is now dead.`,
		Example: "  humanconnect delivery run -o json",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return run(a, c) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Hook, exit.Store)
}

// result is what delivery run did.
type result struct {
	hook.Tally
	Revocations int `json:"revocations"`
}

func run(a *app.App, c *cobra.Command) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	st.Audience.OwnAll()
	d, err := runDue(c.Context(), a, st)
	if err != nil {
		return err
	}
	err = a.IO.Print(d, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "delivered %d, pending %d, dead %d; revocations tried %d\n", d.Delivered, d.Pending, d.Dead, d.Revocations)
		return err
	})
	if err == nil && len(d.Unaccepted) > 0 {
		return exit.With(exit.Hook)
	}
	return err
}

// runDue tries the due deliveries and revocations, with progress.
func runDue(ctx context.Context, a *app.App, st *app.State) (d result, err error) {
	line := a.IO.StartProgress(app.DeliveringToHooks)
	defer line.Done()
	if d.Tally, err = st.Dispatcher.Once(ctx, hook.Scope{}); err != nil {
		return d, err
	}
	line.Set("revoking at sources")
	d.Revocations, err = st.Engine.RevokeDue(ctx)
	return d, err
}
