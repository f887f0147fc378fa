package connection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// firstCoolDown is the wait after the first failure of a refresh; it doubles up to maxCoolDown.
	firstCoolDown = 30 * time.Second
	maxCoolDown   = time.Hour
	// maxRetryAfter bounds what a source asks for beyond that.
	maxRetryAfter = 24 * time.Hour
)

// try is one refresh that has ended.
type try struct {
	claimed store.Connection
	// interrupted: a call before this one has a result that is not known.
	interrupted bool
	got         *sdk.Refreshed
	// called: a request may have reached the source.
	called bool
	failed *failure.Failure
	// cut: the command was told to end, which says nothing about the source.
	cut bool
}

// keep commits what came of a refresh, and returns the connection as it is then. A commit whose end is not known is looked
// at again: a credential that is stored is recognized.
func (f *Refresher) keep(ctx context.Context, t try) (c store.Connection, err error) {
	var left id.Revocation
	fell := false
	for range storeTries {
		err = f.Store.Update(ctx, func(tx store.Tx) error {
			left, fell = "", false
			if c, err = tx.Connection(t.claimed.ID); err != nil {
				return err
			}
			was := c.State
			c, left, err = f.settle(tx, c, t)
			fell = err == nil && was != c.State && c.State == store.ConnectionNeedsReconnect
			return err
		})
		if err == nil {
			break
		}
	}
	if err != nil {
		return c, fmt.Errorf("store the outcome of a refresh: %w", err)
	}
	if fell && f.Wake != nil {
		f.Wake()
	}
	if left != "" {
		v := &Revoker{Store: f.Store, Providers: f.Providers, Settings: f.Settings, Liveness: f.Liveness, Clock: f.Clock, Random: f.Random}
		return c, v.First(ctx, left)
	}
	return c, nil
}

// settle writes the row after a try. A credential that came for a connection that has another one by now, or none, is left
// to be revoked.
func (f *Refresher) settle(tx store.Tx, c store.Connection, t try) (store.Connection, id.Revocation, error) {
	now := f.Clock.Now()
	switch {
	case t.got != nil && bytes.Equal(c.Credential, []byte(t.got.Credential.Data.Reveal())) && c.Version > t.claimed.Version:
		return c, "", nil // committed by the transaction before
	case c.State == store.ConnectionDisconnected || !sameCredential(c, t.claimed):
		return f.late(tx, c, t, now)
	case t.got != nil: // also where a check has found the one before to be of no use
		c = renewed(c, t.got, now)
		return c, "", tx.SaveConnection(c)
	case c.State != store.ConnectionActive:
		return c, "", nil
	case c.Refresh.Owner != t.claimed.Refresh.Owner || !c.Refresh.LeaseUntil.Equal(t.claimed.Refresh.LeaseUntil):
		return c, "", nil // another try has begun, and will know better
	}
	return f.failedTry(tx, c, t, now)
}

// renewed is a connection with the credential of a refresh.
func renewed(c store.Connection, got *sdk.Refreshed, now time.Time) store.Connection {
	c.Credential, c.MediaType = []byte(got.Credential.Data.Reveal()), got.Credential.MediaType
	c.CredentialExpiresAt, c.ReconnectBy = got.Credential.ExpiresAt.Truncate(time.Millisecond), got.Credential.ReconnectBy.Truncate(time.Millisecond)
	if len(got.Scopes) > 0 {
		c.Scopes = got.Scopes
	}
	c.State, c.Reason, c.NeedsReconnectAt = store.ConnectionActive, "", time.Time{}
	return issued(c, now)
}

// late ends a try whose connection was disconnected or connected again meanwhile.
func (f *Refresher) late(tx store.Tx, c store.Connection, t try, now time.Time) (store.Connection, id.Revocation, error) {
	if t.got == nil {
		return c, "", nil
	}
	r, err := Discard(tx, c.AccountKey, Authorization{
		User: c.User, Source: c.Source, SourceName: c.SourceName, Provider: c.Provider, CanRevoke: c.CanRevoke,
		Connected: sdk.Connected{Account: sdk.Account{ID: c.AccountID, Label: c.AccountLabel}, Credential: t.got.Credential},
	}, Cause{By: f.Liveness.Self(), Now: now})
	if err != nil || r.State != store.RevocationPending {
		return c, "", err
	}
	return c, r.ID, nil
}

// failedTry lets go of a connection whose refresh failed, and says what follows of it.
func (f *Refresher) failedTry(tx store.Tx, c store.Connection, t try, now time.Time) (store.Connection, id.Revocation, error) {
	c.Refresh.Owner, c.Refresh.LeaseUntil = "", time.Time{}
	if known(t) && !t.interrupted {
		c.Refresh.BegunAt = time.Time{}
	}
	switch {
	case t.failed.Code == failure.Revoked:
		reason := failure.Revoked
		if t.interrupted {
			reason = CodeRefreshInterrupted
		}
		return f.fallen(tx, c, reason, now)
	case t.failed.Code == failure.NotSupported:
		c.CanRefresh = false
		c.Refresh = store.Refresh{At: dueAt(c)}
		if expired(c, now) {
			return f.fallen(tx, c, CodeExpired, now)
		}
	case t.called && !t.cut:
		wait := retry.Jitter(coolDown(c.Refresh.Tries), f.Random)
		c.Refresh.Tries++
		c.Refresh.NextAt = now.Add(max(wait, min(t.failed.RetryAfter, maxRetryAfter))).Truncate(time.Millisecond)
		c.Refresh.Error = string(t.failed.Code)
	}
	return c, "", tx.SaveConnection(c)
}

// known says whether a failed try leaves the refresh token as it was. The others may have been answered: by a response that
// was lost, or that could not be read.
func known(t try) bool {
	switch t.failed.Code {
	case failure.Revoked, failure.RateLimited, failure.BadConfiguration, failure.NotSupported, failure.AccessDenied:
		return true
	}
	return !t.called
}

// coolDown is the wait after so many failures before this one.
func coolDown(tries int) time.Duration {
	d := firstCoolDown
	for range tries {
		if d *= 2; d >= maxCoolDown {
			return maxCoolDown
		}
	}
	return d
}

// fallen makes a connection one that needs to be reconnected, with its event.
func (f *Refresher) fallen(tx store.Tx, c store.Connection, reason problem.Code, now time.Time) (store.Connection, id.Revocation, error) {
	c.State, c.Reason, c.NeedsReconnectAt, c.Refresh = store.ConnectionNeedsReconnect, string(reason), now, store.Refresh{}
	if err := tx.SaveConnection(c); err != nil {
		return c, "", err
	}
	return c, "", f.Fell(tx, c)
}

// fall is fallen for a connection that no try is made for. One that has changed since it was read is left alone.
func (f *Refresher) fall(ctx context.Context, read store.Connection, reason problem.Code) (c store.Connection, err error) {
	changed := errors.New("changed")
	err = f.Store.Update(ctx, func(tx store.Tx) error {
		if c, err = tx.Connection(read.ID); err != nil {
			return err
		}
		if c.State != store.ConnectionActive || !sameCredential(c, read) {
			return changed
		}
		c, _, err = f.fallen(tx, c, reason, f.Clock.Now())
		return err
	})
	switch {
	case errors.Is(err, changed):
		return c, nil
	case err != nil:
		return c, fmt.Errorf("store that a connection needs to be reconnected: %w", err)
	}
	if f.Wake != nil {
		f.Wake()
	}
	return c, nil
}
