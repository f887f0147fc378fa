package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/sdk"
)

// The kinds of what the commands of this file print.
const (
	kindToken         = "connection.token"
	kindCheck         = "connection.check"
	kindRefresh       = "connection.refresh"
	kindRefreshResult = "connection.refresh.result"
)

func credentialOutputs() []command.Output {
	return []command.Output{
		{Command: "connection token", Sample: access{Kind: kindToken}},
		{Command: "connection check", Sample: checked{Kind: kindCheck}},
		{Command: "connection refresh", Sample: refreshed{Kind: kindRefresh, Results: []dueResult{{Kind: kindRefreshResult}}}},
	}
}

// access is what connection token prints. AccessToken and TokenType are null for a credential that has Fields, and those for
// an access token.
type access struct {
	Kind        string            `json:"kind"`
	ID          id.Connection     `json:"id"`
	AccessToken *string           `json:"accessToken"`
	TokenType   *string           `json:"tokenType"`
	Fields      map[string]string `json:"fields" null:"true"`
	ExpiresAt   *event.Time       `json:"expiresAt"`
	Scopes      []string          `json:"scopes"`
}

func newToken(a *app.App) *cobra.Command {
	var field string
	var minValid time.Duration
	c := &cobra.Command{
		Use:   "token ID",
		Short: "Print a valid access token of a connection",
		Long: `Print an access token of a connection, refreshed if it expires within a minute, a tenth of its
life, or --min-valid. The text output is the token alone. Do not store it: run the command again.

Processes that need the same token at the same time share one refresh. A source that gives no
OAuth token, but an API key or a URL, has fields: print one with --field NAME.`,
		Example: "  humanconnect connection token con_… --min-valid 10m -o json",
	}
	command.ByID(a, c, command.Connections(a), func(ctx context.Context, st *app.State, con id.Connection) error {
		if minValid < 0 {
			return command.Usage(c, "--min-valid must not be negative")
		}
		got, err := st.Engine.Refresher().Access(ctx, con, minValid)
		st.DeliverFallen(ctx)
		if err != nil {
			return asProblem(a, con, err)
		}
		warn(a, st, got, minValid)
		return printAccess(a, c, got, field)
	})
	c.Flags().StringVar(&field, "field", "", "print this field of a credential that is no OAuth token")
	c.Flags().DurationVar(&minValid, "min-valid", 0, "refresh a token that is valid for less than this `DURATION`")
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider, exit.Refused, exit.Timeout, exit.Network, exit.Store)
}

// asProblem makes a problem of what a source or a provider answered, with the hint of its code. Where standard error is no
// terminal it may be a log, in which no source is named: the id of the connection does.
func asProblem(a *app.App, con id.Connection, err error) error {
	f := (*failure.Failure)(nil)
	if !errors.As(err, &f) {
		return err
	}
	if a.IO.ErrTerminal || f.Source == "" {
		return f.Problem()
	}
	bare := *f
	bare.Source, bare.DocumentationURL = "", ""
	return bare.Problem().Hint("for the source, see: humanconnect connection show %s", con)
}

// warn says what the caller of a token should know.
func warn(a *app.App, st *app.State, got connection.Access, minValid time.Duration) {
	if a.IO.OutTerminal {
		a.IO.Warn("the credential is shown on this terminal; let a program read it instead")
	}
	expires := command.TimeText(event.MaybeTime(got.Connection.CredentialExpiresAt))
	switch short := got.Short(minValid, st.Now()); {
	case got.Failure != nil:
		a.IO.Warn("the credential was not refreshed: %s [%s]; the stored one is valid until %s", got.Failure.Message, got.Failure.Code, expires)
	case short:
		a.IO.Warn("the credential is new and valid for less than --min-valid: until %s", expires)
	}
}

func printAccess(a *app.App, c *cobra.Command, got connection.Access, field string) error {
	out := access{
		Kind: kindToken, ID: got.Connection.ID, ExpiresAt: event.MaybeTime(got.Connection.CredentialExpiresAt),
		Scopes: iostreams.OrEmpty(got.Connection.Scopes),
	}
	text := got.Token.Reveal()
	if got.Fields == nil {
		out.AccessToken, out.TokenType = &text, iostreams.OrNull(got.TokenType)
		if field != "" {
			return command.Usage(c, "--field: the credential is an access token and has no fields")
		}
	} else {
		out.Fields = make(map[string]string)
		for name, value := range got.Fields {
			out.Fields[name] = value.Reveal()
		}
		value, err := fieldOf(c, got.Fields, field)
		if err != nil && (field != "" || !a.IO.WantsJSON()) {
			return err
		}
		text = value.Reveal()
	}
	return a.IO.Print(out, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
}

// fieldOf returns the field to print: the one that was named, or the only one.
func fieldOf(c *cobra.Command, fields map[string]sdk.Secret, name string) (sdk.Secret, error) {
	var names []string
	for n := range fields {
		names = append(names, n)
	}
	slices.Sort(names)
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if value, ok := fields[name]; ok {
		return value, nil
	}
	if name == "" {
		return "", command.Usage(c, "the credential has several fields: choose one with --field: %s", strings.Join(names, ", "))
	}
	return "", command.Usage(c, "--field: the credential has no field of this name; it has %s", strings.Join(names, ", "))
}

func newCheck(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "check ID",
		Short: "Ask the source whether a credential works",
		Long: `Ask the source whether the credential of a connection works. It is refreshed first if it is due, and
once more if the source rejects it. A connection whose credential is no longer of use needs to be
reconnected: onNeedsReconnect hooks get an event.`,
		Example: "  humanconnect connection check con_…",
	}
	command.ByID(a, c, command.Connections(a), func(ctx context.Context, st *app.State, con id.Connection) error {
		asking := a.IO.StartProgress("asking the source")
		row, err := st.Engine.Refresher().Check(ctx, con)
		asking.Done()
		st.DeliverFallen(ctx)
		if err != nil {
			return asProblem(a, con, err)
		}
		return a.IO.Print(checked{kindCheck, row.ID, st.Engine.States()(row)}, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, "the credential works")
			return err
		})
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider, exit.Refused, exit.Timeout, exit.Network, exit.Store)
}

