// Package connection stores connections and their credentials, renews them, disconnects them, and revokes them at their
// sources.
//
// The functions that take a transaction change rows and nothing else; whoever calls them writes the event in the same
// transaction.
package connection

import (
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// CodeNotFound: there is no such connection.
const CodeNotFound problem.Code = "connection_not_found"

// CredentialDamaged is the error of a revocation whose credential could not be read.
const CredentialDamaged = "store_damaged"

// Authorization is what a source granted: the end of an attempt that succeeded.
type Authorization struct {
	User       id.Human
	Source     string
	SourceName string
	Provider   string
	// CanRevoke, CanRefresh and CanCheck say what the source can do.
	CanRevoke  bool
	CanRefresh bool
	CanCheck   bool
	Connected  sdk.Connected
}

// AccountKey names an account of a source without telling it; nil for a source that cannot tell accounts apart.
func AccountKey(mac store.MAC, source, accountID string) []byte {
	if accountID == "" {
		return nil
	}
	return mac("account", []byte(source), []byte(accountID))
}

// Save makes a connection of a grant, or renews the one that the user has of this account: a renewal keeps the id and
// ConnectedSince, and leaves the old credential alone, for many servers would revoke the whole grant with it.
func Save(tx store.ConnectionTx, key []byte, g Authorization, now time.Time) (store.Connection, error) {
	c, err := tx.ActiveConnection(g.User, g.Source, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c = g.apply(store.Connection{
			ID: id.New[id.Connection](), User: g.User, Source: g.Source, AccountKey: key,
			State: store.ConnectionActive, ConnectedSince: now,
		}, now)
		return c, tx.InsertConnection(c)
	case err != nil:
		return c, fmt.Errorf("look up the connection of an account: %w", err)
	}
	c = g.apply(c, now)
	return c, tx.SaveConnection(c)
}

func (g Authorization) apply(c store.Connection, now time.Time) store.Connection {
	c.SourceName, c.Provider, c.CanRevoke, c.RenewedAt = g.SourceName, g.Provider, g.CanRevoke, now
	c.AccountID, c.AccountLabel = g.Connected.Account.ID, g.Connected.Account.Label
	c.Damaged = nil // all that is sealed is new
	c.Credential, c.MediaType = []byte(g.Connected.Credential.Data.Reveal()), g.Connected.Credential.MediaType
	c.CredentialExpiresAt, c.Scopes = g.Connected.Credential.ExpiresAt, g.Connected.Scopes
	c.ReconnectBy, c.CanRefresh, c.CanCheck = g.Connected.Credential.ReconnectBy, g.CanRefresh, g.CanCheck
	c.State, c.Reason, c.NeedsReconnectAt = store.ConnectionActive, "", time.Time{}
	return issued(c, now)
}

// issued counts a credential that was just put into a connection, and says when it is due. Who refreshes the one before will
// find another version.
func issued(c store.Connection, now time.Time) store.Connection {
	c.Version++
	c.CredentialAt = now
	c.Refresh = store.Refresh{At: dueAt(c)}
	return c
}

// Cause is what a revocation comes from.
type Cause struct {
	// Session in which it arises; "" outside of one.
	Session id.Session
	// By is this process, which makes the first try; see [Revoker.First].
	By  id.Process
	Now time.Time
}

// Disconnect takes a connection away and leaves a revocation in its place: pending if the grant is to be revoked, else
// unsupported or shared, which are final.
func Disconnect(tx store.Tx, c store.Connection, why Cause) (store.Connection, store.Revocation, error) {
	now := why.Now
	r := store.Revocation{
		ID: id.New[id.Revocation](), Session: why.Session, Connection: c.ID, User: c.User, Source: c.Source, Provider: c.Provider,
		AccountKey: c.AccountKey, AccountID: c.AccountID, AccountLabel: c.AccountLabel,
		Credential: c.Credential, MediaType: c.MediaType, CreatedAt: now, Damaged: c.Damaged,
	}
	c.State, c.DisconnectedAt, c.Credential, c.Refresh = store.ConnectionDisconnected, now, nil, store.Refresh{}
	if err := tx.SaveConnection(c); err != nil {
		return c, r, err
	}
	r, err := firstState(tx, r, c.CanRevoke, why)
	if err != nil {
		return c, r, err
	}
	return c, r, tx.InsertRevocation(r)
}

// Discard keeps a grant that became no connection, because its session was over or another account was expected, so
// that it is revoked at its source.
func Discard(tx store.Tx, key []byte, g Authorization, why Cause) (store.Revocation, error) {
	account, credential := g.Connected.Account, g.Connected.Credential
	r := store.Revocation{
		ID: id.New[id.Revocation](), Session: why.Session, User: g.User, Source: g.Source, Provider: g.Provider,
		AccountKey: key, AccountID: account.ID, AccountLabel: account.Label,
		Credential: []byte(credential.Data.Reveal()), MediaType: credential.MediaType, CreatedAt: why.Now,
	}
	r, err := firstState(tx, r, g.CanRevoke, why)
	if err != nil {
		return r, err
	}
	return r, tx.InsertRevocation(r)
}

// firstState gives a new revocation its first state. A pending one is its process's from the beginning: nobody else's try comes
// between, of which that process could not tell.
func firstState(tx store.ConnectionTx, r store.Revocation, canRevoke bool, why Cause) (store.Revocation, error) {
	if r.Damaged != nil {
		return finish(r, store.RevocationFailed, CredentialDamaged, why.Now), nil
	}
	if !canRevoke {
		return finish(r, store.RevocationUnsupported, "", why.Now), nil
	}
	held, err := tx.AccountHeld(r.Source, r.AccountKey, r.User)
	if err != nil {
		return r, fmt.Errorf("look for other connections of an account: %w", err)
	}
	if held {
		return finish(r, store.RevocationShared, "", why.Now), nil
	}
	r.State, r.NextAt = store.RevocationPending, why.Now
	r.Owner, r.LeaseUntil = why.By, why.Now.Add(leaseTime)
	return r, nil
}

// finish makes a revocation final and forgets its credential.
func finish(r store.Revocation, state store.RevocationState, code string, now time.Time) store.Revocation {
	r.State, r.Error, r.EndedAt, r.Credential = state, code, now, nil
	r.Owner, r.LeaseUntil, r.NextAt = "", time.Time{}, time.Time{}
	return r
}
