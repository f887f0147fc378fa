package connection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// tryLimit bounds one try of a revocation.
	tryLimit = 30 * time.Second
	// leaseTime is how long a try may hold a row, the start of its provider included, if nobody can tell whether its
	// process lives.
	leaseTime = tryLimit + 30*time.Second
	// dueLimit bounds how many revocations one round takes.
	dueLimit = 100
)

// Revoker revokes grants at their sources. A first try follows the commit of the disconnect at once, by the same process;
// then come the tries of the long schedule, made by whichever process holds the state. It is safe for concurrent use.
type Revoker struct {
	Store     store.Store
	Providers provider.Starter
	Settings  provider.Settings
	Liveness  process.Liveness
	Clock     clock.Clock
	// Random is the jitter's; see [retry.Jitter]. Optional.
	Random func() float64
}

// Due tries every revocation that is due, one after the other, and returns how many it tried.
func (v *Revoker) Due(ctx context.Context) (int, error) {
	var due []store.Revocation
	now := v.Clock.Now()
	err := v.Store.View(ctx, func(tx store.Tx) (err error) {
		due, err = tx.DueRevocations(store.Due{Now: now, Beyond: now.Add(retry.Horizon())}, dueLimit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for due revocations: %w", err)
	}
	tried := 0
	for _, r := range due {
		if ctx.Err() != nil {
			return tried, ctx.Err()
		}
		done, err := v.try(ctx, r.ID, false)
		if err != nil {
			return tried, err
		}
		if done {
			tried++
		}
	}
	return tried, nil
}

// First makes the first try of a revocation that this process has just committed. What came of it is in the row; one that
// ctx cuts stays pending, and is free. An error is one of the store.
func (v *Revoker) First(ctx context.Context, revocation id.Revocation) error {
	_, err := v.try(ctx, revocation, true)
	return err
}

// try returns false if there is nothing to try: it is final, or somebody works on it who lives, in this process too unless
// it is our own.
func (v *Revoker) try(ctx context.Context, revocation id.Revocation, own bool) (bool, error) {
	r, claimed, err := v.claim(context.WithoutCancel(ctx), revocation, own)
	if err != nil || !claimed {
		return false, err
	}
	failed, err := v.revoke(ctx, r)
	if err != nil {
		return true, err
	}
	interrupted := ctx.Err() != nil
	err = v.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		now, err := tx.Revocation(r.ID)
		if err != nil || !sameTry(now, r) {
			return err
		}
		return tx.SaveRevocation(v.outcome(now, failed, interrupted))
	})
	if err != nil {
		return true, fmt.Errorf("keep what came of a revocation: %w", err)
	}
	return true, nil
}

func (v *Revoker) claim(ctx context.Context, revocation id.Revocation, own bool) (r store.Revocation, claimed bool, err error) {
	err = v.Store.Update(ctx, func(tx store.Tx) error {
		claimed = false
		now := v.Clock.Now()
		if r, err = tx.Revocation(revocation); err != nil || r.State != store.RevocationPending {
			return err
		}
		if mine := own && r.Owner == v.Liveness.Self(); !mine {
			busy, err := v.busy(r, now)
			if err != nil || busy {
				return err
			}
		}
		shared, err := endShared(tx, r, now)
		if err != nil || shared {
			return err
		}
		claimed = true
		r.Owner = v.Liveness.Self()
		r.LeaseUntil = now.Add(leaseTime).Truncate(time.Millisecond) // as the store keeps it
		return tx.SaveRevocation(r)
	})
	if err != nil {
		return r, false, fmt.Errorf("claim a revocation: %w", err)
	}
	return r, claimed, nil
}

// endShared makes a revocation final if a connection holds its account, and says whether one does.
func endShared(tx store.Tx, r store.Revocation, now time.Time) (shared bool, err error) {
	held, err := tx.AccountHeld(r.Source, r.AccountKey, r.User)
	if err != nil || !held {
		return false, err
	}
	return true, tx.SaveRevocation(finish(r, store.RevocationShared, "", now))
}

// sameTry says whether a row is still as the try claimed it.
func sameTry(now, claimed store.Revocation) bool {
	return now.State == store.RevocationPending && now.Owner == claimed.Owner && now.LeaseUntil.Equal(claimed.LeaseUntil)
}

