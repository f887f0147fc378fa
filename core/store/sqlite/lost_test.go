package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// madeIn makes a state and returns its directory.
func madeIn(t *testing.T, o Options) string {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "state")
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o.Dir
}

// given is a key by reference, so that there is no key file.
func given(context.Context) ([]byte, error) { return make([]byte, 32), nil }

func TestNoNewStateBesideWhatIsLeftOfALostOne(t *testing.T) {
	for name, c := range map[string]struct {
		key     func(context.Context) ([]byte, error)
		removed []string
	}{
		"database":                       {nil, []string{fileDB}},
		"database and its files":         {nil, []string{fileDB, fileDB + "-wal", fileDB + "-shm"}},
		"all but the key":                {nil, []string{fileDB, fileDB + "-wal", fileDB + "-shm", fileLock, "run"}},
		"database, the key is reference": {given, []string{fileDB, fileDB + "-wal", fileDB + "-shm"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := madeIn(t, Options{Key: c.key})
			for _, f := range c.removed {
				if err := os.RemoveAll(filepath.Join(dir, f)); err != nil {
					t.Fatal(err)
				}
			}
			for _, readOnly := range []bool{false, true, false} {
				_, err := Open(t.Context(), Options{Dir: dir, Key: c.key, ReadOnly: readOnly})
				if problem.CodeOf(err) != CodeLost || exists(filepath.Join(dir, fileDB)) {
					t.Fatalf("read only: %v: %v", readOnly, err)
				}
			}
			for _, left := range []string{fileKey, fileLock, fileDB + "-wal"} { // whoever confirms removes the rest
				_ = os.Remove(filepath.Join(dir, left))
			}
			s, err := Open(t.Context(), Options{Dir: dir, Key: c.key})
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
		})
	}
}

func TestNothingIsWrittenToADatabaseThatWasRemovedWhileItIsOpen(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"removed":     os.Remove,
		"wal removed": func(path string) error { return os.Remove(path + "-wal") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "state")})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			insert := func() error {
				return s.Update(t.Context(), func(tx store.Tx) error {
					return tx.InsertUser(store.User{HumanID: id.NewHuman(), ClientUserID: string(id.New[id.Event]())})
				})
			}
			if err := insert(); err != nil {
				t.Fatal(err)
			}
			err = s.Update(t.Context(), func(tx store.Tx) error { // in the middle of a transaction
				return errors.Join(tx.InsertUser(store.User{HumanID: id.NewHuman(), ClientUserID: "last"}), change(filepath.Join(s.dir, fileDB)))
			})
			if problem.CodeOf(err) != CodeLost {
				t.Errorf("an update under way: %v", err)
			}
			for range 2 {
				if err := insert(); problem.CodeOf(err) != CodeLost {
					t.Errorf("update: %v", err)
				}
			}
			if err := s.View(t.Context(), func(store.Tx) error { return nil }); problem.CodeOf(err) != CodeLost {
				t.Errorf("view: %v", err)
			}
		})
	}
}

func TestAFileOfTheStateThatIsNoFileIsNotWaitedFor(t *testing.T) {
	for _, name := range []string{fileKey, fileLock, fileDB, fileDB + "-wal", fileQueue} {
		t.Run(name, func(t *testing.T) {
			dir := madeIn(t, Options{})
			path := filepath.Join(dir, name)
			if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o700), syscall.Mkfifo(path, 0o600)); err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{false, true} {
				_, err := Open(t.Context(), Options{Dir: dir, ReadOnly: readOnly})
				if code := problem.CodeOf(err); code != CodePath || !strings.Contains(err.Error(), name+" is a named pipe") {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestAStateWithAFileOfAnotherUserIsRefused(t *testing.T) {
	for _, name := range []string{fileKey, fileLock, fileDB, "run"} {
		dir := madeIn(t, Options{})
		if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
			t.Fatal(err)
		}
		sys := realSystem()
		theirs, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sys.ours = func(info fs.FileInfo) bool { return !os.SameFile(info, theirs) }
		_, err = Open(t.Context(), Options{Dir: dir, system: sys})
		if problem.CodeOf(err) != CodePath || !strings.Contains(err.Error(), name+" belongs to another user") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSizeOfAKeyIsSaidExactly(t *testing.T) {
	dir := madeIn(t, Options{})
	if err := os.WriteFile(filepath.Join(dir, fileKey), make([]byte, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Dir: dir})
	if problem.CodeOf(err) != CodeKey || !strings.Contains(err.Error(), "has 64 bytes, and a key has 32") {
		t.Error(err)
	}
}

func TestALimitOfTheSystemHasOneCodeInAllItsForms(t *testing.T) {
	for _, c := range []struct {
		cause error
		want  problem.Code
	}{
		{syscall.ENOSPC, CodeFull},
		{syscall.EDQUOT, CodeFull},
		{fmt.Errorf("making: %w", &fs.PathError{Op: "mkdir", Err: syscall.ENOSPC}), CodeFull},
		{syscall.EMFILE, CodeDescriptors},
		{syscall.ENFILE, CodeDescriptors},
		{syscall.EACCES, CodePath},
	} {
		err := fail(CodePath, c.cause, "making the state directory").hint("check who may write")
		if err.Code() != c.want || len(err.Hints()) != 1 || c.want != CodePath && strings.Contains(err.Hints()[0], "who may write") {
			t.Errorf("%v: %s %q", c.cause, err.Code(), err.Hints())
		}
		if known := fail(CodeUnknown, c.cause, "committing"); known.Code() != CodeUnknown {
			t.Errorf("an unknown commit: %s", known.Code())
		}
	}
}

// TestTooManyOpenFilesIsSaid: SQLite says that it cannot open the database, and not why.
func TestTooManyOpenFilesIsSaid(t *testing.T) {
	dir := madeIn(t, Options{})
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = 3
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Dir: dir})
	if back := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); back != nil {
		t.Fatal(back)
	}
	if problem.CodeOf(err) != CodeDescriptors {
		t.Error(err)
	}
}
