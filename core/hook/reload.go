package hook

import "sync"

// Reload says how the hooks of a config that may change while a process runs are read again.
type Reload struct {
	// Changed says whether the config has changed since it was called last.
	Changed func() bool
	// Load reads the hooks.
	Load func() ([]Hook, error)
	// Failed is called with the first error of Load in a row: the hooks stay as they were.
	Failed func(error)
}

// Reloaded are hooks that are read again when their config has changed. Where the changed config cannot be used, they stay as
// they were. It implements [Configured].
type Reloaded struct {
	reload Reload

	mu     sync.Mutex
	hooks  []Hook
	broken bool
}

// NewReloaded returns hooks that are what they are now until reload says otherwise.
func NewReloaded(now []Hook, reload Reload) *Reloaded { return &Reloaded{hooks: now, reload: reload} }

// Hooks implements [Configured].
func (r *Reloaded) Hooks() []Hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reload.Changed() {
		return r.hooks
	}
	hooks, err := r.reload.Load()
	if err == nil {
		r.hooks = hooks
	} else if !r.broken {
		r.reload.Failed(err)
	}
	r.broken = err != nil
	return r.hooks
}
