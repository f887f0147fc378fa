//go:build unix

package config

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestSecretFileThatNobodyFillsHoldsNobody: the caller may have no limit of its own.
func TestSecretFileThatNobodyFillsHoldsNobody(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "key")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	came := make(chan error, 1)
	go func() {
		_, err := readSecretFile(context.Background(), pipe, 10*time.Millisecond)
		came <- err
	}()
	select {
	case err := <-came:
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "the file "+pipe+" was not filled in time" {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
}
