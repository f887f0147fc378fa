package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	driver "modernc.org/sqlite"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	out := make(map[string]fs.FileMode)
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		out[path] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestAnOpenStateIsClosedToOthers(t *testing.T) {
	dir := made(t)
	if err := os.Mkdir(filepath.Join(dir, "cache"), 0o700); err != nil { // run is there, with the queue of the writers
		t.Fatal(err)
	}
	if got := sqlite.Exposed(dir); len(got) > 0 {
		t.Errorf("exposed are %q", got)
	}
	want := make(map[string]fs.FileMode)
	for name, mode := range modes(t, dir) {
		want[name] = mode
		chmod(t, filepath.Join(dir, name), mode.Perm()|mode.Perm()>>3|mode.Perm()>>6)
	}
	if got := sqlite.Exposed(dir); len(got) != len(want) {
		t.Errorf("exposed are %q, want all of %v", got, want)
	}
	open(t, sqlite.Options{Dir: dir, ReadOnly: true})
	if got := sqlite.Exposed(dir); len(got) != len(want) {
		t.Errorf("reading changed what is exposed: %q", got)
	}
	open(t, sqlite.Options{Dir: dir})
	if d := cmp.Diff(want, modes(t, dir)); d != "" {
		t.Errorf("modes (-want +got):\n%s", d)
	}
}

// Such a directory is ours alone, so that nothing in it is anybody else's business; but it is not all the state's either.
func TestFilesBesideAStateKeepTheirModes(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o700)
	tool := filepath.Join(dir, "tool")
	if err := errors.Join(os.WriteFile(tool, nil, 0o700), os.Chmod(tool, 0o755)); err != nil {
		t.Fatal(err)
	}
	open(t, sqlite.Options{Dir: dir})
	if got := modes(t, dir)["tool"].Perm(); got != 0o755 {
		t.Errorf("mode: %v", got)
	}
}

func TestAnEmptyDirectoryIsTaken(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o755)
	open(t, sqlite.Options{Dir: dir})
	if got := modes(t, dir)["."].Perm(); got != 0o700 {
		t.Errorf("mode: %v", got)
	}
}

func TestADirectoryWithOtherThingsIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o755)
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	refuse(t, sqlite.Options{Dir: dir}, sqlite.CodePath)
	if got := modes(t, dir); len(got) != 2 || got["."].Perm() != 0o755 {
		t.Errorf("changed: %v", got)
	}
}

func TestPathsThatCannotHoldAState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below")} {
		refuse(t, sqlite.Options{Dir: dir}, sqlite.CodePath)
	}
}

func TestAPathWithOddCharactersHoldsAState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e&mode=memory é")
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, addEvent)
	if _, err := os.Stat(filepath.Join(dir, "state.db-wal")); err != nil {
		t.Error(err)
	}
}

func TestALostKeyIsNeverReplaced(t *testing.T) {
	dir := made(t)
	key := filepath.Join(dir, "state.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeKey)
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new key was made: %v", err)
	}
}

func TestALostKeyOfAnOlderStateIsNeverReplaced(t *testing.T) {
	dir := made(t)
	execSQL(t, filepath.Join(dir, "state.db"), toVersion1)
	key := filepath.Join(dir, "state.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeKey)
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new key was made: %v", err)
	}
}

func TestFilesThatProcessesShareStayWhenTheLastOneCloses(t *testing.T) {
	dir := made(t)
	for name, size := range map[string]int64{"state.db-wal": 0, "state.db-shm": 32768} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != size {
			t.Errorf("%s: %v, %v; want %d bytes", name, info, err, size)
		}
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	dir := made(t)
	key := filepath.Join(dir, "state.key")
	for name, content := range map[string][]byte{
		"other": bytes.Repeat([]byte{1}, seal.KeySize), "short": make([]byte, seal.KeySize-1), "long": make([]byte, seal.KeySize+1), "empty": {},
	} {
		if err := os.WriteFile(key, content, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeKey) })
	}
}

func TestAKeyByReferenceLeavesNoKeyFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	secret := bytes.Repeat([]byte{7}, seal.KeySize)
	give := func(context.Context) ([]byte, error) { return secret, nil }
	for range 2 {
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, Key: give})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "state.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key file was made: %v", err)
	}
	refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeKey) // without the reference
	no := errors.New("the vault is shut")
	_, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, Key: func(context.Context) ([]byte, error) { return nil, no }})
	wantCode(t, err, sqlite.CodeKey)
	if !errors.Is(err, no) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestAnInterruptedWaitForTheKeyIsNoProblemOfTheKey(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	_, err := sqlite.Open(ctx, sqlite.Options{Dir: made(t), Key: func(context.Context) ([]byte, error) {
		interrupt()
		return nil, errors.New("signal: killed")
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// execSQL does to a database what no part of the program does.
func execSQL(t *testing.T, path, text string) {
	t.Helper()
	lockAsStoresDo(t)
	if err := execDB(path, text); err != nil {
		t.Fatal(err)
	}
}

// lockAsStoresDo chooses the kind of file locks that a store needs, if no store of this process has chosen it.
func lockAsStoresDo(t *testing.T) {
	t.Helper()
	if _, err := driver.OFDLocking(true); err != nil && !errors.Is(err, driver.ErrOFDLockingUnavailable) {
		t.Fatal(err)
	}
}

// execDB opens a database past the store, with the file locks of the process.
func execDB(path, text string) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	_, err = db.Exec(text)
	return errors.Join(err, db.Close())
}

func TestANewerStateIsRefusedAndLeftAlone(t *testing.T) {
	dir := made(t)
	execSQL(t, filepath.Join(dir, "state.db"), "PRAGMA user_version = 99")
	refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeNewer)
	refuse(t, sqlite.Options{Dir: dir, ReadOnly: true}, sqlite.CodeNewer)
}

func TestADatabaseThatIsNotOursIsRefused(t *testing.T) {
	foreign := t.TempDir()
	execSQL(t, filepath.Join(foreign, "state.db"), "CREATE TABLE recipe (name TEXT)")
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, "state.db"), bytes.Repeat([]byte("no database"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{foreign, garbage} {
		chmod(t, dir, 0o700)
		refuse(t, sqlite.Options{Dir: dir}, sqlite.CodeDamaged)
		if _, err := os.Stat(filepath.Join(dir, "state.key")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a key was made: %v", err)
		}
	}
}

func TestReadOnlyCreatesAndChangesNothing(t *testing.T) {
	empty := t.TempDir()
	refuse(t, sqlite.Options{Dir: empty, ReadOnly: true}, sqlite.CodeMissing)
	refuse(t, sqlite.Options{Dir: filepath.Join(empty, "none"), ReadOnly: true}, sqlite.CodeMissing)
	if got := modes(t, empty); len(got) != 1 {
		t.Errorf("created: %v", got)
	}
	dir := made(t)
	copied := copyOf(t, dir, "state.db", "state.key") // as from a backup of the two files that count
	chmod(t, copied, 0o755)
	for _, dir := range []string{dir, copied, copyOf(t, dir, "state.db", "state.db-wal", "state.key")} {
		before := contents(t, dir)
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		view(t, s, func(tx store.Tx) error { _, err := tx.Events(store.EventFilter{}); return err })
		if err := s.Update(context.Background(), func(store.Tx) error { return nil }); err == nil {
			t.Error("an update ran")
		}
		if err := errors.Join(whole(s), s.Close()); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(before, contents(t, dir)); d != "" {
			t.Errorf("changed (-before +after):\n%s", d)
		}
	}
}

// copyOf copies files of a state into a new directory.
func copyOf(t *testing.T, dir string, names ...string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	for _, name := range names {
		copyFile(t, filepath.Join(dir, name), filepath.Join(to, name))
	}
	return to
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, b, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestReadingWaitsForAStateThatIsBeingMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	key := bytes.Repeat([]byte{3}, seal.KeySize)
	begun, goOn, made := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		var once sync.Once
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, Key: func(context.Context) ([]byte, error) {
			once.Do(func() { close(begun) })
			<-goOn
			return key, nil
		}})
		if err == nil {
			err = s.Close()
		}
		made <- err
	}()
	<-begun
	reading := sqlite.Options{Dir: dir, ReadOnly: true, Key: func(context.Context) ([]byte, error) { return key, nil }}
	hasty := reading
	hasty.BusyLimit = 20 * time.Millisecond
	refuse(t, hasty, sqlite.CodeBusy)
	close(goOn)
	open(t, reading)
	if err := <-made; err != nil {
		t.Fatal(err)
	}
}

// A backup that was taken while the state was open has a -wal file with something in it.
func TestWhatWasNotCheckpointedIsRead(t *testing.T) {
	dir := made(t)
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, addEvent)
	files := []string{"state.db", "state.db-wal", "state.key"}
	view(t, open(t, sqlite.Options{Dir: copyOf(t, dir, files...), ReadOnly: true}), oneEvent)

	shut := copyOf(t, dir, files...) // nobody can make the -shm file there, as on a disk that cannot be written to
	if err := os.Symlink(filepath.Join(shut, "nowhere", "file"), filepath.Join(shut, "state.db-shm")); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(context.Background(), sqlite.Options{Dir: shut, ReadOnly: true})
	wantCode(t, err, sqlite.CodePath)
	if e, _ := errors.AsType[*sqlite.Error](err); len(e.Hints()) != 1 || !strings.Contains(e.Hints()[0], "copy") {
		t.Errorf("hints: %q", e.Hints())
	}
}

