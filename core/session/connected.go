package session

import (
	"context"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Connected is a connection as a front end shows it to the user that it belongs to. It carries no credential.
type Connected struct {
	ID           id.Connection
	Source       string
	SourceName   string
	AccountLabel string
	Since        time.Time
	// ExpiresAt is when the credential expires; zero where it does not, or nobody knows.
	ExpiresAt time.Time
	// NeedsReconnect: the credential is of no use any more. Expiring: access ends soon, at ReconnectBy.
	NeedsReconnect, Expiring bool
	ReconnectBy              time.Time
}

// Connections returns the user's connections as they are now, by Since, then id. The error is [ErrTakenOver] or
// [ErrEnded] if the session is lost.
func (s *Session) Connections(ctx context.Context) ([]Connected, error) {
	var rows []store.Connection
	err := s.e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		if _, err = s.guard(tx); err != nil {
			return err
		}
		rows, err = tx.Connections(s.User.HumanID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the connections: %w", err)
	}
	out := make([]Connected, len(rows))
	states := s.e.States()
	for i, c := range rows {
		state := connection.State(states(c))
		out[i] = Connected{
			ID: c.ID, Source: c.Source, SourceName: c.SourceName, AccountLabel: c.AccountLabel,
			Since: c.ConnectedSince, ExpiresAt: c.CredentialExpiresAt, ReconnectBy: c.ReconnectBy,
			NeedsReconnect: state == connection.NeedsReconnect, Expiring: state == connection.Expiring,
		}
	}
	return out, nil
}

// Allows says whether the token lets a source be connected and disconnected.
func (s *Session) Allows(source string) bool { return s.allows(source) }
