// Package session has the commands that list and show sessions, and close one.
package session

import (
	"context"
	"encoding/json"
	"fmt"
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
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// New returns the command session.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "session",
		Short:   "List, show and close sessions",
		Long:    "List and show the sessions of this state, and close one that was left open.",
		Example: "  humanconnect session list",
	})
	c.AddCommand(newList(a), newShow(a), newClose(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

const kind = "session"

// state of a session.
type state string

// The states.
const (
	stateOpen   state = "open"
	stateClosed state = "closed"
)

// row is a session as it is listed.
type row struct {
	Kind         string     `json:"kind"`
	ID           id.Session `json:"id"`
	ClientID     string     `json:"clientId"`
	ClientUserID string     `json:"clientUserId"`
	HumanID      id.Human   `json:"humanId"`
	State        state      `json:"state"`
	// Status that it was closed with; null while it is open, as are ClosedAt and ExitCode.
	Status   event.Status `json:"status"`
	OpenedAt event.Time   `json:"openedAt"`
	// EndsAt is when it ends if nobody closes it: the expiry of its token.
	EndsAt   event.Time  `json:"endsAt"`
	ClosedAt *event.Time `json:"closedAt"`
	// Events is how many events tell of it.
	Events int64 `json:"events"`
	// ExitCode is that of the command that closed it.
	ExitCode *int `json:"exitCode"`
}

// details are a session as it is shown.
type details struct {
	row
	// Response is the stored one of a closed session, and of an open one what it would be now, with status null.
	Response json.RawMessage `json:"response"`
}

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "session list", Sample: []row{{Kind: kind}}},
		{Command: "session show", Sample: details{row: row{Kind: kind}}},
		{Command: "session close", Schema: "response"},
	}
}

func rowOf(s store.Session, user store.User) row {
	r := row{
		Kind: kind, ID: s.ID, ClientID: user.ClientID, ClientUserID: user.ClientUserID, HumanID: s.User, State: stateOpen,
		OpenedAt: event.Time(s.OpenedAt), EndsAt: event.Time(s.EndsAt), Events: s.Sequence,
	}
	if !s.ClosedAt.IsZero() {
		at, code := event.Time(s.ClosedAt), exit.OfSession(session.FinalOf(s), false, session.CutNone)
		r.State, r.Status, r.ClosedAt, r.ExitCode = stateClosed, event.Status(s.Status), &at, &code
	}
	return r
}

func newList(a *app.App) *cobra.Command {
	var onlyOpen bool
	var status string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List sessions, the newest first",
		Long:    "List the sessions of this state, the newest first.",
		Example: "  humanconnect session list --open\n  humanconnect session list --client-user-id demo-user --since 7d -o json",
		Args:    command.UpToArgs(0),
	}
	p := command.NewPage(c, "sessions", "newest")
	p.SinceFlag(c)
	p.UserFlags(c)
	p.SourceFlag(c, a)
	c.Flags().Var(&command.Choice{Value: &status, Of: statuses()}, "status", "only sessions that were closed with this status")
	c.Flags().BoolVar(&onlyOpen, "open", false, "only open sessions")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := p.Read(a, c); err != nil {
			return err
		}
		f := store.SessionFilter{Source: p.Source, Status: status, Since: p.Since, Limit: p.Limit}
		if onlyOpen {
			f.Open = &onlyOpen
		}
		var err error
		if f.After, err = command.After[id.Session](c, p); err != nil {
			return err
		}
		return list(p, f).Run(a, c)
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

// statuses are those that a session can be closed with.
func statuses() []string {
	return []string{string(event.Success), string(event.TokenInvalid), string(event.TokenExpired)}
}

func list(p *command.Page, f store.SessionFilter) command.List[row] {
	return command.List[row]{
		Page: p,
		Find: func(ctx context.Context, st *app.State) ([]row, error) {
			user, known, err := p.User(ctx, st)
			if err != nil || !known {
				return nil, err
			}
			f.User = user
			sessions, err := query.SessionViews(ctx, st.Store, f)
			return command.Map(sessions, err, func(v query.SessionView) row { return rowOf(v.Row, v.User) })
		},
		ID:     func(r row) string { return string(r.ID) },
		Header: []string{"SESSION", "STATE", "OPENED", "CLIENT", "USER", "STATUS"},
		Cells: func(r row) []string {
			return []string{string(r.ID), string(r.State), r.OpenedAt.String(), r.ClientID, r.ClientUserID, string(r.Status)}
		},
	}
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a session and its response",
		Long: `Show a session and its response: that of a closed session as it was stored, that of an open one as
it would be now, without a status.`,
		Example: "  humanconnect session show ses_… -o json",
	}
	command.ByID(a, c, command.Sessions(a), func(ctx context.Context, st *app.State, ses id.Session) error {
		v, response, err := query.Session(ctx, st.Store, ses, st.Engine.States())
		if err != nil {
			return command.NotFound(err, query.CodeSessionNotFound, "session", ses)
		}
		r := rowOf(v.Row, v.User)
		if a.IO.AsJSON(iostreams.OutputText) {
			return iostreams.WriteJSON(a.IO.Out, details{r, json.RawMessage(response)})
		}
		return printText(a, r, response)
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

func printText(a *app.App, r row, doc []byte) error {
	closed := "no"
	if r.ClosedAt != nil {
		closed = r.ClosedAt.String()
	}
	err := iostreams.WriteTable(a.IO.Out, nil, [][]string{
		{"session", string(r.ID)},
		{"client", r.ClientID},
		{"user", r.ClientUserID},
		{"human id", string(r.HumanID)},
		{"opened", r.OpenedAt.String()},
		{"ends", r.EndsAt.String()},
		{"closed", closed},
		{"events", fmt.Sprint(r.Events)},
		{"exit code", iostreams.OrNone(exitText(r.ExitCode))},
	})
	if err != nil {
		return err
	}
	return command.PrintSummary(a.IO, doc)
}

func exitText(code *int) string {
	if code == nil {
		return ""
	}
	return strconv.Itoa(*code)
}

func newClose(a *app.App) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "close ID",
		Short: "Close a session that was left open and print its response",
		Long: `Close a session and print its response, as open would have. A session that is open in another
process is not closed, unless --force is given. Closing a closed session prints its stored
response.`,
		Example: "  humanconnect session close ses_…",
	}
	command.ByID(a, c, command.Sessions(a), func(ctx context.Context, st *app.State, ses id.Session) error {
		return closeSession(ctx, a, st, ses, force)
	})
	c.Flags().BoolVar(&force, "force", false, "close it even if it is open in another process")
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider, exit.Store)
}

func closeSession(ctx context.Context, a *app.App, st *app.State, ses id.Session, force bool) error {
	final, err := st.Engine.CloseByID(ctx, ses, force)
	err = command.NotFound(err, query.CodeSessionNotFound, "session", ses)
	if problem.Is(err, session.CodeInUse) {
		err = exit.ProblemOf(err).WithHints("wait for it, or close it anyway with --force")
	}
	if err := st.Deliver(ctx, hook.Scope{Session: ses}, err); err != nil {
		return err
	}
	if a.IO.AsJSON(iostreams.OutputJSON) {
		return a.IO.Write(iostreams.Indented(final.Response))
	}
	return command.PrintSummary(a.IO, final.Response)
}
