package app

import (
	"context"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/sdk"
)

// Hooks returns the hooks of a config for the outbox.
func (a *App) Hooks(cfg *config.Config) []hook.Hook {
	var out []hook.Hook
	for _, h := range cfg.Hooks {
		out = append(out, hook.Hook{
			Name: h.Name, On: h.On, Shell: h.Shell, Command: h.Command, Timeout: h.Timeout, Concurrency: h.Concurrency, Required: h.Required, Dir: cfg.Dir,
			URL: h.URL, Secret: a.secretOf(h.Secret), AllowInsecure: h.AllowInsecure, Proxy: h.Proxy,
		})
	}
	return out
}

// secretOf returns a function that reads a secret at each use; nil for no secret.
func (a *App) secretOf(ref *config.SecretRef) func(context.Context) (sdk.Secret, error) {
	if ref == nil {
		return nil
	}
	return func(ctx context.Context) (sdk.Secret, error) { return ref.Resolve(ctx, a.Environ()) }
}

// configured returns the hooks of the config, reloaded when the file changes; without a file they never change.
func (st *State) configured() hook.Configured {
	if st.Config.File == "" || st.watch == nil {
		return hook.Fixed(st.Hooks)
	}
	return hook.NewReloaded(st.Hooks, hook.Reload{
		Changed: st.watch.Changed,
		Load: func() ([]hook.Hook, error) {
			cfg, err := st.watch.Load()
			if err != nil {
				return nil, err
			}
			return st.app.Hooks(cfg), nil
		},
		Failed: func(err error) {
			st.app.IO.Warn("the changed config is invalid, so the hooks are unchanged: %s; check it with: humanconnect config validate", err)
		},
	})
}

// Sender makes the delivery tries. secret is that of the state, for URLs given as flags; nil without a state.
func (a *App) Sender(secret func(context.Context) (sdk.Secret, error)) hook.Sender {
	return hook.ByKind{
		Commands: hook.Shell{Environ: a.Env, Clock: a.Clock},
		URLs:     hook.HTTP{Clock: a.Clock, Version: a.Build.Version, Default: secret},
	}
}

// HookSecret is the state's own secret, which signs for hooks without one.
func (st *State) HookSecret(ctx context.Context) (sdk.Secret, error) {
	return hook.DefaultSecret(ctx, st.Store, st.app.Clock.Now().Truncate(time.Millisecond))
}