// A database that nobody has open is read without any lock. When somebody begins to write to it, what is read then may be
// torn, which is no damage.
func TestDamageThatOthersMayHaveMadeByWritingIsNone(t *testing.T) {
	dir := made(t)
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, plant)
	execSQL(t, filepath.Join(dir, "state.db"), "UPDATE connection SET credential = x'00'; PRAGMA wal_checkpoint(TRUNCATE)")
	copied := copyOf(t, dir, "state.db", "state.key")
	reader := open(t, sqlite.Options{Dir: copied, ReadOnly: true})
	wantCode(t, reader.View(context.Background(), lastConnection), sqlite.CodeDamaged)
	if err := os.WriteFile(filepath.Join(copied, "state.db-wal"), []byte("begun"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantCode(t, reader.View(context.Background(), lastConnection), sqlite.CodeBusy)
}

// contents describes the files of a directory; the shared memory, which every reader marks, by its size alone.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for name, mode := range modes(t, dir) {
		out[name] = mode.String()
		if mode.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] += fmt.Sprintf(" %d bytes", len(b))
		if name != "state.db-shm" {
			out[name] += fmt.Sprintf(" %x", b)
		}
	}
	return out
}

func TestCheckFindsDamage(t *testing.T) {
	orphaned := made(t)
	execSQL(t, filepath.Join(orphaned, "state.db"), `PRAGMA foreign_keys = off; INSERT INTO token VALUES (x'01', 'nobody', NULL, 0, 0, NULL)`)
	corrupt := made(t)
	f, err := os.OpenFile(filepath.Join(corrupt, "state.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), 4096*4)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{orphaned, corrupt} {
		s := open(t, sqlite.Options{Dir: dir, ReadOnly: true})
		wantCode(t, whole(s), sqlite.CodeDamaged)
	}
}

func BenchmarkOpenAndClose(b *testing.B) {
	dir := made(b)
	for b.Loop() {
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	s := open(b, sqlite.Options{Dir: made(b)})
	for b.Loop() {
		update(b, s, addEvent)
	}
}

// toVersion1 takes from a state what later migrations gave it.
const toVersion1 = "DROP INDEX delivery_hook; DROP INDEX delivery_pending_listed; DROP INDEX delivery_dead_listed; " +
	"DROP INDEX delivery_discarded_listed; DROP INDEX event_type; DROP INDEX session_status; DROP INDEX session_open_listed; " +
	"DROP INDEX connection_needs_reconnect_listed; DROP INDEX connection_disconnected_listed; DROP INDEX connection_source; " +
	"DROP INDEX connection_provider; DROP INDEX revocation_provider; DROP INDEX delivery_target; ALTER TABLE delivery DROP COLUMN target; DROP TABLE clock; ALTER TABLE action DROP COLUMN documentation_url; DROP INDEX event_outside; DROP INDEX event_source; DROP INDEX event_at; DROP INDEX delivery_at; DROP INDEX delivery_dead; " +
	"DROP INDEX session_at; DROP INDEX connection_listed; DROP TABLE hook_pause; ALTER TABLE event DROP COLUMN human_id; " +
	"ALTER TABLE event DROP COLUMN source; ALTER TABLE delivery DROP COLUMN redelivered; ALTER TABLE delivery DROP COLUMN hung; " +
	"DROP INDEX connection_refresh; " +
	"ALTER TABLE connection DROP COLUMN version; ALTER TABLE connection DROP COLUMN credential_at; " +
	"ALTER TABLE connection DROP COLUMN reconnect_by; ALTER TABLE connection DROP COLUMN can_refresh; " +
	"ALTER TABLE connection DROP COLUMN can_check; ALTER TABLE connection DROP COLUMN reason; " +
	"ALTER TABLE connection DROP COLUMN needs_reconnect_at; ALTER TABLE connection DROP COLUMN refresh_at; " +
	"ALTER TABLE connection DROP COLUMN refresh_owner; ALTER TABLE connection DROP COLUMN refresh_lease_until; " +
	"ALTER TABLE connection DROP COLUMN refresh_begun_at; ALTER TABLE connection DROP COLUMN refresh_tries; " +
	"ALTER TABLE connection DROP COLUMN refresh_next_at; ALTER TABLE connection DROP COLUMN refresh_error; " +
	"DROP TRIGGER session_exit_code; ALTER TABLE session DROP COLUMN cut; DROP TABLE verified_token; " +
	"DROP TABLE secret; DROP TABLE disabled_hook; ALTER TABLE attempt DROP COLUMN hosts; " +
	"ALTER TABLE session DROP COLUMN hooks; PRAGMA user_version = 1"

// A state of before the second migration has the first one's tables alone.
func TestAStateOfAnOlderProgramIsBroughtUpToDateAndKeepsWhatItHas(t *testing.T) {
	dir := made(t)
	human := id.NewHuman()
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, func(tx store.Tx) error { return tx.InsertUser(userOf(human)) })
	execSQL(t, filepath.Join(dir, "state.db"), toVersion1)
	newer := open(t, sqlite.Options{Dir: dir})
	update(t, newer, func(tx store.Tx) error {
		_, err := tx.UserByID(human)
		return errors.Join(err,
			tx.InsertSecret(store.Secret{Name: "a", Value: []byte("b")}), tx.SaveDisabledHook(store.DisabledHook{Hook: "h", Target: []byte("t")}))
	})
}
