// Package process tells which runs of the program are alive on this host.
//
// Each run holds an exclusive flock on a file of its own, run/prc_….lock in the state directory, for as long as it
// lives; the kernel gives the lock back however the run ends. A run whose file is missing or whose lock can be taken is
// dead. Ids, and so the names of files, are never used again, so that a file may be removed without a race.
//
//	Register   make under a temporary name → lock → rename: no one sees the final name unlocked while its owner lives
//	Alive      try a shared lock: several who ask at once do not take each other for the owner
//	Sweep      hold the shared lock while removing: an owner that is about to lock fails to, and makes another file
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/id"
)

const (
	runDir    = "run"
	suffix    = ".lock"
	temporary = ".new"
)

// maxTries is how often Register makes another file when a sweep took the one that it had not locked yet.
const maxTries = 100

// Liveness tells whose work is free: that of processes which have died. [Process] and [Confirming] implement it.
type Liveness interface {
	// Self is this process.
	Self() id.Process
	// Alive says whether a process may still be at work. Where it cannot tell, the lease of the work decides.
	Alive(id.Process) (bool, error)
}

// Process is this run, alive until Close or until it ends. It is safe for concurrent use.
type Process struct {
	self id.Process
	dir  string

	mu   sync.Mutex
	lock *flock.Flock
}

// Register makes this run known in a state directory, with a new id; the caller closes it. It does not wait, and costs
// a few system calls.
func Register(stateDir string) (*Process, error) {
	dir := filepath.Join(stateDir, runDir)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the directory of running processes: %w", err)
	}
	for range maxTries {
		p, err := register(dir)
		if p != nil || err != nil {
			return p, err
		}
	}
	return nil, errors.New("registering this process: a sweep took each of its files")
}

// Observe asks about the processes of a state directory without being one that others know: it has no id and owns nothing.
func Observe(stateDir string) *Process { return &Process{dir: filepath.Join(stateDir, runDir)} }

// register returns nothing if a sweep was faster.
func register(dir string) (*Process, error) {
	self := id.New[id.Process]()
	return claim(dir, self, flock.New(newFileOf(dir, self), flock.SetFlag(os.O_CREATE|os.O_EXCL|os.O_RDWR), flock.SetPermissions(0o600)))
}

// claim locks the new file of a process and gives it its final name. It returns nothing if a sweep holds it.
func claim(dir string, self id.Process, lock *flock.Flock) (*Process, error) {
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("registering this process: %w", err)
	}
	if locked {
		err = os.Rename(newFileOf(dir, self), fileOf(dir, self))
		if err == nil {
			return &Process{self: self, dir: dir, lock: lock}, nil
		}
	}
	_ = os.Remove(newFileOf(dir, self)) // the sweep that holds it removes it too
	_ = lock.Close()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return nil, fmt.Errorf("registering this process: %w", err)
}

// Self returns the id of this run.
func (p *Process) Self() id.Process { return p.self }

// Alive says whether a run of this state directory on this host lives; this one does until Close. "" is nobody.
func (p *Process) Alive(other id.Process) (bool, error) {
	if other == p.self && p.self != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.lock != nil, nil
	}
	return alive(p.dir, other)
}

const (
	// patience is how long a Confirming asks: a child that a killed process was just starting lets go of the lock when it
	// executes its program, which takes milliseconds, on a loaded machine some hundred.
	patience      = 500 * time.Millisecond
	patiencePause = 5 * time.Millisecond
)

// Confirming is a process whose Alive confirms a yes: it takes up to half a second to say that another one lives. One that was killed
// while it started a child looks alive for a moment, because the child has its lock until it executes its program. It is
// for those who refuse to go on, not for those who look again anyway.
type Confirming struct{ *Process }

// Alive is Process.Alive, asked again until the other run is dead or the time is over.
func (p Confirming) Alive(other id.Process) (bool, error) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	pause := time.NewTicker(patiencePause)
	defer pause.Stop()
	for {
		alive, err := p.Process.Alive(other)
		if !alive || err != nil || other == p.self {
			return alive, err
		}
		select {
		case <-pause.C:
		case <-limit.C:
			return true, nil
		}
	}
}

// Close ends this run for all who ask. It may be called more than once.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lock == nil {
		return nil
	}
	err := os.Remove(fileOf(p.dir, p.self))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // someone cleared the directory
	}
	err = errors.Join(err, p.lock.Close())
	p.lock = nil
	if err != nil {
		return fmt.Errorf("ending the registration of this process: %w", err)
	}
	return nil
}

func alive(dir string, other id.Process) (bool, error) {
	if other == "" {
		return false, nil
	}
	if _, err := id.Parse[id.Process](string(other)); err != nil {
		return false, fmt.Errorf("the owner of a row: %w", err)
	}
	lock, free, err := probe(fileOf(dir, other))
	if lock != nil {
		defer func() { _ = lock.Close() }() // gives back what was only probed
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking whether a process lives: %w", err)
	}
	return !free, nil
}

// probe tries a shared lock on a file that exists; the caller closes it.
func probe(path string) (lock *flock.Flock, free bool, err error) {
	lock = flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err = lock.TryRLock()
	return lock, free, err
}

// Sweep removes the files of runs that are dead. A registered run never loses its file. It returns how many it removed.
func Sweep(stateDir string) (int, error) {
	dir := filepath.Join(stateDir, runDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweeping dead processes: %w", err)
	}
	removed := 0
	var failures []error
	for _, e := range entries {
		if !ours(e.Name()) {
			continue
		}
		gone, err := sweep(filepath.Join(dir, e.Name()))
		if err != nil {
			failures = append(failures, fmt.Errorf("sweeping dead processes: %w", err))
		}
		if gone {
			removed++
		}
	}
	return removed, errors.Join(failures...)
}

func sweep(path string) (removed bool, err error) {
	lock, free, err := probe(path)
	defer func() { _ = lock.Close() }() // gives back what was only probed
	if err == nil && free {
		err = os.Remove(path)
		removed = err == nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // its owner has ended, or another sweep was faster
	}
	return removed, err
}

// ours says whether a file, finished or not, was made by Register.
func ours(name string) bool {
	name, ok := strings.CutSuffix(strings.TrimSuffix(name, temporary), suffix)
	if !ok {
		return false
	}
	_, err := id.Parse[id.Process](name)
	return err == nil
}

func fileOf(dir string, p id.Process) string { return filepath.Join(dir, string(p)+suffix) }

func newFileOf(dir string, p id.Process) string { return fileOf(dir, p) + temporary }
