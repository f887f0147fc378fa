// Package program has our programs as they are released, for the tests that hold them against those of others.
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

const buildLimit = 10 * time.Minute

// Main runs the tests of a package in a folder of test/peers with the programs in bin: humanconnect, its provider, pinned,
// and the server of the sandbox. It returns the exit code, and leaves nothing behind.
func Main(m *testing.M, bin *string) int {
	dir, err := os.MkdirTemp("", "humanconnect-peer-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*bin = dir
	return m.Run()
}

func build(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "run", "-C", "../../..", "./test/programs/released", dir)
	c.Env = append(os.Environ(), "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, said)
	}
	return nil
}
