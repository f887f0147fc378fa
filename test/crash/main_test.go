//go:build linux

// Package crash proves at the level of processes what a session promises: however the core, a provider or both end,
// nothing that was acknowledged is lost, nothing is told that did not happen, and nothing is left running.
//
// The programs are built as they are released, and looked at from outside: their output, the journals that hooks write,
// and what the system says of their processes.
package crash_test

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/test/programs"
)

const (
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
	if err := programs.Build(bin, programs.Released); err != nil {
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

func root() string { return os.Getenv(rootVariable) }

func binary(name string) string { return filepath.Join(root(), "bin", name) }
