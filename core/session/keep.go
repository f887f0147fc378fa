package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// keeper brings what a source has granted into the store: as a connection, or, where it cannot be one, as a revocation.
// Nothing is concluded from a commit that failed, until a later one has succeeded:
//
//	commit the connection ── ok ──────────────────────────────────────────▶ kept
//	   │ fails for sure          │ may be in the store all the same
//	   │                         ▼
//	   │      read whether it is, else commit it once more ── ok ─────────▶ kept
//	   │                         │ fails
//	   ▼                         ▼
//	read whether it is, else commit the revocation ── ok ─────────────────▶ kept, or revoked at the source
//	   │ fails, and the first    │ fails, and the first
//	   │ failed for sure         │ may be there
//	   ▼                         ▼
//	given back, ErrCredentialLost   ErrCredentialUnknown: not revoked
type keeper struct {
	a    *Attempt
	key  []byte
	auth connection.Authorization
	// done is what the last transaction wrote, and maybe what those wrote whose commit failed.
	done  kept
	maybe []kept
}

// kept is what one transaction wrote: a revocation, or else a connection, whose action has this time.
type kept struct {
	refused  error
	unwanted id.Revocation
	at       time.Time
}

// keep brings the grant into the store. After an error, done.unwanted is the revocation that was kept instead, if it was.
func (k *keeper) keep(ctx context.Context) error {
	err := k.update(ctx, k.connect)
	if len(k.maybe) > 0 {
		err = k.update(ctx, k.connect)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("keep a connection: %w", err)
	unknown := len(k.maybe) > 0
	left := k.update(ctx, k.discard)
	if left != nil {
		k.done = kept{}
	}
	switch {
	case left != nil && unknown:
		return fmt.Errorf("%w; %w", err, ErrCredentialUnknown)
	case left != nil:
		if lost := k.a.giveBack(ctx, k.key, k.auth.Connected); lost != nil {
			return fmt.Errorf("%w; %w", err, lost)
		}
		return err
	case k.done.unwanted == "" || k.done.refused != nil:
		return nil // an earlier one is there
	}
	return err
}

// update runs f in a transaction, unless what an earlier one wrote is there.
func (k *keeper) update(ctx context.Context, f func(store.Tx, *kept) error) error {
	var wrote kept
	err := k.a.s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		for _, m := range k.maybe {
			there, err := k.isThere(tx, m)
			if err != nil {
				return err
			}
			if there {
				wrote = m
				return nil
			}
		}
		wrote = kept{}
		return f(tx, &wrote)
	})
	k.done = wrote
	if errors.Is(err, store.ErrCommitUnknown) {
		k.maybe = append(k.maybe, wrote)
	}
	return err
}

// isThere reads whether what a transaction wrote is in the store.
func (k *keeper) isThere(tx store.Tx, m kept) (bool, error) {
	if m.unwanted != "" {
		_, err := tx.Revocation(m.unwanted)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	actions, err := tx.Actions(k.a.s.ID)
	if err != nil {
		return false, err
	}
	want := k.a.action
	for _, a := range actions {
		if a.Position == want.Position && a.Kind == want.Kind && a.Target == want.Target && a.Code == "" && a.At.UnixMilli() == m.at.UnixMilli() {
			return true, nil
		}
	}
	return false, nil
}

// connect writes the connection, if the attempt is unchanged since the step began, whatever the epoch; else the revocation.
func (k *keeper) connect(tx store.Tx, wrote *kept) error {
	ses, err := tx.Session(k.a.s.ID)
	if err != nil {
		return err
	}
	if wrote.refused, err = k.a.refusal(tx, ses, k.key); err != nil {
		return err
	}
	if wrote.refused != nil {
		return k.discard(tx, wrote)
	}
	wrote.at = k.a.s.e.o.Clock.Now()
	return k.a.connected(tx, ses, k.key, k.auth, wrote.at)
}

// discard writes the revocation.
func (k *keeper) discard(tx store.Tx, wrote *kept) error {
	e := k.a.s.e
	r, err := connection.Discard(tx, k.key, k.auth, e.cause(k.a.s.ID, e.o.Clock.Now()))
	wrote.unwanted = r.ID
	return err
}

// grantTrouble is what an error says of a grant that nobody else can tell of, or nil.
func grantTrouble(err error) error {
	for _, trouble := range []error{ErrCredentialLost, ErrCredentialUnknown} {
		if errors.Is(err, trouble) {
			return trouble
		}
	}
	return nil
}
