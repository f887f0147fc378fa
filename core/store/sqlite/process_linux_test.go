package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
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
