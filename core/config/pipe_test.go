package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestConfigComesByAPipe: as a shell gives it, where the writer may be done before anybody reads.
func TestConfigComesByAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("version: 1\nclientId: piped\nstore: {path: here}\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	c, _, err := Load(Options{Path: path, UID: os.Getuid(), Home: "/h"})
	if err != nil {
		t.Fatal(err)
	}
	if here, _ := filepath.Abs("here"); c.ClientID != "piped" || c.StateDir != here {
		t.Errorf("%s in %s", c.ClientID, c.StateDir)
	}
	if w := NewWatch(Options{Path: path}); w.Changed() {
		t.Error("what was read has changed")
	}
}

func TestNamedPipeWaitsForItsWriterAndNotForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readPipe(path, os.Getuid(), 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not come to its end within 20ms") {
		t.Errorf("without a writer: %v", err)
	}
	other := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(other, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(other, []byte("actions: [{connect: a}]\n"), 0o600) }()
	if p, _, err := ReadPlan(other, os.Getuid()); err != nil || len(p.Actions) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	select {
	case err := <-wrote:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * pipeTime):
		t.Fatal("nobody read the pipe")
	}
	// Nobody opens a pipe that others can write.
	if err := os.Chmod(other, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadPlan(other, os.Getuid()); !problem.Is(err, CodeMode) {
		t.Errorf("writable by everyone: %v", err)
	}
	if os.Getuid() != 0 { // whose files are everybody's
		if _, _, err := readPipe(path, os.Getuid()+1, time.Minute); !problem.Is(err, CodeMode) {
			t.Errorf("another's: %v", err)
		}
	}
	if f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { // lets the first reader go
		_ = f.Close()
	} else if !errors.Is(err, syscall.ENXIO) {
		t.Error(err)
	}
}
