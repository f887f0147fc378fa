// Package token has the commands that create, inspect and revoke session tokens.
package token

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// New returns the command token.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:   "token",
		Short: "Create, inspect and revoke session tokens",
		Long: `Create, inspect and revoke session tokens. A token opens one session.

If token.check in the config is jwt or introspection, another service issues the tokens: they
can be inspected here, and are created and revoked there.`,
		Example: "  humanconnect token create --client-user-id @user.txt",
	})
	c.AddCommand(newCreate(a), newInspect(a), newRevoke(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// createdToken is the response of the reference's authentication service, with its names.
type createdToken struct {
	Kind string         `json:"kind"`
	ID   iostreams.NoID `json:"id"`

	SessionToken string   `json:"session_token"`
	HumanID      id.Human `json:"human_id"`
	// ExpiresIn is in seconds.
	ExpiresIn int64  `json:"expires_in"`
	TokenType string `json:"token_type"`
}

func newCreate(a *app.App) *cobra.Command {
	var user string
	var sources []string
	c := &cobra.Command{
		Use:   "create",
		Short: "Create a session token and print it",
		Long: `Create a session token for a user of your application and print it. It opens one session
before it expires; with --sources the session may connect and disconnect only those.

Keep the user id off the command line with --client-user-id @FILE.`,
		Example: "  humanconnect token create --client-user-id demo-user\n" +
			"  humanconnect token create --client-user-id demo-user --ttl 10m --sources sandbox-instant,sandbox-clinic -o json",
		Args: command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("client-user-id") {
				return command.Usage(c, "--client-user-id is missing")
			}
			if !c.Flags().Changed("sources") {
				sources = nil
			}
			return create(a, c, token.Request{ClientUserID: user, Sources: sources})
		},
	}
	f := c.Flags()
	f.StringVar(&user, "client-user-id", "", "user `ID` of your application, or @FILE")
	f.String("client-id", "", "client `ID`; default: clientId of the config")
	command.SetsConfig(f, "client-id", "clientId")
	f.Duration("ttl", 0, "lifetime of the token; default: token.ttl of the config")
	command.SetsConfig(f, "ttl", "token.ttl")
	f.StringSliceVar(&sources, "sources", nil, "limit the token to these `SOURCES`")
	_ = c.RegisterFlagCompletionFunc("sources", command.Sources(a))
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func create(a *app.App, c *cobra.Command, r token.Request) error {
	var err error
	if r.ClientUserID, err = command.UserID(c.Context(), a, c, r.ClientUserID); err != nil {
		return err
	}
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.RequireLocalTokens(); err != nil {
		return err
	}
	r.ClientID, r.TTL = st.Config.ClientID, st.Config.Token.TTL
	made, err := st.Tokens.Create(c.Context(), r)
	if err != nil {
		return err
	}
	answer := createdToken{
		Kind: kindCreate, SessionToken: made.Token.Reveal(), HumanID: made.HumanID, ExpiresIn: int64(r.TTL / time.Second), TokenType: "Bearer",
	}
	err = a.IO.Print(answer, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, answer.SessionToken)
		return err
	})
	warnOfUnknown(c.Context(), a, st, r.Sources)
	return err
}

// warnOfUnknown warns of sources that no provider offers. A provider may be installed later, so this is no error.
func warnOfUnknown(ctx context.Context, a *app.App, st *app.State, sources []string) {
	for _, id := range sources {
		_, err := st.Lookup(ctx, id)
		if p := exit.ProblemOf(err); p.Code() == source.CodeUnknown {
			a.IO.Warn("%s; %s", p.Message(), p.Hints()[0])
		}
	}
}

// tokenInfo is the state of a token.
type tokenInfo struct {
	Kind  string         `json:"kind"`
	ID    iostreams.NoID `json:"id"`
	State token.State    `json:"state"`
	// Reason names the rule that a token breaks which is not valid.
	Reason *string `json:"reason"`
	// ClientID and what follows are null for a token of which nothing is known.
	ClientID     *string   `json:"clientId"`
	ClientUserID *string   `json:"clientUserId"`
	HumanID      *id.Human `json:"humanId"`
	// SourceIDs are the only sources that it may connect and disconnect; null for all.
	SourceIDs []string    `json:"sourceIds" null:"true"`
	IssuedAt  *event.Time `json:"issuedAt"`
	ExpiresAt *event.Time `json:"expiresAt"`
	// SessionID is that of the session that it opened.
	SessionID *id.Session `json:"sessionId"`
}

// The kinds of what the commands print.
const (
	kind       = "token"
	kindCreate = "token.create"
)

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "token create", Sample: createdToken{Kind: kindCreate}},
		{Command: "token inspect", Sample: tokenInfo{Kind: kind}},
		{Command: "token revoke", Sample: tokenInfo{Kind: kind}},
	}
}

