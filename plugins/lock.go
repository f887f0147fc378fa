package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/internal/atomicfile"
	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// LockName is the file name of a lock: of the release lock beside the core binary, and of the user lock in the config
// directory.
const LockName = "providers.lock.json"

const (
	lockVersion = 1
	lockLimit   = 8 << 20
)

// Lock pins providers by the SHA-256 of their executable and by the sources that they claim. It is a value: not safe for
// concurrent change.
type Lock struct {
	Version   int     `json:"version"`
	Providers []Entry `json:"providers"`
	// Claims of the user's lock complete pins that are elsewhere and name no sources: those of the config, and of an older
	// release. They pin nothing.
	Claims []Entry `json:"claims,omitempty"`
}

// Entry pins one provider.
type Entry struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	// Sources are the ids that the provider claims, sorted. Nil in a lock that was written without them: they are recorded when
	// the provider has described itself once.
	Sources []string `json:"sources,omitzero"`
}

// Pin returns the digest of a provider, or "".
func (l *Lock) Pin(name string) string {
	for _, e := range l.Providers {
		if e.Name == name {
			return e.SHA256
		}
	}
	return ""
}

// Set pins a provider, replacing an older pin.
func (l *Lock) Set(name, sha256 string) {
	l.Remove(name)
	l.Providers = append(l.Providers, Entry{Name: name, SHA256: sha256})
	slices.SortFunc(l.Providers, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

// Record replaces the sources of an executable: those of its pin, if this lock has that, else those among the claims.
func (l *Lock) Record(name, sha256 string, sources []string) {
	sources = slices.Sorted(slices.Values(sources))
	if sources == nil {
		sources = []string{}
	}
	l.Claims = slices.DeleteFunc(l.Claims, func(e Entry) bool { return e.Name == name })
	for i, e := range l.Providers {
		if e.Name == name && e.SHA256 == sha256 {
			l.Providers[i].Sources = sources
			return
		}
	}
	l.Claims = append(l.Claims, Entry{Name: name, SHA256: sha256, Sources: sources})
	slices.SortFunc(l.Claims, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

// Recorded returns the sources of an executable; nil if they are not recorded.
func (l *Lock) Recorded(name, sha256 string) []string {
	for _, e := range slices.Concat(l.Providers, l.Claims) {
		if e.Name == name && e.SHA256 == sha256 && e.Sources != nil {
			return e.Sources
		}
	}
	return nil
}

// Remove removes a provider's pin and says whether there was one.
func (l *Lock) Remove(name string) bool {
	before := len(l.Providers)
	l.Providers = slices.DeleteFunc(l.Providers, func(e Entry) bool { return e.Name == name })
	return len(l.Providers) < before
}

// ReadLock reads a lock: OriginRelease or OriginUser says whose it is. The file must be as trusted as a provider's. A missing
// one is fs.ErrNotExist; any other problem is an *Error of CodeLock or CodeUntrustedFile.
func ReadLock(path string, origin Origin) (*Lock, error) {
	file, _, err := openTrusted(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if errors.Is(err, errUntrusted) {
		return nil, notTrusted(newError(CodeUntrustedFile, "", "the %s lock of the providers is refused", origin), err)
	}
	if err != nil {
		return nil, unreadableLock(path, origin, err)
	}
	defer closeFiles(file)
	data, err := io.ReadAll(io.LimitReader(file, lockLimit+1))
	if err == nil && len(data) > lockLimit {
		err = fmt.Errorf("larger than %d bytes", lockLimit)
	}
	if err != nil {
		return nil, unreadableLock(path, origin, err)
	}
	lock, err := parseLock(data)
	if err != nil {
		return nil, unreadableLock(path, origin, err)
	}
	return lock, nil
}

func parseLock(data []byte) (*Lock, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	lock := &Lock{}
	if err := decoder.Decode(lock); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one document")
	}
	if lock.Version != lockVersion {
		return nil, fmt.Errorf("version %d, this program knows %d", lock.Version, lockVersion)
	}
	if err := errors.Join(checkEntries(lock.Providers), checkEntries(lock.Claims)); err != nil {
		return nil, err
	}
	return lock, nil
}

func checkEntries(entries []Entry) error {
	seen := map[string]bool{}
	for _, e := range entries {
		if !ValidName(e.Name) || !isDigest(e.SHA256) || seen[e.Name] {
			return fmt.Errorf("entry %q is invalid or a duplicate", clean(e.Name, 80))
		}
		seen[e.Name] = true
		claimed := map[string]bool{}
		for _, id := range e.Sources {
			if !ValidName(id) || claimed[id] {
				return fmt.Errorf("entry %q has the source %q, which is invalid or a duplicate", e.Name, clean(id, 80))
			}
			claimed[id] = true
		}
	}
	return nil
}

// WriteLock replaces the lock at a path at once and durably; its directory is made if it is missing (0700).
func WriteLock(path string, lock *Lock) error {
	out := Lock{Version: lockVersion, Providers: append([]Entry{}, lock.Providers...), Claims: lock.Claims}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := (filetrust.Maker{UID: os.Geteuid()}).All(filepath.Dir(path)); err != nil {
		return fmt.Errorf("writing the lock of the providers: %w", err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the target of a link is replaced, not the link
	}
	if err := atomicfile.Replace(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the lock of the providers: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("writing the lock of the providers: %w", err)
	}
	return nil
}

const (
	// updateLimit bounds how long a change of a lock waits for those of others, which take milliseconds.
	updateLimit = 10 * time.Second
	updatePause = 10 * time.Millisecond
)

// UpdateLock changes the user's lock at a path: it reads it, or starts with an empty one, and writes it again. Concurrent
// updates wait for each other, so that no change is lost. Its errors are an *Error, or that of ctx.
func UpdateLock(ctx context.Context, path string, change func(*Lock)) error {
	err := updateLock(ctx, path, change)
	var known *Error
	switch {
	case err == nil || errors.As(err, &known) || ctx.Err() != nil:
		return err
	case errors.Is(err, errLockTaken):
		return newError(CodeLock, "", "the user lock %s is being written by another process", path).hint("try again")
	}
	return newError(CodeLock, "", "the user lock %s cannot be written", path).because(err).
		hint("check the permissions: ls -la %s", shellWord(filepath.Dir(path)))
}

func updateLock(ctx context.Context, path string, change func(*Lock)) error {
	if err := (filetrust.Maker{UID: os.Geteuid()}).All(filepath.Dir(path)); err != nil {
		return err
	}
	held, err := awaitLock(ctx, filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock"))
	if err != nil {
		return err
	}
	defer closeFiles(held)
	lock, err := ReadLock(path, OriginUser)
	if errors.Is(err, fs.ErrNotExist) {
		lock, err = &Lock{}, nil
	}
	if err != nil {
		return err
	}
	change(lock)
	return WriteLock(path, lock)
}

// awaitLock is takeLock that waits for the holder, and makes the file if it is missing.
func awaitLock(ctx context.Context, path string) (*os.File, error) {
	limit := time.NewTimer(updateLimit)
	defer limit.Stop()
	pause := time.NewTicker(updatePause)
	defer pause.Stop()
	for {
		file, err := takeLock(path, os.O_CREATE)
		if !errors.Is(err, errLockTaken) {
			return file, err
		}
		select {
		case <-pause.C:
		case <-limit.C:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
