//go:build unix

package child_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/child"
)

type system struct{}

func (system) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// ran is a run of a line of sh that is over.
type ran struct {
	cause       child.Cause
	err         error
	out, errors string
	dir         string
}

func run(ctx context.Context, t *testing.T, line string, change func(*child.Run)) ran {
	t.Helper()
	dir, out, said := t.TempDir(), &child.Head{Limit: 1 << 10}, &child.Tail{Limit: 1 << 10}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", line)
	cmd.Dir = dir
	r := child.Run{Cmd: cmd, Output: out, Errors: said, Limit: 20 * time.Second, Clock: system{}}
	if change != nil {
		change(&r)
	}
	cause, err := r.Do(ctx)
	return ran{cause, err, string(out.Bytes()), string(said.Bytes()), dir}
}

func TestRunReturnsHowItEnded(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	end()
	short := func(r *child.Run) { r.Limit = 50 * time.Millisecond }
	for name, c := range map[string]struct {
		ctx    context.Context
		line   string
		change func(*child.Run)
		want   ran
	}{
		"well":             {t.Context(), "echo out; echo err >&2", nil, ran{out: "out\n", errors: "err\n"}},
		"by one pipe":      {t.Context(), "echo out; echo err >&2", func(r *child.Run) { r.Errors = nil }, ran{out: "out\nerr\n"}},
		"with a status":    {t.Context(), "exit 3", nil, ran{err: errors.New("exit status 3")}},
		"by a signal":      {t.Context(), "kill -9 $$", nil, ran{err: errors.New("ended by signal 9")}},
		"without a file":   {t.Context(), "exec /nonexistent", nil, ran{err: errors.New("exit status 127: command not found")}},
		"not executable":   {t.Context(), "exec /dev/null", nil, ran{err: errors.New("exit status 126: the command is not executable")}},
		"late":             {t.Context(), "sleep 300", short, ran{cause: child.Late}},
		"late and cleanly": {t.Context(), "trap 'echo clean; exit' TERM; sleep 300 & wait", func(r *child.Run) { r.Limit, r.LateGrace = 3*time.Second, 20*time.Second }, ran{cause: child.Late, out: "clean\n"}},
		"late and deaf":    {t.Context(), "trap '' TERM; while :; do sleep 300; done", func(r *child.Run) { short(r); r.LateGrace = 50 * time.Millisecond }, ran{cause: child.Late}},
		"not wanted":       {over, "touch began", nil, ran{cause: child.Stopped}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(c.ctx, t, c.line, c.change)
			if c.want.err != nil {
				got.errors = "" // the shell's own words
			}
			if got.cause != c.want.cause || fmt.Sprint(got.err) != fmt.Sprint(c.want.err) || got.out != c.want.out || got.errors != c.want.errors {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if _, err := os.Stat(filepath.Join(got.dir, "began")); err == nil {
				t.Error("it was started all the same")
			}
		})
	}
	_, err := child.Run{Cmd: &exec.Cmd{Path: "/nonexistent"}, Output: &child.Head{}, Limit: time.Second, Clock: system{}}.Do(t.Context())
	if status := (child.StatusError{}); errors.As(err, &status) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what cannot be started: %v", err)
	}
}

// left starts a child that would live on, and says whether it does, once the run is over.
func left(ctx context.Context, t *testing.T, after string, change func(*child.Run)) (ran, bool) {
	t.Helper()
	got := run(ctx, t, "sleep 300 > /dev/null 2>&1 & echo $! > pid; "+after, change)
	text, err := os.ReadFile(filepath.Join(got.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	for limit := time.Now().Add(2 * time.Second); time.Now().Before(limit); {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return got, false
		}
		<-time.After(5 * time.Millisecond)
	}
	return got, true
}

func TestChildrenEndWithTheirRun(t *testing.T) {
	late := func(r *child.Run) { r.Limit = 3 * time.Second }
	for name, c := range map[string]struct {
		after  string
		change func(*child.Run)
		cause  child.Cause
		lives  bool
	}{
		"it ends":       {"true", nil, child.Exited, false},
		"it was late":   {"wait", late, child.Late, false},
		"its own group": {"read -r p c s pp pgrp rest < /proc/$$/stat; [ $pgrp = $$ ]", nil, child.Exited, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, lives := left(t.Context(), t, c.after, c.change); lives != c.lives || got.cause != c.cause || got.err != nil {
				t.Errorf("the child lives: %t; %+v", lives, got)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if got, lives := left(ctx, t, "wait", nil); lives || got.cause != child.Stopped || got.err != nil {
		t.Errorf("the child lives: %t; %+v", lives, got)
	}
}

func TestInputIsWrittenAndNeedNotBeRead(t *testing.T) {
	input := func(r *child.Run) { r.Input = []byte(strings.Repeat("x", 1<<20)) }
	if got := run(t.Context(), t, "wc -c", input); strings.TrimSpace(got.out) != "1048576" {
		t.Errorf("%+v", got)
	}
	if got := run(t.Context(), t, "exit 0", input); got.err != nil {
		t.Errorf("%+v", got)
	}
}

func TestOutputIsCutAtItsLimit(t *testing.T) {
	h, tail := &child.Head{Limit: 5}, &child.Tail{Limit: 5}
	for _, p := range []string{"ab", "", "cdefg", "hi", strings.Repeat("-", 20), "xyz"} {
		for _, w := range []interface{ Write([]byte) (int, error) }{h, tail} {
			if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
				t.Errorf("%T: %d %v of %q", w, n, err, p)
			}
		}
	}
	if string(h.Bytes()) != "abcde" || string(tail.Bytes()) != "--xyz" {
		t.Errorf("%q, %q", h.Bytes(), tail.Bytes())
	}
}

func TestExitIsSeenAndLeftToBeReaped(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "cat")
	cmd.SysProcAttr = child.Group()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if child.HasExited(pid) {
		t.Error("it has not ended yet")
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	child.AwaitExit(pid)
	if !child.HasExited(pid) {
		t.Error("it has ended")
	}
	child.Signal(pid, syscall.SIGKILL) // hits nobody, and is no error
	if err := cmd.Wait(); err != nil {
		t.Errorf("its status is gone: %v", err)
	}
}
