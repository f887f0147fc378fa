package sqlite

import (
	"errors"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

func disabledFields(h *store.DisabledHook) []field {
	return []field{
		{"hook", &h.Hook},
		{"target", &h.Target},
		{"at", instant{&h.At}},
		{"error", &h.Error},
	}
}

func (t *tx) DisabledHook(hook string) (store.DisabledHook, error) {
	return t.tables.disabledHook.find(t, "WHERE hook = ?", hook)
}

func (t *tx) SaveDisabledHook(h store.DisabledHook) error {
	if err := t.tables.disabledHook.save(t, h); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return t.tables.disabledHook.insert(t, h)
}

func (t *tx) DeleteDisabledHook(hook string) error {
	n, err := t.exec("DELETE FROM disabled_hook WHERE hook = ?", hook)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func pauseFields(p *store.HookPause) []field {
	return []field{
		{"target", &p.Target},
		{"hangs", &p.Hangs},
		{"at", instant{&p.At}},
		{"until", maybeInstant{&p.Until}},
	}
}

func (t *tx) HookPause(target []byte) (store.HookPause, error) {
	return t.tables.hookPause.find(t, "WHERE target = ?", target)
}

func (t *tx) SaveHookPause(p store.HookPause) error {
	if err := t.tables.hookPause.save(t, p); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return t.tables.hookPause.insert(t, p)
}

func (t *tx) DeleteHookPause(target []byte) error {
	n, err := t.exec("DELETE FROM hook_pause WHERE target = ?", target)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (t *tx) DeleteHookPauses(before time.Time) error {
	_, err := t.exec("DELETE FROM hook_pause WHERE at < ?", instant{&before})
	return err
}

func secretFields(s *store.Secret, in box) []field {
	return []field{
		{"name", &s.Name},
		in.bytes("value", purposeSecret, &s.Value),
		{"created_at", instant{&s.CreatedAt}},
	}
}

func (t *tx) Secret(name string) (store.Secret, error) {
	return t.tables.secret.find(t, "WHERE name = ?", name)
}

func (t *tx) InsertSecret(s store.Secret) error { return t.tables.secret.insert(t, s) }
