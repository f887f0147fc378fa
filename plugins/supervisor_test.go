package plugins_test

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/humanconnect/humanconnect/plugins"
)

// The test provider knows nothing of our lifeline, and its child holds nothing that it was given: the kernel ends them.
func TestNothingOfAProviderSurvivesAKilledCore(t *testing.T) {
	for name, c := range map[string]struct {
		wrap []string
		want int
	}{
		"program":         {nil, 3}, // the core, its provider, and the provider's child
		"behind a script": {[]string{"/bin/sh", "-c", `"$@"; exit`, "sh"}, 4},
		"behind a script that gives it no descriptor": {
			[]string{"/bin/sh", "-c", `"$@" </dev/null 3<&- & wait`, "sh"}, 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			dir := shortDir(t)
			command := append(slices.Clone(c.wrap), s.spec("provider").Command...)
			host := exec.Command(s.self, append([]string{actPrefix + "host", s.marker, dir}, command...)...)
			out, err := host.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || line != "ready\n" {
				t.Fatalf("%q %v", line, err)
			}
			if got := len(s.pids()); got != c.want {
				t.Fatalf("%d processes, want %d", got, c.want)
			}
			if err := host.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = host.Wait()
			s.nothingLeft()
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
				t.Errorf("the dead core left %q, want one directory", left)
			}
			s.sweeps(dir)
		})
	}
}

// sweeps looks whether the next core sweeps what a dead one left.
func (s *stage) sweeps(dir string) {
	s.t.Helper()
	next := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, RuntimeDir: dir})
	provider(s.t, next)
	if err := next.Close(s.t.Context()); err != nil {
		s.t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		s.t.Errorf("the next core did not sweep %q", left)
	}
}

// A provider that could open the terminal would write over the screens, and read the keys that are meant for us.
func TestProviderHasNoTerminalWhereItsCoreHasOne(t *testing.T) {
	s := newStage(t)
	core := exec.Command(s.self, append([]string{actPrefix + "terminal", s.marker, shortDir(t)}, s.spec("provider").Command...)...)
	terminal, err := pty.Start(core)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	line, err := bufio.NewReader(terminal).ReadString('\n')
	if want := `core: "", provider: "open /dev/tty: no such device or address"`; strings.TrimSpace(line) != want {
		t.Errorf("%q, %v; want %q", line, err, want)
	}
	if err := core.Wait(); err != nil {
		t.Error(err)
	}
}

// The kernel sends the parent-death signal when the thread ends that forked, so the thread must not be the caller's.
func TestProviderOutlivesTheThreadThatAskedForIt(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	pid := make(chan int)
	go func() {
		// A goroutine that ends while it is locked takes its thread with it.
		runtime.LockOSThread()
		p, err := h.Provider(context.Background(), "test", "instant")
		if err != nil {
			t.Error(explain(err))
			pid <- 0
			return
		}
		pid <- report(t, p).Pid
	}()
	first := <-pid
	p := provider(t, h)
	for range 50 {
		endThread()
		if got := report(t, p).Pid; got != first {
			t.Fatalf("the provider was started anew: %d, then %d", first, got)
		}
	}
}

// endThread makes a thread of this process end.
func endThread() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
	}()
	<-ended
}