func newInspect(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect [TOKEN | @FILE | -]",
		Short: "Show the state of a session token",
		Long: `Show whether a session token is valid, expired, revoked or unknown, its client and user, and
the session that it opened. A token of another service (token.check: jwt or introspection) is
checked as open checks it, and may also be invalid. For a token that is not valid, the reason
names the rule that it breaks. Without an argument the token is read from the environment, as
by open.

Expired tokens are kept for 30 days.`,
		Example: "  humanconnect token inspect @token.txt",
		Args:    command.UpToArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withToken(a, c, args, func(st *app.State, t sdk.Secret) (token.Info, error) {
				return st.InspectToken(c.Context(), t)
			}, token.Valid)
		},
	}
	return command.Exits(c, exit.OK, exit.Token, exit.Usage, exit.Config, exit.Provider, exit.Network, exit.Store)
}

func newRevoke(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke [TOKEN | @FILE | -]",
		Short: "Revoke a session token",
		Long: `Revoke a session token. If the session that it opened is still open, it is closed now with
SESSION_TOKEN_INVALID. Revoking twice changes nothing.`,
		Example: "  humanconnect token revoke @token.txt",
		Args:    command.UpToArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withToken(a, c, args, func(st *app.State, t sdk.Secret) (token.Info, error) {
				if err := st.RequireLocalTokens(); err != nil {
					return token.Info{}, err
				}
				info, err := st.Tokens.Revoke(c.Context(), t)
				if err != nil || info.Session == "" {
					return info, err
				}
				return info, st.Deliver(c.Context(), hook.Scope{Session: info.Session}, st.Engine.CloseOverdue(c.Context()))
			}, token.Invalidated)
		},
	}
	return command.Exits(c, exit.OK, exit.Token, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

// withToken reads a token, does something with it, and prints its state. Any state but want ends with the exit code of an
// invalid token.
func withToken(a *app.App, c *cobra.Command, args []string, do func(*app.State, sdk.Secret) (token.Info, error), want token.State) error {
	t, err := tokenArgument(c.Context(), a, args)
	if err != nil {
		return err
	}
	if t == "" {
		return problem.New(exit.CodeTokenMissing, "no session token").
			Hint("pass @FILE or -, or set HUMANCONNECT_SESSION_TOKEN_FILE")
	}
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	info, err := do(st, t)
	if err != nil {
		return err
	}
	if err := printToken(a, t, info); err != nil {
		return err
	}
	if info.State != want {
		return exit.With(exit.Token)
	}
	return nil
}

func printToken(a *app.App, t sdk.Secret, info token.Info) error {
	out := tokenInfo{
		Kind: kind, State: info.State, Reason: iostreams.OrNull(info.Reason), ClientID: iostreams.OrNull(info.User.ClientID),
		ClientUserID: iostreams.OrNull(info.User.ClientUserID), HumanID: iostreams.OrNull(info.User.HumanID), SourceIDs: info.Sources,
		IssuedAt: event.MaybeTime(info.IssuedAt), ExpiresAt: event.MaybeTime(info.ExpiresAt), SessionID: iostreams.OrNull(info.Session),
	}
	if malformed := token.Malformed(t); malformed != "" && info.State != token.Valid {
		out.Reason = &malformed
	}
	return a.IO.Print(out, func(w io.Writer) error {
		rows := [][]string{{"state", string(out.State)}}
		if out.Reason != nil {
			rows = append(rows, []string{"reason", *out.Reason})
		}
		if out.ClientID != nil {
			rows = append(rows, []string{"client", *out.ClientID}, []string{"user", command.Text(out.ClientUserID)},
				[]string{"human id", iostreams.OrNone(command.Text(out.HumanID))}, []string{"issued", iostreams.OrNone(command.TimeText(out.IssuedAt))},
				[]string{"expires", iostreams.OrNone(command.TimeText(out.ExpiresAt))}, []string{"sources", orAll(out.SourceIDs)},
				[]string{"session", iostreams.OrNone(command.Text(out.SessionID))})
		}
		return iostreams.WriteTable(w, nil, rows)
	})
}

func orAll(list []string) string {
	if list == nil {
		return "all"
	}
	return strings.Join(list, ", ")
}

// tokenArgument reads a token from an argument, else from the environment as open does.
func tokenArgument(ctx context.Context, a *app.App, args []string) (sdk.Secret, error) {
	if len(args) == 0 {
		return command.EnvironmentToken(ctx, a)
	}
	return command.SessionToken(ctx, a, "TOKEN", args[0])
}
