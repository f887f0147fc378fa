package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

func newSession(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "session",
		Short:   "Look at sessions and close them",
		Long:    "Look at the sessions of this state, and close one that was left open.",
		Example: "  humanconnect session list",
	})
	c.AddCommand(newSessionList(app), newSessionShow(app), newSessionClose(app))
	return exits(c, exitOK, exitUsage)
}

// sessionRow is a session as it is listed. Its response is printed by session show.
type sessionRow struct {
	SessionID id.Session  `json:"sessionId"`
	HumanID   id.Human    `json:"humanId"`
	State     string      `json:"state"`
	Status    string      `json:"status,omitempty"`
	OpenedAt  event.Time  `json:"openedAt"`
	EndsAt    event.Time  `json:"endsAt"`
	ClosedAt  *event.Time `json:"closedAt,omitempty"`
	Events    int64       `json:"events"`
	ExitCode  *int        `json:"exitCode,omitempty"`
}

func sessionRowOf(s store.Session) sessionRow {
	r := sessionRow{
		SessionID: s.ID, HumanID: s.User, State: "open", OpenedAt: event.Time(s.OpenedAt), EndsAt: event.Time(s.EndsAt),
		Events: s.Sequence,
	}
	if !s.ClosedAt.IsZero() {
		at, exit := event.Time(s.ClosedAt), exitOf(session.FinalOf(s), false, session.CutNone)
		r.State, r.Status, r.ClosedAt, r.ExitCode = "closed", s.Status, &at, &exit
	}
	return r
}

func newSessionList(app *App) *cobra.Command {
	var limit int
	var onlyOpen bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List sessions, the newest first",
		Long:    "List the sessions of this state, the newest first.",
		Example: "  humanconnect session list --open\n  humanconnect session list -o json",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			f := store.SessionFilter{Limit: limit}
			if onlyOpen {
				f.Open = &onlyOpen
			}
			return app.sessionList(c, f)
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "how many at most; 0 means all")
	c.Flags().BoolVar(&onlyOpen, "open", false, "only those that are open")
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
}

func (a *App) sessionList(c *cobra.Command, f store.SessionFilter) error {
	if f.Limit < 0 {
		return usage(c, "--limit is not negative")
	}
	rows := []sessionRow{}
	err := a.view(c.Context(), func(tx store.Tx) error {
		rows = rows[:0]
		list, err := tx.Sessions(f)
		for _, s := range list {
			rows = append(rows, sessionRowOf(s))
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{string(r.SessionID), r.State, r.OpenedAt.String(), string(r.HumanID), r.Status})
		}
		return writeTable(w, []string{"SESSION", "STATE", "OPENED", "HUMAN ID", "STATUS"}, cells)
	})
}

func newSessionShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a session, or the response that it ended with",
		Long: `Show a session. With -o json a closed one gives the response that it was closed with, byte
for byte, and an open one the response as it would be now, with status null.`,
		Example:           "  humanconnect session show ses_… -o json",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeSessions,
		RunE:              func(c *cobra.Command, args []string) error { return app.sessionShow(c, args[0]) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

func (a *App) sessionShow(c *cobra.Command, arg string) error {
	ses, err := parseID[id.Session](c, arg)
	if err != nil {
		return err
	}
	var row store.Session
	var now event.Response
	err = a.view(c.Context(), func(tx store.Tx) (err error) {
		if row, err = tx.Session(ses); err != nil || !row.ClosedAt.IsZero() {
			return err
		}
		now, err = event.Build(tx, row, "")
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.New("session_not_found", "there is no session %s", ses).Hint("see: humanconnect session list")
	}
	if err != nil {
		return err
	}
	doc := row.Response
	if row.ClosedAt.IsZero() {
		doc = openResponse(now)
	}
	if a.asJSON(outputText) {
		return a.write(indented(doc))
	}
	return a.printSessionText(sessionRowOf(row), doc)
}

func (a *App) printSessionText(r sessionRow, doc []byte) error {
	closed := "no"
	if r.ClosedAt != nil {
		closed = r.ClosedAt.String()
	}
	err := writeTable(a.Streams.Out, nil, [][]string{
		{"session", string(r.SessionID)},
		{"human id", string(r.HumanID)},
		{"opened", r.OpenedAt.String()},
		{"ends", r.EndsAt.String()},
		{"closed", closed},
		{"events", fmt.Sprint(r.Events)},
	})
	if err != nil {
		return err
	}
	return a.writeSummary(doc)
}

func newSessionClose(app *App) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "close ID",
		Short: "Close a session that was left open and print its response",
		Long: `Close a session and print its response, as its front end would have. A session that another
process has open is left alone, unless --force is given. Closing a closed session prints its
stored response.`,
		Example:           "  humanconnect session close ses_…",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeSessions,
		RunE: func(c *cobra.Command, args []string) error {
			ses, err := parseID[id.Session](c, args[0])
			if err != nil {
				return err
			}
			return app.sessionClose(c, ses, force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "close it although another process has it open")
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitInUse, exitProvider, exitStore)
}

func (a *App) sessionClose(c *cobra.Command, ses id.Session, force bool) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	final, err := st.engine.CloseByID(c.Context(), ses, force)
	if errors.Is(err, store.ErrNotFound) {
		return problem.New("session_not_found", "there is no session %s", ses).Hint("see: humanconnect session list")
	}
	if p := (*problem.Problem)(nil); errors.As(err, &p) && p.Code == "session_in_use" {
		p.Hints = []string{"wait for it, or close it all the same with --force"}
	}
	if err := st.settle(c.Context(), hook.Scope{Session: ses}, err); err != nil {
		return err
	}
	if a.asJSON(outputJSON) {
		return a.write(indented(final.Response))
	}
	return a.writeSummary(final.Response)
}
