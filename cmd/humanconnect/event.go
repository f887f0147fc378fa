package main

import (
	"errors"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func newEvent(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "event",
		Short:   "Look at events",
		Long:    "Look at the events of sessions, as they were told to hooks.",
		Example: "  humanconnect event list",
	})
	c.AddCommand(newEventList(app), newEventShow(app))
	return exits(c, exitOK, exitUsage)
}

// eventRow is an event as it is listed.
type eventRow struct {
	ID        id.Event    `json:"id"`
	Type      string      `json:"type"`
	SessionID *id.Session `json:"sessionId"`
	Sequence  int64       `json:"sequence"`
	Timestamp event.Time  `json:"timestamp"`
}

func newEventList(app *App) *cobra.Command {
	f := store.EventFilter{}
	var ses string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List events, the newest first",
		Long:    "List the events of sessions, the newest first. What an event says is shown by event show.",
		Example: "  humanconnect event list --type session.closed -o json",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if ses != "" {
				if f.Session, err = parseID[id.Session](c, ses); err != nil {
					return err
				}
			}
			return app.eventList(c, f)
		},
	}
	types := make([]string, len(event.Types))
	for i, t := range event.Types {
		types[i] = string(t)
	}
	c.Flags().Var(&choice{value: &f.Type, of: types}, "type", "only of this type")
	c.Flags().StringVar(&ses, "session", "", "only of this session `ID`")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many at most; 0 means all")
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
}

func (a *App) eventList(c *cobra.Command, f store.EventFilter) error {
	if f.Limit < 0 {
		return usage(c, "--limit is not negative")
	}
	rows := []eventRow{}
	err := a.view(c.Context(), func(tx store.Tx) error {
		rows = rows[:0]
		list, err := tx.Events(f)
		for _, e := range list {
			r := eventRow{ID: e.ID, Type: e.Type, Sequence: e.Sequence, Timestamp: event.Time(e.At)}
			if e.Session != "" {
				r.SessionID = &e.Session
			}
			rows = append(rows, r)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			ses := ""
			if r.SessionID != nil {
				ses = string(*r.SessionID)
			}
			cells = append(cells, []string{string(r.ID), r.Type, r.Timestamp.String(), strconv.FormatInt(r.Sequence, 10), ses})
		}
		return writeTable(w, []string{"EVENT", "TYPE", "AT", "SEQUENCE", "SESSION"}, cells)
	})
}

func newEventShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Print what an event told the hooks",
		Long:              "Print the document that every hook gets for an event. It names sources and users.",
		Example:           "  humanconnect event show evt_…",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeEvents,
		RunE: func(c *cobra.Command, args []string) error {
			e, err := parseID[id.Event](c, args[0])
			if err != nil {
				return err
			}
			return app.eventShow(c, e)
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

func (a *App) eventShow(c *cobra.Command, evt id.Event) error {
	var e store.Event
	err := a.view(c.Context(), func(tx store.Tx) (err error) {
		e, err = tx.Event(evt)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(codeEventNotFound, "there is no event %s", evt).Hint("see: humanconnect event list")
	}
	if err != nil {
		return err
	}
	if a.asJSON(outputJSON) {
		return a.write(indented(e.Body))
	}
	err = writeTable(a.Streams.Out, nil, [][]string{
		{"event", string(e.ID)},
		{"type", e.Type},
		{"at", event.Time(e.At).String()},
		{"sequence", strconv.FormatInt(e.Sequence, 10)},
		{"session", orNone(string(e.Session))},
	})
	if err != nil {
		return err
	}
	return a.writeSummary(e.Body)
}
