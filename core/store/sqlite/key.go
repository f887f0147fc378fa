package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// loadKey gets the master key from where the options say.
func loadKey(ctx context.Context, o Options, h head) ([]byte, error) {
	if o.Key != nil {
		return givenKey(ctx, o, h)
	}
	path := filepath.Join(o.Dir, fileKey)
	if !o.ReadOnly {
		if err := tighten(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	key, err := readKeyFile(path)
	if sized, ok := errors.AsType[*Error](err); ok {
		return nil, sized
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fail(CodeKey, nil, "the state has a key, and %s is not there", path).
			hint("restore %s from a backup; without it nothing sealed can be read", fileKey)
	case err != nil:
		return nil, fail(CodeKey, err, "reading the key of the state").hint("check %s; only this user should be able to read it", path)
	}
	return key, nil
}

func givenKey(ctx context.Context, o Options, h head) ([]byte, error) {
	key, err := o.Key(ctx)
	switch {
	case err == nil:
		return key, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("waiting for the key of the state: %w", ctx.Err())
	case h.keyID != "":
		return nil, fail(CodeKey, err, "the key of the state").
			hint("check what store.key refers to: the state needs the key that it was made with")
	}
	return nil, fail(CodeKey, err, "the key of the state").
		hint("check what store.key refers to; make a new key with: head -c %d /dev/urandom | base64", seal.KeySize)
}

// readKeyFile reads a key. A file of another size is refused, and what is no file is not waited for.
func readKeyFile(path string) ([]byte, error) {
	f, info, err := filetrust.Open(path, 0)
	if err != nil {
		return nil, named(path, err)
	}
	defer func() { _ = f.Close() }() // only read
	if info.Size() != seal.KeySize {
		return nil, fail(CodeKey, nil, "%s has %d bytes, and a key has %d", path, info.Size(), seal.KeySize).
			hint("restore %s from a backup: the state needs the key that it was made with", fileKey)
	}
	return io.ReadAll(f)
}

// named gives a flaw the path that it is of.
func named(path string, err error) error {
	if flaw := (*filetrust.Flaw)(nil); errors.As(err, &flaw) {
		return fmt.Errorf("%s %w", path, err)
	}
	return err
}

// makeKeyFile makes the key file unless there is one. The caller holds the lock. When it returns, the key is on the
// disk under its name: a state may name it from then on.
func (s *system) makeKeyFile(dir string) error {
	path := filepath.Join(dir, fileKey)
	if exists(path) {
		return nil
	}
	key := make([]byte, seal.KeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand
	next := path + ".new" // left by a crash, it is written over
	err := s.writeSynced(next, key)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err == nil {
		err = s.syncDir(dir)
	}
	if err != nil {
		return fail(CodePath, err, "making the key of the state")
	}
	return nil
}

func (s *system) writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Chmod(0o600), s.sync(f), f.Close())
}
