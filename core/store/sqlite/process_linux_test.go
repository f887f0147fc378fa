package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// POSIX locks would be gone (fcntl(2)): another process that closes the database would take itself for the last one.
func TestTheLockOnTheDatabaseHoldsWhenOtherCodeOfTheProcessOpensAndClosesIt(t *testing.T) {
	path := filepath.Join(made(t), "state.db")
	s := open(t, sqlite.Options{Dir: filepath.Dir(path)})
	update(t, s, addEvent)
	f, err := os.Open(path)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	probe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	err = unix.FcntlFlock(probe.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
		t.Errorf("a lock for oneself alone: %v; want it refused", err)
	}
}

// The kind of locks is fixed with the first lock of a process, and that of other code is POSIX.
func TestAStateIsNotOpenedWithLocksThatAnotherCloseDrops(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, "open late", dir)
	if got := strings.Join(c.lines(), " "); !strings.Contains(got, "choosing the kind of file locks") {
		t.Errorf("opening says %s", got)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "state")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory has %v, %v", entries, err)
	}
}
