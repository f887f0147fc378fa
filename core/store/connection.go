package store

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
)

// ConnectionState is where a connection stands.
type ConnectionState string

// The states of a connection.
const (
	ConnectionActive ConnectionState = "active"
	// ConnectionNeedsReconnect: its credential is of no use any more; only the person can renew it.
	ConnectionNeedsReconnect ConnectionState = "needs_reconnect"
	ConnectionDisconnected   ConnectionState = "disconnected"
)

// Connection is the lasting grant of one user to one source account.
type Connection struct {
	ID         id.Connection
	User       id.Human
	Source     string
	SourceName string
	Provider   string
	// AccountKey is a keyed digest of source and account id; nil where the provider cannot tell accounts apart.
	// (User, Source, AccountKey) is unique among the connections that are not disconnected.
	AccountKey []byte
	// AccountID and AccountLabel are the provider's. Sealed.
	AccountID    string
	AccountLabel string
	// Damaged says, as an [ErrDamaged], why AccountID, AccountLabel or Credential could not be read, and is nil if they could. It is
	// not stored: a save after a disconnect or with a new credential leaves nothing damaged, and any other is refused.
	Damaged error
	// Credential and its media type are the provider's. The credential is sealed, and empty once disconnected.
	Credential          []byte
	MediaType           string
	CredentialExpiresAt time.Time
	// Version counts the credentials, from 1. Who replaces one compares it, and RenewedAt, with those of the row that it
	// read: an earlier version of the program does not count.
	Version int64
	// CredentialAt is when this credential was issued; zero where that is unknown.
	CredentialAt time.Time
	// ReconnectBy is when access ends unless the person connects again; zero where that is unknown.
	ReconnectBy time.Time
	Scopes      []string
	// CanRevoke keeps whether the source can revoke, so that a disconnect needs no provider before it commits. CanRefresh
	// and CanCheck keep the same of the other capabilities.
	CanRevoke  bool
	CanRefresh bool
	CanCheck   bool
	State      ConnectionState
	// Reason is the code of why it needs to be reconnected, and NeedsReconnectAt since when; empty in other states.
	Reason           string
	NeedsReconnectAt time.Time
	ConnectedSince   time.Time
	// RenewedAt is when the person connected it last.
	RenewedAt      time.Time
	DisconnectedAt time.Time
	Refresh        Refresh
}

// Refresh is where the refreshing of a credential stands.
type Refresh struct {
	// At is when the credential is due to be refreshed; zero where it never is.
	At time.Time
	// Owner refreshes it, until LeaseUntil at the latest where nobody can say whether it lives; "" if nobody does.
	Owner      id.Process
	LeaseUntil time.Time
	// BegunAt is when a call was made whose result is not known: the source may have replaced the refresh token.
	BegunAt time.Time
	// Tries counts the failures since the last success. No try is made before NextAt.
	Tries  int
	NextAt time.Time
	// Error is the code of the last failure.
	Error string
}

// ProviderCount is how many connections of a provider are not disconnected, and how many of its revocations are pending.
type ProviderCount struct {
	Provider                 string
	Connections, Revocations int
}

// ConnectionFilter selects connections; zero fields select all that are not disconnected.
type ConnectionFilter struct {
	User   id.Human
	Source string
	// State in which it is stored; "" for all but the disconnected ones.
	State ConnectionState
	// Since is when it was connected first, or later.
	Since time.Time
	// After selects those that come after this one.
	After id.Connection
	// Limit of rows; 0 means no limit.
	Limit int
}

// ConnectionTx finds and keeps connections.
type ConnectionTx interface {
	Connection(id.Connection) (Connection, error)
	// ActiveConnection finds the user's connection of an account that is not disconnected; a nil key is the account
	// of a source that cannot tell accounts apart.
	ActiveConnection(user id.Human, source string, accountKey []byte) (Connection, error)
	// Connections returns a user's connections that are not disconnected, by ConnectedSince, then id.
	Connections(id.Human) ([]Connection, error)
	// ListConnections returns those that a filter selects, by ConnectedSince, then id.
	ListConnections(ConnectionFilter) ([]Connection, error)
	// AccountHeld says whether any user holds a connection of this account that is not disconnected; with a nil key,
	// whether this user holds one of this source.
	AccountHeld(source string, accountKey []byte, user id.Human) (bool, error)
	// CountByProvider counts what providers are still needed for, by their names: up to most of each kind.
	CountByProvider(most int) ([]ProviderCount, error)
	// InsertConnection returns ErrExists if the account has a connection that is not disconnected.
	InsertConnection(Connection) error
	// SaveConnection writes the row anew.
	SaveConnection(Connection) error
	// DueRefreshes returns active connections whose credential is due to be refreshed and that no cool-down holds back, the
	// earliest first, owned ones included. It leaves out those that cannot be read.
	DueRefreshes(now time.Time, limit int) ([]Connection, error)
}
