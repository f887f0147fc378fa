package main

import (
	"io/fs"
	"os"
	"sync"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// hooksFile has the hooks of the config file as it stands: it is read anew when it has changed. Where it cannot be used, the
// hooks stay what they were. It implements [hook.Configured].
type hooksFile struct {
	app *App

	mu    sync.Mutex
	seen  os.FileInfo
	hooks []hook.Hook
	// broken: it could not be used the last time, and that has been said.
	broken bool
}

// configured are the hooks of the config; without a file they never change.
func (st *state) configured() hook.Configured {
	if st.config.File == "" {
		return hook.Fixed(st.hooks)
	}
	return &hooksFile{app: st.app, seen: st.read, hooks: st.hooks}
}

// configFile is the config file as it lies there now, or nil.
func (a *App) configFile() os.FileInfo {
	info, err := os.Stat(config.Find(a.configOptions()).Path)
	if err != nil {
		return nil
	}
	return info
}

// Hooks implements [hook.Configured].
func (f *hooksFile) Hooks() []hook.Hook {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.app.configFile() // before it is read: what changes in between is seen the next time
	if sameFile(f.seen, now) {
		return f.hooks
	}
	f.seen = now
	cfg, err := f.load(now)
	if err == nil {
		f.hooks = f.app.hooksOf(cfg)
	} else if !f.broken {
		f.app.warn("the config has changed and cannot be used, so the hooks stay as they were: %s; see: humanconnect config validate", err)
	}
	f.broken = err != nil
	return f.hooks
}

// load reads the file. One that has gone is not the same as none: its hooks have events to come.
func (f *hooksFile) load(now os.FileInfo) (*config.Config, error) {
	if now == nil {
		return nil, problem.New(config.CodeNotFound, "the config file is not there").Because(fs.ErrNotExist).Hint("put it back")
	}
	cfg, _, err := config.Load(f.app.configOptions())
	return cfg, err
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
