package hook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// defaultSecret is the name of the secret that the state's URL hooks share.
const defaultSecret = "hook"

// DefaultSecret returns the secret with which a state signs for hooks without one of their own. It is made on first
// use, once for all processes.
func DefaultSecret(ctx context.Context, s store.Store, now time.Time) (sdk.Secret, error) {
	var row store.Secret
	find := func(tx store.Tx) (err error) {
		row, err = tx.Secret(defaultSecret)
		return err
	}
	err := s.View(ctx, find)
	if errors.Is(err, store.ErrNotFound) {
		err = s.Update(ctx, func(tx store.Tx) error {
			if err := find(tx); !errors.Is(err, store.ErrNotFound) {
				return err
			}
			row = store.Secret{Name: defaultSecret, Value: []byte(NewSecret().Reveal()), CreatedAt: now}
			return tx.InsertSecret(row)
		})
	}
	if err != nil {
		return "", fmt.Errorf("the default secret of hooks: %w", err)
	}
	return sdk.Secret(row.Value), nil
}
