package filetrust_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// TestRootMakesNothingInTheHomeOfAnother: sudo -E keeps HOME.
func TestRootMakesNothingInTheHomeOfAnother(t *testing.T) {
	home := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(home, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(home, ".local", "state", "humanconnect")
	if err := (filetrust.Maker{UID: 0}).All(dir); !errors.Is(err, filetrust.ErrHome) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 0 {
		t.Errorf("made: %v, %v", entries, err)
	}
	var made []string
	m := filetrust.Maker{UID: 12345, Made: func(parent string) error { made = append(made, parent); return nil }}
	if err := m.All(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 || len(made) < 3 || made[0] != home && made[0] != filepath.Dir(home) {
		t.Errorf("%v, %v, %q", info, err, made)
	}
}
