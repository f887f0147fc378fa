package plugins

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/humanconnect/humanconnect/internal/filetrust"
	"github.com/humanconnect/humanconnect/internal/problem"
)

const (
	runPrefix  = "hc-"
	runLock    = "humanconnect-run.lock"
	tmpBase    = "/tmp"
	runNameTry = 10
	// maxRunDir leaves room in the 104 bytes of a socket's path (108 on Linux) for what comes below: a directory for
	// each process, go-plugin's "plugin-dir" with ten digits, and the name that the server chooses.
	maxRunDir = 104 - len("/99999/plugin-dir4294967295/plugin4294967295") - 1
)

// runDir is the private directory of one run: sockets, and the working and temporary directory of each process. It is
// flocked for as long as its owner lives; one whose lock can be taken is a dead run's, and swept by the next that has started a
// process: nobody waits for that.
type runDir struct {
	path string
	lock *os.File
}

// openRunDir makes the directory below the first base that can be used: $XDG_RUNTIME_DIR if it is private, $TMPDIR, /tmp. The
// directory is private in any of them. The error has each base, and why it was not used.
func openRunDir(runtimeDir, tmpDir string) (*runDir, error) {
	return openRunDirIn(runtimeDir, tmpDir, tmpBase)
}

func openRunDirIn(runtimeDir, tmpDir, last string) (*runDir, error) {
	var failures []error
	tried := make(map[string]bool)
	for _, base := range []string{runtimeDir, tmpDir, last} {
		if base == "" || tried[base] {
			continue
		}
		tried[base] = true
		err := fitsRunDir(base)
		if err == nil && base == runtimeDir && base != last && base != tmpDir && !isPrivate(base) {
			err = errors.New("it is not private to this user")
		}
		if err == nil {
			var dir *runDir
			if dir, err = makeRunDir(base); err == nil {
				return dir, nil
			}
		}
		failures = append(failures, fmt.Errorf("%s: %w", base, err))
	}
	return nil, problem.New(CodeRunDir, "no directory for the sockets of providers").Because(errors.Join(failures...)).
		Hint("set TMPDIR to a directory that can be written to, with a path of at most %d bytes", maxRunDir-len("/hc-12345678"))
}

// fitsRunDir says why a base cannot have the sockets, as far as its path says.
func fitsRunDir(base string) error {
	switch {
	case !filepath.IsAbs(base):
		return errors.New("the path is not absolute")
	case len(base)+len("/hc-12345678") > maxRunDir:
		return errors.New("the path is too long for a socket")
	}
	return nil
}

// isPrivate says whether a directory is ours alone, as XDG_RUNTIME_DIR must be.
func isPrivate(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir() && filetrust.Private(os.Geteuid()).Check(info) == nil
}

func makeRunDir(base string) (*runDir, error) {
	for range runNameTry {
		path := filepath.Join(base, runPrefix+strings.ToLower(rand.Text()[:8]))
		if err := os.Mkdir(path, 0o700); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		lock, err := takeLock(filepath.Join(path, runLock), os.O_CREATE)
		if err == nil {
			return &runDir{path: path, lock: lock}, nil
		}
		if !errors.Is(err, errLockTaken) {
			_ = os.RemoveAll(path)
			return nil, err
		}
		// another process swept the directory before it was locked
	}
	return nil, fmt.Errorf("no free name for a directory in %s", base)
}

var errLockTaken = errors.New("lock is taken")

// takeLock locks a file and makes sure that it is still the one at its path.
func takeLock(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errLockTaken
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		opened, errOpened := file.Stat()
		standing, errStanding := os.Lstat(path)
		if errOpened == nil && errStanding == nil && os.SameFile(opened, standing) {
			return file, nil
		}
	}
	closeFiles(file)
	if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("lock %s: %w", path, err) // the file system has no locks
	}
	return nil, errLockTaken
}

// sweep removes the directories of dead runs of ours. One without a lock and with nothing else in it is either of a run
// that was killed while it made or removed it, or is being made now: then its run makes another.
func sweep(base string) {
	found, _ := filepath.Glob(filepath.Join(base, runPrefix+"????????"))
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || !isPrivate(path) {
			continue
		}
		lock, err := takeLock(filepath.Join(path, runLock), 0)
		if err != nil {
			_ = syscall.Rmdir(path)
			continue
		}
		_ = clearRunDir(path)
		closeFiles(lock)
	}
}

// sweepRuns removes, once and in the background, what dead runs have left beside the directory of this one.
func (h *Host) sweepRuns() {
	h.mu.Lock()
	due := !h.closed && !h.swept && h.run != nil
	if !due {
		h.mu.Unlock()
		return
	}
	h.swept = true
	base := filepath.Dir(h.run.path)
	h.work.Add(1)
	h.mu.Unlock()
	go func() {
		defer h.work.Done()
		sweep(base)
	}()
}

// sub makes a directory for one process.
func (d *runDir) sub(number int) (string, error) {
	path := filepath.Join(d.path, fmt.Sprint(number))
	return path, os.Mkdir(path, 0o700)
}

// remove removes the directory and the lock.
func (d *runDir) remove() error {
	err := clearRunDir(d.path)
	closeFiles(d.lock)
	return err
}

// clearRunDir removes the directory, and its lock last: if it is killed midway, the next run can sweep the rest.
func clearRunDir(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // its base was cleared
	}
	for _, e := range entries {
		if e.Name() != runLock {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
		}
	}
	return errors.Join(err, os.RemoveAll(path))
}
