package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// Disabled is the error of a delivery to a hook that is disabled, because its receiver wanted no more.
const Disabled = "hook_disabled"

// target is where a hook leads, as the store keeps it.
func target(mac store.MAC, h Hook) []byte { return mac("hook target", []byte(h.URL)) }

// FindDisabled says whether a hook is disabled, and since when: its receiver said that it wants no more, and the hook
// leads there still.
func FindDisabled(tx store.Tx, mac store.MAC, h Hook) (store.DisabledHook, bool, error) {
	if h.Kind() != KindHTTP {
		return store.DisabledHook{}, false, nil
	}
	row, err := tx.DisabledHook(h.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return row, false, nil
	case err != nil:
		return row, false, fmt.Errorf("is the hook disabled: %w", err)
	}
	return row, bytes.Equal(row.Target, target(mac, h)), nil
}

// Enable enables a hook that is disabled, and says whether it was. Its dead deliveries stay dead. One of those configured that
// was left alone, because it hangs, is tried again.
func Enable(ctx context.Context, s store.Store, hook string, configured []Hook) (was bool, err error) {
	err = s.Update(ctx, func(tx store.Tx) (err error) {
		if was, err = enable(tx, hook); err != nil {
			return err
		}
		h, known, err := Find(tx, hook, configured)
		if err == nil && known {
			err = Unpause(tx, s.MAC, h)
		}
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
			err = nil // a hook of a flag that is not there: disabled or not, that is all there is to say
		}
		return err
	})
	return was, err
}

func enable(tx store.Tx, hook string) (bool, error) {
	err := tx.DeleteDisabledHook(hook)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func disable(tx store.Tx, mac store.MAC, h Hook, now time.Time, why string) error {
	row := store.DisabledHook{Hook: h.Name, Target: target(mac, h), At: now, Error: why}
	if err := tx.SaveDisabledHook(row); err != nil {
		return fmt.Errorf("disable a hook: %w", err)
	}
	return nil
}
