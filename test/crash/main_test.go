//go:build linux

// Package crash proves at the level of processes what a session promises: however the core, a provider or both end,
// nothing that was acknowledged is lost, nothing is told that did not happen, and nothing is left running.
//
// The programs are built as they are released, and looked at from outside: their output, the journals that hooks write,
// and what the system says of their processes.
package crash_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	// buildLimit is how long the build may take on a slow machine with an empty build cache.
	buildLimit = 10 * time.Minute
	// rootVariable tells the tests where binaries and all that they write lie.
	rootVariable = "TEST_HUMANCONNECT_CRASH"

	flagSessions = "crash.sessions"
	flagSeed     = "crash.seed"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	// Under nohup SIGHUP is ignored, and would be so in the programs that the tests start. They test what it does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	flag.Int(flagSessions, 12, "how many sessions TestKills opens whose core is killed")
	flag.Uint64(flagSeed, 0, "seed of the scripts and moments of TestKills; 0 draws one")
	// Not below TMPDIR: the path of a provider's socket has to be short.
	root, err := os.MkdirTemp("/tmp", "hcc")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin := filepath.Join(root, "bin")
	if err := build(bin); err != nil {
		_ = os.RemoveAll(root)
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(rootVariable, root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	_ = os.RemoveAll(bin)
	_ = os.Remove(root) // not where a failed test left its home to look at
	return code
}

// build makes what make build makes.
func build(bin string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	for out, pkg := range map[string]string{
		"humanconnect":                  "../../cmd/humanconnect",
		"humanconnect-provider-sandbox": "../../providers/sandbox",
		"humanconnect-sandbox":          "../../providers/sandbox/server",
	} {
		c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(bin, out), pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", pkg, err, said)
		}
	}
	lock := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect"), "provider", "lock", "--dir", bin)
	if said, err := lock.CombinedOutput(); err != nil {
		return fmt.Errorf("lock of the providers: %w\n%s", err, said)
	}
	return nil
}

func root() string { return os.Getenv(rootVariable) }

func binary(name string) string { return filepath.Join(root(), "bin", name) }