func (v *Revoker) busy(r store.Revocation, now time.Time) (bool, error) {
	if r.Owner == "" || !now.Before(r.LeaseUntil) {
		return false, nil
	}
	return v.Liveness.Alive(r.Owner)
}

// revoke asks the source to revoke the grant of a row. It is for the provider that made the credential to do so; where the
// source is another's by now, without the settings. The error is one of the store.
func (v *Revoker) revoke(ctx context.Context, r store.Revocation) (*failure.Failure, error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	settings, err := v.Settings.Settings(ctx, r.Source, r.Provider)
	if err != nil {
		return failure.OfSettings(err), nil
	}
	return v.askWithRetry(ctx, r.Provider, &sdk.CredentialRequest{
		Source: r.Source, Settings: settings, Account: sdk.Account{ID: r.AccountID, Label: r.AccountLabel},
		Credential: sdk.Credential{Data: sdk.Secret(r.Credential), MediaType: r.MediaType},
	}, func(ctx context.Context) (bool, error) { return v.mayRepeat(ctx, r) })
}

// mayRepeat says whether a try may ask again: the row is still as the try claimed it, and no connection has come to hold
// the account. If one has, the revocation ends as shared.
func (v *Revoker) mayRepeat(ctx context.Context, r store.Revocation) (may bool, err error) {
	err = v.Store.Update(ctx, func(tx store.Tx) error {
		may = false
		now, err := tx.Revocation(r.ID)
		if err != nil || !sameTry(now, r) {
			return err
		}
		shared, err := endShared(tx, now, v.Clock.Now())
		may = err == nil && !shared
		return err
	})
	if err != nil {
		return false, fmt.Errorf("check again whether an account is held: %w", err)
	}
	return may, nil
}

// RevokeUnsaved asks a source to revoke a credential that was not stored, once more if the provider crashes; free is asked
// before each time, and says whether no connection holds the account. It takes 30 s at most.
func (v *Revoker) RevokeUnsaved(ctx context.Context, name string, req *sdk.CredentialRequest, free func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	may, err := free(ctx)
	if err != nil {
		return err
	}
	if !may {
		return errHeld
	}
	f, err := v.askWithRetry(ctx, name, req, free)
	if err == nil && f != nil {
		return f
	}
	return err
}

// errHeld: a credential is not revoked, since a connection holds its account.
var errHeld = errors.New("a connection holds the account")

// askWithRetry asks once more on a fresh process if the provider crashed and mayRepeat allows it: revoking is idempotent, but the
// account may have been connected again meanwhile. The error is that of mayRepeat.
func (v *Revoker) askWithRetry(ctx context.Context, name string, req *sdk.CredentialRequest, mayRepeat func(context.Context) (bool, error)) (*failure.Failure, error) {
	err := v.ask(ctx, name, req)
	if provider.Crashed(err) {
		may, lookErr := mayRepeat(context.WithoutCancel(ctx))
		if lookErr != nil {
			return nil, lookErr
		}
		if may {
			err = v.ask(ctx, name, req)
		}
	}
	if err == nil {
		return nil, nil
	}
	return failure.Of(err), nil
}

func (v *Revoker) ask(ctx context.Context, name string, req *sdk.CredentialRequest) error {
	p, err := v.Providers.Provider(ctx, name, req.Source)
	if err != nil {
		return err
	}
	return p.Disconnect(ctx, req)
}

// outcome is the row after a try that ended with a failure, or nil.
func (v *Revoker) outcome(r store.Revocation, failed *failure.Failure, interrupted bool) store.Revocation {
	now := v.Clock.Now()
	switch {
	case failed == nil || failed.Code == failure.Revoked:
		return finish(r, store.RevocationRevoked, "", now)
	case interrupted: // by our own end, which says nothing about the source
		r.Owner, r.LeaseUntil = "", time.Time{}
		return r
	case failed.Code == failure.NotSupported:
		return finish(r, store.RevocationUnsupported, "", now)
	case failed.Code == failure.AccessDenied || r.Tries >= len(retry.Long()):
		r.Tries++
		return finish(r, store.RevocationFailed, string(failed.Code), now)
	}
	r.NextAt = now.Add(retry.Jitter(retry.Long()[r.Tries], v.Random))
	r.Tries++
	r.Owner, r.LeaseUntil, r.Error = "", time.Time{}, string(failed.Code)
	return r
}
