//go:build unix

package sqlite_test

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

func TestEverythingIsForTheOwnerAloneWhateverTheUmask(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, addEvent)
	view(t, s, func(store.Tx) error { return nil })
	want := map[string]fs.FileMode{
		".": fs.ModeDir | 0o700, "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600, "state.lock": 0o600, "state.key": 0o600,
		"run": fs.ModeDir | 0o700, "run/write.queue": 0o600,
	}
	if d := cmp.Diff(want, modes(t, dir)); d != "" {
		t.Errorf("modes (-want +got):\n%s", d)
	}
}
