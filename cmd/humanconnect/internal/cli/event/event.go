// Package event has the commands that list and show events.
package event

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
)

// New returns the command event.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "event",
		Short:   "List and show events",
		Long:    "List and show the events of sessions, as hooks receive them.",
		Example: "  humanconnect event list",
	})
	c.AddCommand(newList(a), newShow(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is an event as it is listed.
type row struct {
	Kind string     `json:"kind"`
	ID   id.Event   `json:"id"`
	Type event.Type `json:"type"`
	// SessionID is null for an event outside of a session.
	SessionID *id.Session `json:"sessionId"`
	Sequence  int64       `json:"sequence"`
	// CreatedAt is the timestamp of the body.
	CreatedAt event.Time `json:"createdAt"`
	// Damaged: the body cannot be read.
	Damaged bool `json:"damaged"`
}

const kind = "event"

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "event list", Sample: []row{{Kind: kind}}},
		{Command: "event show", Schema: "event", Sample: event.Event{}},
	}
}

func rowOf(e store.Event) row {
	return row{
		Kind: kind, ID: e.ID, Type: event.Type(e.Type), SessionID: iostreams.OrNull(e.Session), Sequence: e.Sequence,
		CreatedAt: event.Time(e.At), Damaged: e.Damaged != nil,
	}
}

func newList(a *app.App) *cobra.Command {
	f := store.EventFilter{}
	c := &cobra.Command{
		Use:     "list",
		Short:   "List events, the newest first",
		Long:    "List the events of sessions, the newest first. event show prints the body of one.",
		Example: "  humanconnect event list --type session.closed -o json",
		Args:    command.UpToArgs(0),
	}
	types := make([]string, len(event.Types))
	for i, t := range event.Types {
		types[i] = string(t)
	}
	c.Flags().Var(&command.Choice{Value: &f.Type, Of: types}, "type", "only events of this type")
	p := command.NewPage(c, "events", "newest")
	p.SessionFlag(c)
	p.SinceFlag(c)
	p.UserFlags(c)
	p.SourceFlag(c, a)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := p.Read(a, c); err != nil {
			return err
		}
		f.Session, f.Source, f.Since, f.Limit = p.Session, p.Source, p.Since, p.Limit
		var err error
		if f.After, err = command.After[id.Event](c, p); err != nil {
			return err
		}
		return list(p, f).Run(a, c)
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(p *command.Page, f store.EventFilter) command.List[row] {
	return command.List[row]{
		Page: p,
		ID:   func(r row) string { return string(r.ID) },
		Find: func(ctx context.Context, st *app.State) ([]row, error) {
			user, known, err := p.User(ctx, st)
			if err != nil || !known {
				return nil, err
			}
			f.User = user
			events, err := query.Events(ctx, st.Store, f)
			return command.Map(events, err, rowOf)
		},
		Header: []string{"EVENT", "TYPE", "AT", "SEQUENCE", "SESSION"},
		Cells: func(r row) []string {
			typ := string(r.Type)
			if r.Damaged {
				typ += " (damaged)"
			}
			return []string{string(r.ID), typ, r.CreatedAt.String(), strconv.FormatInt(r.Sequence, 10), command.Text(r.SessionID)}
		},
	}
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Print the body of an event",
		Long:    "Print the body of an event, as hooks receive it. It contains names of sources and users.",
		Example: "  humanconnect event show evt_…",
	}
	command.ByID(a, c, command.Events(a), func(ctx context.Context, st *app.State, evt id.Event) error {
		e, err := query.Event(ctx, st.Store, evt)
		if err != nil {
			return command.NotFound(err, query.CodeEventNotFound, "event", evt)
		}
		return show(a, e)
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

func show(a *app.App, e store.Event) error {
	if a.IO.AsJSON(iostreams.OutputJSON) {
		return a.IO.Write(iostreams.Indented(e.Body))
	}
	err := iostreams.WriteTable(a.IO.Out, nil, [][]string{
		{"event", string(e.ID)},
		{"type", e.Type},
		{"at", event.Time(e.At).String()},
		{"sequence", strconv.FormatInt(e.Sequence, 10)},
		{"session", iostreams.OrNone(string(e.Session))},
	})
	if err != nil {
		return err
	}
	return command.PrintSummary(a.IO, e.Body)
}
