// Package event has the commands that list and show events.
package event

import (
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
	ID        id.Event    `json:"id"`
	Type      string      `json:"type"`
	SessionID *id.Session `json:"sessionId"`
	Sequence  int64       `json:"sequence"`
	Timestamp event.Time  `json:"timestamp"`
}

func rowOf(e store.Event) row {
	return row{ID: e.ID, Type: e.Type, SessionID: command.Maybe(e.Session), Sequence: e.Sequence, Timestamp: event.Time(e.At)}
}

func newList(a *app.App) *cobra.Command {
	f := store.EventFilter{}
	var ses string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List events, the newest first",
		Long:    "List the events of sessions, the newest first. event show prints the body of one.",
		Example: "  humanconnect event list --type session.closed -o json",
		Args:    command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if ses != "" {
				if f.Session, err = command.ParseID[id.Session](c, ses); err != nil {
					return err
				}
			}
			return list(a, c, f)
		},
	}
	types := make([]string, len(event.Types))
	for i, t := range event.Types {
		types[i] = string(t)
	}
	c.Flags().Var(&command.Choice{Value: &f.Type, Of: types}, "type", "only events of this type")
	c.Flags().StringVar(&ses, "session", "", "only events of this session `ID`")
	command.LimitFlag(c, &f.Limit)
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(a *app.App, c *cobra.Command, f store.EventFilter) error {
	if err := command.CheckLimit(c, f.Limit); err != nil {
		return err
	}
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	events, err := query.Events(c.Context(), st.Store, f)
	if err != nil {
		return err
	}
	var rows []row
	for _, e := range events {
		rows = append(rows, rowOf(e))
	}
	return command.PrintList(a.IO, rows, []string{"EVENT", "TYPE", "AT", "SEQUENCE", "SESSION"}, func(r row) []string {
		return []string{string(r.ID), r.Type, r.Timestamp.String(), strconv.FormatInt(r.Sequence, 10), command.Text(r.SessionID)}
	})
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Print the body of an event",
		Long:              "Print the body of an event, as hooks receive it. It contains names of sources and users.",
		Example:           "  humanconnect event show evt_…",
		Args:              command.ExactArgs("ID"),
		ValidArgsFunction: command.Events(a),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := command.ParseID[id.Event](c, args[0])
			if err != nil {
				return err
			}
			return show(a, c, e)
		},
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

func show(a *app.App, c *cobra.Command, evt id.Event) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	e, err := query.Event(c.Context(), st.Store, evt)
	if err != nil {
		return command.NotFound(err, query.CodeEventNotFound, "event", evt)
	}
	if a.IO.AsJSON(iostreams.OutputJSON) {
		return a.IO.Write(iostreams.Indented(e.Body))
	}
	err = iostreams.WriteTable(a.IO.Out, nil, [][]string{
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
