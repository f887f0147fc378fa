// Package connection has the commands for connections: list, show, disconnect, and the life of their credentials.
package connection

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
)

// New returns the command connection.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "connection",
		Short:   "List, show, use and disconnect connections",
		Long:    "List and show the connections of a user, print a valid access token, check a credential, refresh\nthose that are due, and disconnect one outside of a session.",
		Example: "  humanconnect connection list --client-user-id demo-user",
	})
	c.AddCommand(newList(a), newShow(a), newToken(a), newCheck(a), newRefresh(a), newDisconnect(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a connection as it is listed and shown.
type row struct {
	Kind         string        `json:"kind"`
	ID           id.Connection `json:"id"`
	SourceID     string        `json:"sourceId"`
	SourceName   string        `json:"sourceName"`
	ProviderID   string        `json:"providerId"`
	ClientID     string        `json:"clientId"`
	ClientUserID string        `json:"clientUserId"`
	HumanID      id.Human      `json:"humanId"`
	// State is active, expiring, needs_reconnect or disconnected; Reason is why it has to be reconnected.
	State  string  `json:"state"`
	Reason *string `json:"reason"`
	// Account is the source's label of the account.
	Account *string `json:"account"`
	// Scopes that the source granted.
	Scopes      []string   `json:"scopes"`
	ConnectedAt event.Time `json:"connectedAt"`
	RenewedAt   event.Time `json:"renewedAt"`
	// ExpiresAt is when the credential expires, which a refresh may defer.
	ExpiresAt *event.Time `json:"expiresAt"`
	// ReconnectDueAt is when the user must have reconnected it.
	ReconnectDueAt *event.Time `json:"reconnectDueAt"`
	// RefreshError is the code of the last refresh, if it failed; NextRefreshAt is when it is tried again.
	RefreshError   *string     `json:"refreshError"`
	NextRefreshAt  *event.Time `json:"nextRefreshAt"`
	DisconnectedAt *event.Time `json:"disconnectedAt"`
	// Revocation is what came of revoking the credential; null for one that is not disconnected.
	Revocation *store.RevocationState `json:"revocation"`
}

const kind = "connection"

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return append(credentialOutputs(),
		command.Output{Command: "connection list", Sample: []row{{Kind: kind}}},
		command.Output{Command: "connection show", Sample: row{Kind: kind}},
		command.Output{Command: "connection disconnect", Sample: row{Kind: kind}},
	)
}

func rowOf(st *app.State, v query.ConnectionView) row {
	c := v.Row
	return row{
		Kind: kind, ID: c.ID, SourceID: c.Source, SourceName: c.SourceName, ProviderID: c.Provider, ClientID: v.User.ClientID,
		ClientUserID: v.User.ClientUserID, HumanID: c.User, State: st.Engine.States()(c),
		Reason: iostreams.OrNull(connection.ReasonOf(c, st.Now())), Account: iostreams.OrNull(c.AccountLabel), Scopes: iostreams.OrEmpty(c.Scopes),
		ConnectedAt: event.Time(c.ConnectedSince), RenewedAt: event.Time(c.RenewedAt), ExpiresAt: event.MaybeTime(c.CredentialExpiresAt),
		ReconnectDueAt: event.MaybeTime(c.ReconnectBy), RefreshError: iostreams.OrNull(c.Refresh.Error),
		NextRefreshAt: event.MaybeTime(c.Refresh.NextAt), DisconnectedAt: event.MaybeTime(c.DisconnectedAt),
		Revocation: iostreams.OrNull(store.RevocationState(v.Seen.Revocation)),
	}
}

func newList(a *app.App) *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:   "list",
		Short: "List connections, the oldest first",
		Long: `List the connections of all users, or of one, the oldest first. Disconnected ones are listed with
--state disconnected alone. A connection that is expiring counts as active.`,
		Example: "  humanconnect connection list --client-user-id demo-user -o json\n  humanconnect connection list --state needs_reconnect",
		Args:    command.UpToArgs(0),
	}
	p := command.NewPage(c, "connections", "oldest")
	p.SinceFlag(c)
	p.UserFlags(c)
	p.SourceFlag(c, a)
	states := []string{string(store.ConnectionActive), string(store.ConnectionNeedsReconnect), string(store.ConnectionDisconnected)}
	c.Flags().Var(&command.Choice{Value: &state, Of: states}, "state", "only connections in this state")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := p.Read(a, c); err != nil {
			return err
		}
		f := store.ConnectionFilter{Source: p.Source, State: store.ConnectionState(state), Since: p.Since, Limit: p.Limit}
		var err error
		if f.After, err = command.After[id.Connection](c, p); err != nil {
			return err
		}
		return list(p, f).Run(a, c)
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(p *command.Page, f store.ConnectionFilter) command.List[row] {
	return command.List[row]{
		Page: p,
		Find: func(ctx context.Context, st *app.State) ([]row, error) {
			user, known, err := p.User(ctx, st)
			if err != nil || !known {
				return nil, err
			}
			f.User = user
			views, err := query.Connections(ctx, st.Store, f)
			return command.Map(views, err, func(v query.ConnectionView) row { return rowOf(st, v) })
		},
		ID:     func(r row) string { return string(r.ID) },
		Header: []string{"CONNECTION", "SOURCE", "NAME", "STATE", "SINCE", "CLIENT", "USER", "ACCOUNT"},
		Cells: func(r row) []string {
			return []string{string(r.ID), r.SourceID, r.SourceName, r.State, r.ConnectedAt.String(), r.ClientID, r.ClientUserID, command.Text(r.Account)}
		},
	}
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a connection, also a disconnected one",
		Long:    "Show a connection. For a disconnected one, show the outcome of its revocation at the source.",
		Example: "  humanconnect connection show con_… -o json",
	}
	command.ByID(a, c, command.Connections(a), func(ctx context.Context, st *app.State, con id.Connection) error {
		v, err := query.Connection(ctx, st.Store, con)
		if err != nil {
			return command.NotFound(err, connection.CodeNotFound, "connection", con)
		}
		return printRow(a, rowOf(st, v))
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

func printRow(a *app.App, r row) error {
	return a.IO.Print(r, func(w io.Writer) error {
		rows := [][]string{
			{"connection", string(r.ID)},
			{"source", r.SourceID},
			{"name", r.SourceName},
			{"state", r.State},
			{"reason", iostreams.OrNone(command.Text(r.Reason))},
			{"account", iostreams.OrNone(command.Text(r.Account))},
			{"client", r.ClientID},
			{"user", r.ClientUserID},
			{"human id", string(r.HumanID)},
			{"provider", r.ProviderID},
			{"scopes", iostreams.OrNone(strings.Join(r.Scopes, " "))},
			{"connected since", r.ConnectedAt.String()},
			{"renewed", r.RenewedAt.String()},
			{"credential expires", iostreams.OrNone(command.TimeText(r.ExpiresAt))},
			{"reconnect by", iostreams.OrNone(command.TimeText(r.ReconnectDueAt))},
		}
		if r.RefreshError != nil {
			rows = append(rows, []string{"last refresh failed", *r.RefreshError}, []string{"next refresh", command.TimeText(r.NextRefreshAt)})
		}
		if r.DisconnectedAt != nil {
			rows = append(rows, []string{"disconnected", r.DisconnectedAt.String()}, []string{"revocation", command.Text(r.Revocation)})
		}
		return iostreams.WriteTable(w, nil, rows)
	})
}

func newDisconnect(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "disconnect ID",
		Short: "Disconnect a connection outside of a session",
		Long: `Disconnect a connection outside of a session: it is removed at once, onDisconnectSource hooks
get an event, and the source is asked to revoke the credential. A failed revocation is retried
later; it never makes the disconnect fail.`,
		Example: "  humanconnect connection disconnect con_…",
	}
	command.ByID(a, c, command.Connections(a), func(ctx context.Context, st *app.State, con id.Connection) error {
		return disconnect(ctx, a, st, con)
	})
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

func disconnect(ctx context.Context, a *app.App, st *app.State, con id.Connection) error {
	revoking := a.IO.StartProgress("revoking at the source")
	done, err := st.Engine.DisconnectOutside(ctx, con)
	revoking.Done()
	if err := st.Deliver(ctx, hook.Scope{Event: done.Event}, err); err != nil {
		return err
	}
	v, err := query.Connection(ctx, st.Store, con)
	if err != nil {
		return err
	}
	return printRow(a, rowOf(st, v))
}
