package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func newConnection(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "connection",
		Short:   "Look at connections and disconnect them",
		Long:    "Look at the connections of a user, and disconnect one outside of a session.",
		Example: "  humanconnect connection list --client-user-id demo-user",
	})
	c.AddCommand(newConnectionList(app), newConnectionShow(app), newConnectionDisconnect(app))
	return exits(c, exitOK, exitUsage)
}

// connectionRow is a connection as the outside sees it, with more of it than a response has.
type connectionRow struct {
	event.Connection
	State        string      `json:"state"`
	Account      string      `json:"account,omitempty"`
	HumanID      id.Human    `json:"humanId"`
	Provider     string      `json:"provider"`
	Scopes       []string    `json:"scopes,omitempty"`
	RenewedAt    event.Time  `json:"renewedAt"`
	ExpiresAt    *event.Time `json:"expiresAt,omitempty"`
	Disconnected *event.Time `json:"disconnectedAt,omitempty"`
}

func connectionRowOf(tx store.RevocationTx, c store.Connection) (connectionRow, error) {
	seen, err := event.Of(tx, c)
	r := connectionRow{
		Connection: seen, State: string(c.State), Account: c.AccountLabel, HumanID: c.User, Provider: c.Provider, Scopes: c.Scopes,
		RenewedAt: event.Time(c.RenewedAt),
	}
	if !c.CredentialExpiresAt.IsZero() {
		at := event.Time(c.CredentialExpiresAt)
		r.ExpiresAt = &at
	}
	if !c.DisconnectedAt.IsZero() {
		at := event.Time(c.DisconnectedAt)
		r.Disconnected = &at
	}
	return r, err
}

func newConnectionList(app *App) *cobra.Command {
	var user string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the connections of a user",
		Long:    "List the connections of a user in the order in which they were made. Disconnected ones are\nnot listed; connection show tells of them.",
		Example: "  humanconnect connection list --client-user-id demo-user -o json",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("client-user-id") {
				return usage(c, "--client-user-id is missing")
			}
			return app.connectionList(c, user)
		},
	}
	c.Flags().StringVar(&user, "client-user-id", "", "user `ID` of your application, or @FILE")
	c.Flags().String("client-id", "", "client `ID`; default: clientId of the config")
	sets(c.Flags(), "client-id", "clientId")
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
}

func (a *App) connectionList(c *cobra.Command, user string) error {
	user, err := a.textOf(c.Context(), "--client-user-id", user)
	if err != nil {
		return err
	}
	if user == "" { // nobody has that id: a script whose variable is not set means some user
		return usage(c, "--client-user-id is empty")
	}
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	rows := []connectionRow{}
	err = st.store.View(c.Context(), func(tx store.Tx) error {
		rows = rows[:0]
		u, err := tx.User(st.config.ClientID, user)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return eachConnection(tx, u.HumanID, func(r connectionRow) { rows = append(rows, r) })
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{string(r.ConnectionID), r.ID, r.Name, r.ConnectedSince.String(), r.Account})
		}
		return writeTable(w, []string{"CONNECTION", "SOURCE", "NAME", "SINCE", "ACCOUNT"}, cells)
	})
}

func eachConnection(tx store.Tx, user id.Human, do func(connectionRow)) error {
	list, err := tx.Connections(user)
	if err != nil {
		return err
	}
	for _, c := range list {
		r, err := connectionRowOf(tx, c)
		if err != nil {
			return err
		}
		do(r)
	}
	return nil
}

func newConnectionShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Show a connection, a disconnected one included",
		Long:              "Show a connection. For a disconnected one it says what came of revoking its grant at the\nsource.",
		Example:           "  humanconnect connection show con_… -o json",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeConnections,
		RunE: func(c *cobra.Command, args []string) error {
			con, err := parseID[id.Connection](c, args[0])
			if err != nil {
				return err
			}
			return app.connectionShow(c, con)
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

func (a *App) connectionShow(c *cobra.Command, con id.Connection) error {
	var r connectionRow
	err := a.view(c.Context(), func(tx store.Tx) error {
		row, err := tx.Connection(con)
		if err != nil {
			return err
		}
		r, err = connectionRowOf(tx, row)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(connection.CodeNotFound, "there is no connection %s", con).
			Hint("see: humanconnect connection list")
	}
	if err != nil {
		return err
	}
	return a.printConnection(r)
}

func (a *App) printConnection(r connectionRow) error {
	return a.print(r, func(w io.Writer) error {
		rows := [][]string{
			{"connection", string(r.ConnectionID)},
			{"source", r.ID},
			{"name", r.Name},
			{"state", r.State},
			{"account", orNone(r.Account)},
			{"human id", string(r.HumanID)},
			{"provider", r.Provider},
			{"connected since", r.ConnectedSince.String()},
			{"renewed", r.RenewedAt.String()},
		}
		if r.Disconnected != nil {
			rows = append(rows, []string{"disconnected", r.Disconnected.String()}, []string{"revocation", r.Revocation})
		}
		return writeTable(w, nil, rows)
	})
}

func newConnectionDisconnect(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "disconnect ID",
		Short: "Disconnect a connection outside of a session",
		Long: `Disconnect a connection outside of a session: it is gone at once, onDisconnectSource hooks
are told, and the source is asked to revoke the grant. A revocation that fails is tried again
later; it never makes the disconnect fail.`,
		Example:           "  humanconnect connection disconnect con_…",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeConnections,
		RunE: func(c *cobra.Command, args []string) error {
			con, err := parseID[id.Connection](c, args[0])
			if err != nil {
				return err
			}
			return app.connectionDisconnect(c, con)
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

func (a *App) connectionDisconnect(c *cobra.Command, con id.Connection) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	revoking := a.startProgress("asking the source to revoke the grant")
	done, err := st.engine.DisconnectOutside(c.Context(), con)
	revoking.Done()
	if err := st.settle(c.Context(), hook.Scope{Event: done.Event}, err); err != nil {
		return err
	}
	var r connectionRow
	err = st.store.View(c.Context(), func(tx store.Tx) (err error) {
		r, err = connectionRowOf(tx, done.Connection)
		return err
	})
	if err != nil {
		return err
	}
	return a.printConnection(r)
}
