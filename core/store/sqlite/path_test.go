package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestAStateOnANetworkFileSystemIsRefused(t *testing.T) {
	far := realSystem()
	far.networkFS = func(string) string { return "nfs" }
	wantRefusal(t, far, CodeNetworkFS)
}

func TestAStateOfAnotherUserIsRefused(t *testing.T) {
	foreign := realSystem()
	foreign.ours = func(fs.FileInfo) bool { return false }
	wantRefusal(t, foreign, CodePath)
}

// wantRefusal wants that a state is neither made nor read where the system answers like this, and that nothing changes.
func wantRefusal(t *testing.T, s *system, code problem.Code) {
	t.Helper()
	held, empty := filepath.Join(t.TempDir(), "state"), t.TempDir()
	if err := os.Chmod(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := Open(context.Background(), Options{Dir: held})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Dir: held}, {Dir: held, ReadOnly: true}, {Dir: empty}} {
		o.system = s
		if s, err := Open(context.Background(), o); problem.CodeOf(err) != code {
			t.Errorf("%+v: %v, %v; want the code %s", o, s, err, code)
		}
	}
	info, err := os.Stat(empty)
	files, err2 := os.ReadDir(empty)
	if err := errors.Join(err, err2); err != nil || info.Mode().Perm() != 0o755 || len(files) > 0 {
		t.Errorf("changed: %v, %v, %v", info.Mode(), files, err)
	}
}

// What the creation brings to the disk, in this order, before the database names the key.
func TestDirectoriesAndKeyAreOnTheDiskBeforeTheStateNamesTheKey(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "b", "state")
	key := filepath.Join(dir, fileKey)
	var synced []string
	watched := realSystem()
	watched.sync = func(f *os.File) error {
		name, err := filepath.Rel(base, f.Name())
		if info, _ := os.Stat(key); info != nil {
			name += ", with its key"
		}
		if info, _ := os.Stat(filepath.Join(dir, fileDB)); info != nil && info.Size() > 0 {
			name += ", with its database"
		}
		synced = append(synced, name)
		return errors.Join(err, f.Sync())
	}
	s, err := Open(context.Background(), Options{Dir: dir, system: watched})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	want := []string{".", "a", "a/b", "a/b/state/state.key.new", "a/b/state, with its key"}
	if d := cmp.Diff(want, synced); d != "" {
		t.Errorf("synced (-want +got):\n%s", d)
	}
}

func TestAStateIsNotMadeWhereItCannotBeBroughtToTheDisk(t *testing.T) {
	broken := errors.New("input/output error")
	failing := realSystem()
	failing.sync = func(*os.File) error { return broken }
	for name, dir := range map[string]string{"directory": filepath.Join(t.TempDir(), "state"), "key": t.TempDir()} {
		_, err := Open(context.Background(), Options{Dir: dir, system: failing})
		if problem.CodeOf(err) != CodePath || !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if exists(filepath.Join(dir, fileKey)) {
			t.Errorf("%s: there is a key", name)
		}
	}
}
