package config

import (
	"io/fs"
	"os"
	"sync"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// Watch notices that the config file has changed. It is safe for concurrent use.
type Watch struct {
	options Options

	mu   sync.Mutex
	seen os.FileInfo
}

// NewWatch begins to watch the file that Load reads with these options, as it is now: call it before Load, so that what
// changes in between is noticed.
func NewWatch(o Options) *Watch {
	w := &Watch{options: o}
	w.seen = w.stat()
	return w
}

// Changed says whether the file has changed since it was called last. It costs one stat(2).
func (w *Watch) Changed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.stat()
	if sameFile(w.seen, now) {
		return false
	}
	w.seen = now
	return true
}

// Load reads the changed file. A file that has gone is a problem with [CodeNotFound], not a config without a file: its hooks
// have events to come.
func (w *Watch) Load() (*Config, error) {
	if w.stat() == nil {
		return nil, problem.New(CodeNotFound, "the config file does not exist").Because(fs.ErrNotExist).Hint("restore it")
	}
	cfg, _, err := Load(w.options)
	return cfg, err
}

// stat returns the file as it lies there now, or nil.
func (w *Watch) stat() os.FileInfo {
	info, err := os.Stat(Find(w.options).Path)
	if err != nil || !info.Mode().IsRegular() { // what came by a pipe was read
		return nil
	}
	return info
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
