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

// HookTx finds and keeps hooks that are disabled.
type HookTx interface {
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
