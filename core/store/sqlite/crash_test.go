package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// Each state that a crash can leave between two steps of the creation, made by hand: the next process goes on from it.
func TestEveryStepOfCreationCanBeTheLast(t *testing.T) {
	key := bytes.Repeat([]byte{5}, seal.KeySize)
	for name, files := range map[string]map[string][]byte{
		"directory made":      {},
		"lock made":           {"state.lock": nil},
		"database file made":  {"state.lock": nil, "state.db": nil},
		"half a key written":  {"state.lock": nil, "state.db": nil, "state.key.new": key[:7]},
		"a key written":       {"state.lock": nil, "state.db": nil, "state.key.new": key},
		"key renamed":         {"state.lock": nil, "state.db": nil, "state.key": key},
		"journal mode is set": {"state.lock": nil, "state.db": emptyWAL(t), "state.key": key},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range files {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			wantUsers(t, dir, nil)
			got, err := os.ReadFile(filepath.Join(dir, "state.key"))
			if want := files["state.key"]; err != nil || len(got) != seal.KeySize || want != nil && !bytes.Equal(got, want) {
				t.Errorf("a key of %d bytes, %v; one that was there is kept", len(got), err)
			}
			if _, err := os.Stat(filepath.Join(dir, "state.key.new")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the unfinished key is still there: %v", err)
			}
			s := open(t, sqlite.Options{Dir: dir})
			update(t, s, addEvent)
			if err := s.View(context.Background(), oneEvent); err != nil {
				t.Error(err)
			}
		})
	}
}

// emptyWAL is a database that has its journal mode and nothing else.
func emptyWAL(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	execSQL(t, path, "PRAGMA journal_mode = wal")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func oneEvent(tx store.Tx) error {
	events, err := tx.Events(store.EventFilter{})
	if err == nil && len(events) != 1 {
		err = errors.New("the event that was acknowledged is not there")
	}
	return err
}
