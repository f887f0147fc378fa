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
		Short:   "List, run, redeliver and discard hook deliveries",
		Long:    "List and show the deliveries of events to hooks, run those that are due, and redeliver or\ndiscard dead ones.",
		Example: "  humanconnect delivery list --state dead",
	})
	c.AddCommand(newList(a), newShow(a), newRun(a), newRedeliver(a), newDiscard(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a delivery as it is listed.
type row struct {
	Kind    string      `json:"kind"`
	ID      id.Delivery `json:"id"`
	EventID id.Event    `json:"eventId"`
	// HookID is the name of a hook of the config, or the id of one that was given as a flag.
	HookID    string      `json:"hookId"`
	SessionID *id.Session `json:"sessionId"`
	// Sequence is that of the event in its session.
	Sequence int64               `json:"sequence"`
	State    store.DeliveryState `json:"state"`
	Tries    int                 `json:"tries"`
	// NextTryAt is null for what is no longer tried.
	NextTryAt *event.Time `json:"nextTryAt"`
	// Error of the last try.
	Error     *string    `json:"error"`
	CreatedAt event.Time `json:"createdAt"`
	// EndedAt is when it was delivered, died or was discarded.
	EndedAt *event.Time `json:"endedAt"`
}

const kind = "delivery"

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	one := row{Kind: kind}
	return []command.Output{
		{Command: "delivery list", Sample: []row{one}},
		{Command: "delivery show", Sample: detail{row: one}},
		{Command: "delivery run", Sample: result{Kind: kindRun}},
		{Command: "delivery redeliver", Sample: redelivered{Kind: kindRedeliver, Deliveries: []row{one}}},
		{Command: "delivery discard", Sample: discarded{Kind: kindDiscard}},
	}
}

func rowOf(d store.Delivery) row {
	r := row{
		Kind: kind, ID: d.ID, EventID: d.Event, HookID: d.Hook, SessionID: iostreams.OrNull(d.Session), Sequence: d.Sequence, State: d.State,
		Tries: d.Tries, Error: iostreams.OrNull(d.Error), CreatedAt: event.Time(d.CreatedAt), EndedAt: event.MaybeTime(d.EndedAt),
	}
	if d.State == store.DeliveryPending {
		at := event.Time(d.NextAt)
		r.NextTryAt = &at
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
	c.Flags().Var(&command.Choice{Value: &state, Of: []string{"pending", "delivered", "dead", "discarded"}}, "state", "only deliveries in this state")
	p := command.NewPage(c, "deliveries", "newest")
	p.SessionFlag(c)
	p.SinceFlag(c)
	p.UserFlags(c)
	p.SourceFlag(c, a)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := p.Read(a, c); err != nil {
			return err
		}
		f.Session, f.Source, f.Since, f.Limit, f.State = p.Session, p.Source, p.Since, p.Limit, store.DeliveryState(state)
		var err error
		if f.After, err = command.After[id.Delivery](c, p); err != nil {
			return err
		}
		return list(p, f).Run(a, c)
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(p *command.Page, f store.DeliveryFilter) command.List[row] {
	return command.List[row]{
		Page: p,
		ID:   func(r row) string { return string(r.ID) },
		Find: func(ctx context.Context, st *app.State) ([]row, error) {
			user, known, err := p.User(ctx, st)
			if err != nil || !known {
				return nil, err
			}
			f.User = user
			deliveries, err := query.Deliveries(ctx, st.Store, f)
			return command.Map(deliveries, err, rowOf)
		},
		Header: []string{"DELIVERY", "HOOK", "SESSION", "STATE", "TRIES", "CREATED", "NEXT TRY", "ERROR"},
		Cells: func(r row) []string {
			return []string{
				string(r.ID), r.HookID, command.Text(r.SessionID), string(r.State), strconv.Itoa(r.Tries), r.CreatedAt.String(),
				command.TimeText(r.NextTryAt), command.Text(r.Error),
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
	EventType event.Type `json:"eventType"`
	// HookType is null for a hook that is no longer known.
	HookType *hook.Kind `json:"hookType"`
	// Origin is scheme and host of a URL.
	Origin *string `json:"origin"`
	// RunBy says who runs a command that was given as a flag.
	RunBy *runBy `json:"runBy"`
}

// runBy is the user and the host that run a command of a flag, and whether this process is theirs.
type runBy struct {
	UID  int    `json:"uid"`
	Host string `json:"host"`
	Here bool   `json:"here"`
}

func (r *runBy) text() string {
	if r == nil {
		return ""
	}
	text := fmt.Sprintf("user %d on host %s", r.UID, iostreams.Clean(r.Host))
	if !r.Here {
		text += "; not this one: the same flag of open adopts it"
	}
	return text
}

func show(a *app.App, v query.DeliveryView) error {
	d := detail{row: rowOf(v.Row), EventType: event.Type(v.Type)}
	if v.Hook != nil {
		d.HookType, d.Origin = iostreams.OrNull(v.Hook.Kind()), iostreams.OrNull(v.Hook.Origin())
	}
	if v.Hook != nil && hook.IsGiven(v.Hook.Name) && v.Hook.Kind() != hook.KindHTTP {
		at, err := a.Place()
		if err != nil {
			return err
		}
		d.RunBy = &runBy{UID: v.Hook.UID, Host: v.Hook.Host, Here: v.Hook.RunsHere(at.UID, at.Host)}
	}
	return a.IO.Print(d, func(w io.Writer) error { return iostreams.WriteTable(w, nil, d.table()) })
}

func (d detail) table() [][]string {
	rows := [][]string{
		{"delivery", string(d.ID)},
		{"event", string(d.EventID)},
		{"type", string(d.EventType)},
		{"session", iostreams.OrNone(command.Text(d.SessionID))},
		{"sequence", strconv.FormatInt(d.Sequence, 10)},
		{"hook", d.HookID},
	}
	maybe := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	maybe("kind", command.Text(d.HookType))
	maybe("origin", command.Text(d.Origin))
	maybe("run by", d.RunBy.text())
	rows = append(rows, []string{"state", string(d.State)}, []string{"tries", strconv.Itoa(d.Tries)}, []string{"created", d.CreatedAt.String()})
	maybe("next try", command.TimeText(d.NextTryAt))
	maybe("ended", command.TimeText(d.EndedAt))
	return append(rows, []string{"error", iostreams.OrNone(command.Text(d.Error))})
}
