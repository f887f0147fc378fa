package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
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

// session is its session, or "" for an event outside of one.
func (r deliveryRow) session() string {
	if r.SessionID == nil {
		return ""
	}
	return string(*r.SessionID)
}

func maybeTime(t *event.Time) string {
	if t == nil {
		return ""
	}
	return t.String()
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
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
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
			cells = append(cells, []string{
				string(r.ID), r.Hook, r.session(), string(r.State), strconv.Itoa(r.Tries), r.CreatedAt.String(), maybeTime(r.NextAt), r.Error,
			})
		}
		return writeTable(w, []string{"DELIVERY", "HOOK", "SESSION", "STATE", "TRIES", "CREATED", "NEXT TRY", "ERROR"}, cells)
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
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

// deliveryDetail is a delivery as it is shown. A hook that came as a flag is named by an id alone, so its kind is told, and
// of a URL scheme and host.
type deliveryDetail struct {
	deliveryRow
	Type   string    `json:"type"`
	Kind   hook.Kind `json:"kind,omitempty"`
	Origin string    `json:"origin,omitempty"`
}

func (st *state) deliveryDetail(tx store.Tx, dlv id.Delivery) (deliveryDetail, error) {
	d, err := tx.Delivery(dlv)
	if err != nil {
		return deliveryDetail{}, err
	}
	e, err := tx.Event(d.Event)
	if err != nil {
		return deliveryDetail{}, err
	}
	r := deliveryDetail{deliveryRow: deliveryRowOf(d), Type: e.Type}
	h, found, err := hook.Find(tx, d.Hook, st.hooks)
	if found {
		r.Kind, r.Origin = h.Kind(), h.Origin()
	}
	return r, err
}

func (a *App) deliveryShow(c *cobra.Command, dlv id.Delivery) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	var r deliveryDetail
	err = st.store.View(c.Context(), func(tx store.Tx) (err error) {
		r, err = st.deliveryDetail(tx, dlv)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(codeDeliveryNotFound, "there is no delivery %s", dlv).Hint("see: humanconnect delivery list")
	}
	if err != nil {
		return err
	}
	return a.print(r, func(w io.Writer) error { return writeTable(w, nil, r.table()) })
}

func (r deliveryDetail) table() [][]string {
	rows := [][]string{
		{"delivery", string(r.ID)},
		{"event", string(r.EventID)},
		{"type", r.Type},
		{"session", orNone(r.session())},
		{"sequence", strconv.FormatInt(r.Sequence, 10)},
		{"hook", r.Hook},
	}
	for _, maybe := range [][]string{{"kind", string(r.Kind)}, {"leads to", r.Origin}} {
		if maybe[1] != "" {
			rows = append(rows, maybe)
		}
	}
	rows = append(rows, []string{"state", string(r.State)}, []string{"tries", strconv.Itoa(r.Tries)}, []string{"created", r.CreatedAt.String()})
	for _, maybe := range [][]string{{"next try", maybeTime(r.NextAt)}, {"ended", maybeTime(r.EndedAt)}} {
		if maybe[1] != "" {
			rows = append(rows, maybe)
		}
	}
	return append(rows, []string{"error", orNone(r.Error)})
}

func newDeliveryRun(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Make the deliveries and revocations that are due",
		Long: `Make the deliveries that are due, and try the revocations that are due, once; then say what is
left. It ends with 17 if an event that a required hook has not accepted is left, or died now.`,
		Example: "  humanconnect delivery run -o json",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.deliveryRun(c) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitHook, exitStore)
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
	st.own.listenToAll()
	r, err := st.runDue(c.Context())
	if err != nil {
		return err
	}
	err = a.print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "delivered %d, pending %d, dead %d; revocations tried %d\n", r.Delivered, r.Pending, r.Dead, r.Revocations)
		return err
	})
	if err == nil && len(r.Unaccepted) > 0 {
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
