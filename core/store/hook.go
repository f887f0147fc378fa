package store

import "time"

// DisabledHook is a hook whose receiver wants no more of it.
type DisabledHook struct {
	// Hook is the name of a hook of the config, or the id of a session's hook.
	Hook string
	// Target is a keyed digest of where the hook led: one that leads elsewhere now is not disabled.
	Target []byte
	At     time.Time
	// Error is what the receiver said: one line without secrets.
	Error string
}

// HookPause is a hook whose tries hang.
type HookPause struct {
	// Target is a keyed digest of where the hook leads.
	Target []byte
	// Hangs counts the tries that hung, one after the other; At is when the last one ended.
	Hangs int
	At    time.Time
	// Until is when the hook is tried again; zero while it has not hung often enough to be left alone.
	Until time.Time
}

// HookTx finds and keeps hooks that are disabled, and those that hang.
type HookTx interface {
	HookPause(target []byte) (HookPause, error)
	// SaveHookPause writes the row, whether there is one or not.
	SaveHookPause(HookPause) error
	// DeleteHookPause returns [ErrNotFound] if there is no such row.
	DeleteHookPause(target []byte) error
	// DeleteHookPauses removes those whose last try ended before a time.
	DeleteHookPauses(before time.Time) error
	DisabledHook(hook string) (DisabledHook, error)
	// SaveDisabledHook writes the row, whether there is one or not.
	SaveDisabledHook(DisabledHook) error
	// DeleteDisabledHook returns [ErrNotFound] if there is no such row.
	DeleteDisabledHook(hook string) error
}

// Secret is a secret that this state made for itself.
type Secret struct {
	Name string
	// Value is the secret. Sealed.
	Value     []byte
	CreatedAt time.Time
}

// SecretTx finds and makes secrets.
type SecretTx interface {
	Secret(name string) (Secret, error)
	InsertSecret(Secret) error
}
