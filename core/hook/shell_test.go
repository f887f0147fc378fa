package hook

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/store"
)

func environ(extra ...string) func(string) (string, bool) {
	env := map[string]string{"PATH": os.Getenv("PATH")}
	for _, kv := range extra {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func message(t *testing.T, line string, body string) Message {
	t.Helper()
	return Message{
		Hook: Hook{Name: "journal", Shell: line, Timeout: 20 * time.Second, Dir: t.TempDir()},
		Event: store.Event{
			ID: "evt_1", Session: "ses_1", Sequence: 3, Type: "session.closed", Body: []byte(body),
		},
		Status: "SUCCESS", Try: 2,
	}
}

func send(ctx context.Context, m Message, extra ...string) Outcome {
	return Shell{Environ: environ(extra...), Clock: clock.System()}.Send(ctx, m)
}

func output(t *testing.T, m Message) string {
	t.Helper()
	o := send(t.Context(), m)
	if o.Verdict != Accepted {
		t.Fatalf("not accepted: %s\n%s", o.Error, o.Output)
	}
	return string(o.Output)
}

// survivors returns the processes that carry the mark in their arguments, after those that die have had time to.
func survivors(t *testing.T, mark string) []string {
	t.Helper()
	limit := time.Now().Add(3 * time.Second)
	for {
		left := withArgument(t, mark)
		if len(left) == 0 || time.Now().After(limit) {
			return left
		}
		pause(t)
	}
}

// pause waits a moment between two looks at what another process does.
func pause(t *testing.T) {
	t.Helper()
	tick := time.NewTimer(5 * time.Millisecond)
	defer tick.Stop()
	<-tick.C
}

func withArgument(t *testing.T, mark string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && slices.Contains(strings.Split(string(b), "\x00"), mark) {
			found = append(found, f)
		}
	}
	return found
}

// mark is a number of seconds to sleep that names this test's processes.
func mark(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("3%d.%d", os.Getpid(), time.Now().UnixNano())
}

// Seven shapes in which commands end, or do not, and what of them must be left: nothing.
func TestNothingOfAHookOutlivesItsTry(t *testing.T) {
	shapes := []struct {
		name, line string
		timeout    time.Duration
		want       Outcome
	}{
		{"ends by itself", `echo hi`, 0, Outcome{Verdict: Accepted, Output: []byte("hi\n")}},
		{"leaves a child", `sleep MARK & echo hi`, 0, Outcome{Verdict: Accepted, Output: []byte("hi\n")}},
		{
			"leaves a child that ignores TERM", `(trap '' TERM; sleep MARK; :) & echo hi`, 0,
			Outcome{Verdict: Accepted, Output: []byte("hi\n")},
		},
		{"hangs", `sleep MARK`, 200 * time.Millisecond, Outcome{Verdict: Hung, Error: "not done within 200ms"}},
		{
			"hangs with children", `sleep MARK & sleep MARK; :`, 200 * time.Millisecond,
			Outcome{Verdict: Hung, Error: "not done within 200ms"},
		},
		{
			"ignores TERM", `trap '' TERM; while :; do sleep MARK; done`, 200 * time.Millisecond,
			Outcome{Verdict: Hung, Error: "not done within 200ms"},
		},
		{
			"closes its output and hangs", `exec >&- 2>&-; sleep MARK`, 200 * time.Millisecond,
			Outcome{Verdict: Hung, Error: "not done within 200ms"},
		},
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			sleep := mark(t)
			m := message(t, strings.ReplaceAll(s.line, "MARK", sleep), "{}\n")
			if s.timeout > 0 {
				m.Hook.Timeout = s.timeout
			}
			began := time.Now()
			got := send(t.Context(), m)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %s", took)
			}
			if diff := cmp.Diff(s.want, got, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
				t.Error(diff)
			}
			if left := survivors(t, sleep); left != nil {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestEscapedChildDoesNotHoldTheTry(t *testing.T) {
	m := message(t, `setsid sh -c 'echo $$ > pid; exec sleep 300' & until [ -s pid ]; do :; done; echo hi`, "")
	began := time.Now()
	if got := output(t, m); got != "hi\n" {
		t.Errorf("output %q", got)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %s", took)
	}
	b, err := os.ReadFile(filepath.Join(m.Hook.Dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the escaped child is documented to live: %v", err)
	}
}

func TestCancelStopsTheHookAndIsNoTry(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sleep := mark(t)
	m := message(t, "touch began; sleep "+sleep, "")
	go func() {
		defer cancel()
		for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); pause(t) {
			if _, err := os.Stat(filepath.Join(m.Hook.Dir, "began")); err == nil {
				return
			}
		}
	}()
	if o := send(ctx, m); o.Verdict != Interrupted {
		t.Errorf("outcome %+v", o)
	}
	if left := survivors(t, sleep); left != nil {
		t.Errorf("left over: %v", left)
	}
}

func TestExitStatusDecides(t *testing.T) {
	for line, want := range map[string]Outcome{
		"exit 0":            {Verdict: Accepted},
		"exit 75":           {Verdict: NotNow, Error: "asked for a later try (exit status 75)"},
		"exit 3":            {Error: "exit status 3"},
		"exec /nonexistent": {Error: "exit status 127: command not found"},
		"exec /dev/null":    {Error: "exit status 126: the command is not executable"},
		"kill -9 $$":        {Error: "ended by signal 9"},
	} {
		got := send(t.Context(), message(t, line, ""))
		got.Output = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

func TestMissingDirectoryIsNotNamedInTheError(t *testing.T) {
	m := message(t, "true", "")
	m.Hook.Dir = "/nonexistent/alice"
	got := send(t.Context(), m)
	if want := (Outcome{Error: "could not be started: no such file or directory"}); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestBodyArrivesByteForByte(t *testing.T) {
	body := `{"source":{"name":"Zoë & <Sons>"}}` + strings.Repeat("x", 1<<20) + "\n"
	m := message(t, "cat > got", body)
	output(t, m)
	got, err := os.ReadFile(filepath.Join(m.Hook.Dir, "got"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != body {
		t.Errorf("%d bytes of %d", len(got), len(body))
	}
}

func TestUnreadBodyDoesNotBlock(t *testing.T) {
	output(t, message(t, "exec true", strings.Repeat("x", 1<<20)))
}

func TestOutputIsCappedAtItsEnd(t *testing.T) {
	got := output(t, message(t, `head -c 1000000 /dev/zero | tr '\0' a; echo; echo the end >&2`, ""))
	if len(got) != outputCap || !strings.HasSuffix(got, "a\nthe end\n") {
		t.Errorf("%d bytes, the last are %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestEnvironmentIsExact(t *testing.T) {
	m := message(t, "", "the body")
	m.Hook.Shell, m.Hook.Command = "", []string{"env"}
	o := send(t.Context(), m, "HOME=/home/u", "USER=u", "LANG=C", "LC_ALL=C", "LC_TIME=C", "TZ=UTC", "TMPDIR=/tmp",
		"AWS_SECRET_ACCESS_KEY=s3cret", "HUMANCONNECT_SESSION_TOKEN=hcs_x", "LD_PRELOAD=x", "PWD=/x", "ENV=/x", "IFS=x")
	got := strings.Split(strings.TrimSpace(string(o.Output)), "\n")
	slices.Sort(got)
	want := []string{
		"HOME=/home/u", "HUMANCONNECT_DELIVERY_TRY=2", "HUMANCONNECT_EVENT_ID=evt_1", "HUMANCONNECT_EVENT_TYPE=session.closed",
		"HUMANCONNECT_HOOK=journal", "HUMANCONNECT_SEQUENCE=3", "HUMANCONNECT_SESSION_ID=ses_1",
		"HUMANCONNECT_STATUS=SUCCESS", "LANG=C", "LC_ALL=C", "LC_TIME=C", "PATH=" + os.Getenv("PATH"), "TMPDIR=/tmp",
		"TZ=UTC", "USER=u",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNothingOfTheBodyIsInArgumentsOrEnvironment(t *testing.T) {
	m := message(t, `for p in $PPID $$; do cat /proc/$p/cmdline; done; cat /proc/$$/cmdline /proc/$$/environ`, "alice@clinic")
	if got := output(t, m); strings.Contains(got, "alice") || !strings.Contains(got, "HUMANCONNECT_EVENT_ID=evt_1") {
		t.Errorf("%q", got)
	}
}

func TestArgumentsMeetNoShell(t *testing.T) {
	m := message(t, "", "")
	m.Hook.Shell, m.Hook.Command = "", []string{"printf", "%s|", "$HOME", "a b", "; exit 3", "`id`", "-n", ""}
	if got, want := output(t, m), "$HOME|a b|; exit 3|`id`|-n||"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHookHasItsDirectoryAndANarrowUmask(t *testing.T) {
	m := message(t, `pwd; touch f; ls -l f`, "")
	dir, err := filepath.EvalSymlinks(m.Hook.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, m); !strings.HasPrefix(got, dir+"\n-rw------- ") {
		t.Errorf("%s", got)
	}
}

func TestHookHasNoDescriptorOfOurs(t *testing.T) {
	secret, err := os.CreateTemp(t.TempDir(), "held-by-us")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = secret.Close() }()
	if got := output(t, message(t, `ls -l /proc/$$/fd`, "")); strings.Contains(got, "held-by-us") {
		t.Errorf("a file of ours is open in the hook:\n%s", got)
	}
}

func TestHookLeadsAGroupOfItsOwn(t *testing.T) {
	m := message(t, `read -r pid comm state ppid pgrp rest < /proc/$$/stat; [ "$pgrp" = "$$" ]`, "")
	output(t, m)
}

// sitAtATerminal runs a hook that wants to use the terminal of who runs it.
func sitAtATerminal(dir string) int {
	use := `if (: > /dev/tty) 2> /dev/null; then echo its terminal is ours; else echo it has no terminal; fi`
	o := realShell().Send(context.Background(), Message{Hook: Hook{Name: "journal", Shell: use, Dir: dir}})
	if o.Verdict != Accepted {
		return 1
	}
	_, _ = os.Stdout.Write(o.Output)
	return 0
}

func TestHookDoesNotShareOurTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envSitter+"="+t.TempDir())
	var out strings.Builder
	cmd.Stdout = &out
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := cmd.Wait(); err != nil || out.String() != "it has no terminal\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestHookIsToldToEndAndHasTwoSeconds: it and its children, each of which cleans up behind itself.
func TestHookIsToldToEndAndHasTwoSeconds(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		want  bool
	}{
		"in time":  {termGrace - time.Millisecond, true},
		"too late": {termGrace, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The sleep is told too, so that a shell which is told just before it waits does not wait in vain.
			child := `trap 'echo child > $1.told; read -r go < $1.go; echo clean > $1.clean; exit' TERM; : > $1.ready; sleep 300 & wait`
			m := message(t, `mkfifo a.go b.go; sh -c '`+strings.ReplaceAll(child, "'", `'"'"'`)+`' sh a & set -- b; `+child, "")
			at := func(file string) string { return filepath.Join(m.Hook.Dir, file) }
			is := func(file string) func() bool {
				return func() bool { _, err := os.Stat(at(file)); return err == nil }
			}
			hand := clocktest.New(time.Now())
			came := make(chan Outcome, 1)
			go func() { came <- Shell{Environ: environ(), Clock: hand}.Send(context.Background(), m) }()
			for _, n := range []string{"a", "b"} {
				eventually(t, "it is ready", is(n+".ready"))
			}
			eventually(t, "its time runs", func() bool { return hand.Waiting() == 1 })
			hand.Advance(m.Hook.Timeout)
			for _, n := range []string{"a", "b"} {
				eventually(t, "it is told", is(n+".told"))
			}
			eventually(t, "the rest of its time runs", func() bool { return hand.Waiting() == 1 })
			hand.Advance(test.after)
			if test.want {
				for _, n := range []string{"a", "b"} {
					go func() { _ = os.WriteFile(at(n+".go"), []byte("go\n"), 0o600) }()
					eventually(t, "it cleans up", is(n+".clean"))
				}
			}
			// What is killed, and what it leaves open, is waited for by the same clock.
			o := <-came
			if o.Verdict != Hung || o.Error != "not done within 20s" || is("b.clean")() != test.want {
				t.Errorf("%+v, clean: %t", o, is("b.clean")())
			}
		})
	}
}

// busy keeps its caller's thread to itself for a while, so that other threads take what waits for it.
type busy struct{ clock.Clock }

func (b busy) After(d time.Duration) (<-chan time.Time, func()) {
	for end := time.Now().Add(2 * time.Millisecond); time.Now().Before(end); {
	}
	return b.Clock.After(d)
}

// TestHookOutlivesTheThreadsOfOthers: the system would end it with the thread that started it, which is free for others
// while the hook runs, unless it is held.
func TestHookOutlivesTheThreadsOfOthers(t *testing.T) {
	const hooks = 10
	m := message(t, `: > began.$HUMANCONNECT_DELIVERY_TRY; read -r go < go`, "")
	path := func(name string) string { return filepath.Join(m.Hook.Dir, name) }
	if err := syscall.Mkfifo(path("go"), 0o600); err != nil {
		t.Fatal(err)
	}
	shell, came := Shell{Environ: environ(), Clock: busy{clock.System()}}, make(chan Outcome)
	for i := range hooks {
		m.Try = i
		go func(m Message) { came <- shell.Send(context.Background(), m) }(m)
		eventually(t, "it has begun", func() bool { _, err := os.Stat(path("began." + strconv.Itoa(i))); return err == nil })
	}
	var ending sync.WaitGroup
	for range 100 {
		ending.Go(func() { runtime.LockOSThread() }) // its thread ends with it
	}
	ending.Wait()
	held, err := os.OpenFile(path("go"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := held.WriteString(strings.Repeat("go\n", hooks)); err != nil {
		t.Fatal(err)
	}
	for range hooks {
		if o := <-came; o.Verdict != Accepted {
			t.Errorf("%+v", o)
		}
	}
}

func TestLinesAreSafeOnATerminal(t *testing.T) {
	got := lines([]byte("a\x1b[31mb\tc\u202ed\r\n\xff\n\u200b\n"))
	if diff := cmp.Diff([]string{"a[31mb cd", "\uFFFD", ""}, got); diff != "" {
		t.Error(diff)
	}
}