// checked is what connection check prints of a credential that works.
type checked struct {
	Kind  string        `json:"kind"`
	ID    id.Connection `json:"id"`
	State string        `json:"state"`
}

// refreshTime is the default of --timeout of connection refresh.
const refreshTime = 5 * time.Minute

func newRefresh(a *app.App) *cobra.Command {
	var due bool
	limit, timeout := 0, refreshTime
	c := &cobra.Command{
		Use:   "refresh --due",
		Short: "Refresh the credentials that are due",
		Long: `Refresh every credential that has expired or is about to, eight at once, for cron. A connection
whose refresh failed waits, for 30 s at first and up to an hour later on, before it is tried again.`,
		Example: "  humanconnect connection refresh --due --limit 100 --timeout 5m",
		Args:    command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case !due:
				return command.Usage(c, "--due is missing")
			case timeout <= 0:
				return command.Usage(c, "--timeout must be positive")
			}
			if err := command.CheckLimit(c, limit); err != nil {
				return err
			}
			return refreshDue(a, c, limit, timeout)
		},
	}
	c.Flags().BoolVar(&due, "due", false, "refresh the credentials that are due")
	c.Flags().IntVar(&limit, "limit", limit, "maximum number of credentials; 0 means all")
	c.Flags().DurationVar(&timeout, "timeout", timeout, "time limit of the command")
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Refused, exit.Timeout, exit.Network, exit.Store)
}

// refreshed is what connection refresh prints.
type refreshed struct {
	Kind           string         `json:"kind"`
	ID             iostreams.NoID `json:"id"`
	Refreshed      int            `json:"refreshed"`
	NeedsReconnect int            `json:"needsReconnect"`
	Failed         int            `json:"failed"`
	// Elsewhere is how many another process was refreshing, Cut how many the time limit left.
	Elsewhere int         `json:"elsewhere"`
	Cut       int         `json:"cut"`
	Results   []dueResult `json:"results"`
}

// dueResult is what came of one refresh; code and message are null where it worked.
type dueResult struct {
	Kind    string             `json:"kind"`
	ID      id.Connection      `json:"id"`
	Outcome connection.Outcome `json:"outcome"`
	Code    *string            `json:"code"`
	Message *string            `json:"message"`
}

// errDueLimit is the cause of a refresh that --timeout ends.
var errDueLimit = errors.New("--timeout is over")

func refreshDue(a *app.App, c *cobra.Command, limit int, timeout time.Duration) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	ctx, cancel := context.WithTimeoutCause(c.Context(), timeout, errDueLimit)
	defer cancel()
	line := a.IO.StartProgress("refreshing credentials")
	results, err := st.Engine.Refresher().RefreshDue(ctx, limit)
	line.Done()
	st.DeliverFallen(c.Context())
	if err != nil && !errors.Is(err, errDueLimit) {
		return err
	}
	if err := printDue(a, results); err != nil {
		return err
	}
	code := exit.OfRefreshes(results)
	if code == exit.OK && err != nil {
		code = exit.Timeout
	}
	return exit.With(code)
}

func printDue(a *app.App, results []connection.DueResult) error {
	out := refreshed{Kind: kindRefresh, Results: []dueResult{}}
	for _, r := range results {
		count := map[connection.Outcome]*int{
			connection.OutcomeRefreshed: &out.Refreshed, connection.OutcomeNeedsReconnect: &out.NeedsReconnect,
			connection.OutcomeFailed: &out.Failed, connection.OutcomeElsewhere: &out.Elsewhere, connection.OutcomeCut: &out.Cut,
		}[r.Outcome]
		*count++
		out.Results = append(out.Results, dueResult{
			kindRefreshResult, r.Connection, r.Outcome, iostreams.OrNull(string(r.Code)), iostreams.OrNull(r.Message),
		})
		if r.Outcome == connection.OutcomeNeedsReconnect || r.Outcome == connection.OutcomeFailed {
			a.IO.Warn("%s: %s [%s]", r.Connection, r.Message, r.Code)
		}
	}
	return a.IO.Print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d refreshed, %d need to be reconnected, %d failed, %d elsewhere, %d not done\n",
			out.Refreshed, out.NeedsReconnect, out.Failed, out.Elsewhere, out.Cut)
		return err
	})
}
