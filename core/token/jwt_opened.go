package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// Confirm implements [Checker]: nobody can take a JWT back. With the session it writes down that the signature was
// verified, for as long as there is the session: its token stays genuine when the key is gone.
func (j *JWT) Confirm(tx store.Tx, v Verdict) (bool, error) {
	user, err := store.EnsureUser(tx, v.ClientID, v.ClientUserID)
	if err != nil {
		return false, err
	}
	if _, err = tx.VerifiedToken(v.verified); !errors.Is(err, store.ErrNotFound) {
		return err == nil, err
	}
	err = tx.InsertVerifiedToken(store.VerifiedToken{
		Hash: v.verified, User: user.HumanID, VerifiedAt: j.clock.Now(), ExpiresAt: time.Unix(latest, 0).UTC(),
	})
	return err == nil, err
}

// row names a token that was verified, in this one spelling: the same signing input with another signature is nothing that
// anybody has verified.
func (j *JWT) row(t parsed) []byte { return digest("jwt verified", j.issuer, t.text) }

// opened says whether a token was verified when it opened the session that it has.
func (j *JWT) opened(ctx context.Context, t parsed) (yes bool, err error) {
	err = j.store.View(ctx, func(tx store.Tx) error {
		_, err := tx.VerifiedToken(j.row(t))
		if err == nil {
			_, err = tx.SessionByToken(j.key(t))
		}
		yes = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up a session token: %w", err)
	}
	return yes, nil
}
