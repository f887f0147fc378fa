package hook

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// envWorker makes the test binary a worker on the state in the directory that it names; envSitter, a program that runs a
// hook in a directory.
const (
	envWorker = "HOOK_TEST_WORKER_ON"
	envSitter = "HOOK_TEST_SITTER_IN"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envWorker); dir != "" {
		os.Exit(workUntilKilled(dir))
	}
	if dir := os.Getenv(envSitter); dir != "" {
		os.Exit(sitAtATerminal(dir))
	}
	// A history takes a hundred commits to disk; -rapid.checks asks for more of them.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const killedWorker id.Process = "prc_killed"

// crashHook writes what it got and then never answers its first caller.
func crashHook(dir, sleep string) Hook {
	return Hook{
		Name: "journal", On: []event.On{event.OnClose}, Dir: dir,
		Shell: `cat >> got; [ -e answers ] || { touch sent; exec sleep ` + sleep + `; }`,
	}
}

type alone struct{ self id.Process }

func (a alone) Self() id.Process                 { return a.self }
func (a alone) Alive(p id.Process) (bool, error) { return p != killedWorker, nil }

func workUntilKilled(dir string) int {
	sleep, err := os.ReadFile(filepath.Join(dir, "sleep"))
	if err != nil {
		return 1
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{Dir: filepath.Join(dir, "state")})
	if err != nil {
		return 1
	}
	d := New(Options{
		Store: s, Hooks: Fixed{crashHook(dir, string(sleep))},
		Liveness: alone{killedWorker}, Clock: clock.System(), Sender: realShell(),
	})
	if err := d.Run(ctx, Scope{}); err != nil {
		return 1
	}
	return 0
}

func TestKillBetweenSendAndAnswerSendsTheSameEventAgain(t *testing.T) {
	dir := t.TempDir()
	sleep := mark(t)
	if err := os.WriteFile(filepath.Join(dir, "sleep"), []byte(sleep), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newState(t)
	s.store = openStore(t, filepath.Join(dir, "state"))
	h := crashHook(dir, sleep)
	session := s.session()
	first, second := s.record(session, 1, h), s.record(session, 2, h)

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envWorker+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker sends", func() bool {
		_, err := os.Stat(filepath.Join(dir, "sent"))
		return err == nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if left := survivors(t, sleep); left != nil {
		t.Errorf("the hook of a killed worker lives: %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, "answers"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := New(Options{
		Store: s.store, Hooks: Fixed{h}, Liveness: alone{"prc_next"}, Clock: clock.System(), Sender: realShell(),
	})
	tally, err := d.Drain(t.Context(), Scope{Session: session}, DefaultTimeout)
	if err != nil || tally.Delivered != 2 {
		t.Errorf("%+v, %v", tally, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "got"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimRight(string(got), "\n"), "\n")
	if len(lines) != 3 || lines[0] != lines[1] || !strings.Contains(lines[0], string(first.ID)) || !strings.Contains(lines[2], string(second.ID)) {
		t.Errorf("the receiver got %q", lines)
	}
	if s.only(first.ID).State != store.DeliveryDelivered {
		t.Error("not delivered")
	}
}
