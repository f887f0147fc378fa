package plugins_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// startRuns is how often a start that fails is repeated: the diagnosis must not depend on who is faster.
const startRuns = 30

// go-plugin kills what ends without a handshake. That is not to be told as what happened to the program.
func TestStartThatFailsIsDiagnosedTheSameEachTime(t *testing.T) {
	s := newStage(t)
	node, err := os.ReadFile("../test/peers/provider/humanconnect-provider-notebook")
	if err != nil {
		t.Fatal(err)
	}
	node = append([]byte("#!/usr/bin/env node\n"), node[bytes.IndexByte(node, '\n')+1:]...)
	for name, c := range map[string]struct {
		spec plugins.Spec
		kind problem.Code
		says string
	}{
		"a missing program":                 {s.script(t, "#!/usr/bin/env nope"), plugins.CodeNotExecutable, "needs the program nope, which is not installed"},
		"with arguments":                    {s.script(t, "#!/usr/bin/env -S nope -u"), plugins.CodeNotExecutable, "needs the program nope, which"},
		"as one argument":                   {s.script(t, "#!/usr/bin/env nope -u"), plugins.CodeNotExecutable, "needs the program nope -u, which"},
		"Node":                              {s.script(t, string(node)), plugins.CodeNotExecutable, "needs the program node, which is not installed"},
		"by a command":                      {s.command("/usr/bin/env", "nope"), plugins.CodeNotExecutable, "needs the program nope, which"},
		"by a shell":                        {s.script(t, "#!/bin/sh\nexec nope"), plugins.CodeNotAPlugin, "exit status 127"},
		"closed, and stays":                 {s.script(t, "#!/bin/sh\nexec 1>&-\nexec sleep 300"), plugins.CodeNotAPlugin, "closed its standard output without a handshake, and did not exit"},
		"closed, and exits later":           {s.script(t, "#!/bin/sh\nexec 1>&-\nsleep 0.1\nexit 4"), plugins.CodeNotAPlugin, "exit status 4"},
		"closed, and killed by a signal":    {s.script(t, "#!/bin/sh\nexec 1>&-\nsleep 0.1\nkill -11 $$"), plugins.CodeCrashed, "segmentation fault"},
		"closed, and killed by SIGKILL":     {s.script(t, "#!/bin/sh\nexec 1>&-\nsleep 0.1\nkill -9 $$"), plugins.CodeCrashed, "OOM killer"},
		"all closed, and a child stays":     {s.script(t, "#!/bin/sh\nexec 1>&- 2>&-\nsleep 300 & exit 5"), plugins.CodeNotAPlugin, "exit status 5"},
		"printed, and stays":                {s.script(t, "#!/bin/sh\necho hello\nexec sleep 300"), plugins.CodePrinted, "«hello»"},
		"printed in part, and exits":        {s.script(t, "#!/bin/sh\nprintf hello"), plugins.CodePrinted, "«hello»"},
		"an empty line":                     {s.script(t, "#!/bin/sh\necho\nexec sleep 300"), plugins.CodePrinted, "an empty line"},
		"an endless line":                   {s.script(t, "#!/bin/sh\nexec tr '\\0' x < /dev/zero"), plugins.CodePrinted, "«xxxxxxxxxx"},
		"a carriage return":                 {s.script(t, "#!/bin/sh\nprintf '10%%\\r20%%\\n'\nexec sleep 300"), plugins.CodePrinted, `«10%\r20%»`},
		"lines of Windows":                  {s.script(t, "#!/bin/sh\r\nexit 0\r"), plugins.CodeNotExecutable, `needs the interpreter /bin/sh\r, which is not installed`},
		"lines of Windows after env":        {s.script(t, "#!/usr/bin/env sh\r\nexit 0\r"), plugins.CodeNotExecutable, `needs the program sh\r, which is not installed`},
		"an interpreter that is no file":    {s.script(t, "#!/usr\n"), plugins.CodeNotExecutable, "needs the interpreter /usr, which this system cannot run"},
		"an interpreter's interpreter":      {s.script(t, "#!"+s.script(t, "#!/nowhere/sh").Path()), plugins.CodeNotExecutable, "needs the interpreter /nowhere/sh, which is not installed"},
		"an interpreter without permission": {s.script(t, "#!/etc/hostname"), plugins.CodeNotExecutable, "needs the interpreter /etc/hostname, which this system cannot run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, told := range s.in(t).startAll(c.spec) {
				if e := failure(t, told); e.Code() != c.kind || !strings.Contains(explain(told), c.says) {
					t.Errorf("want %s, %q, not\n%s", c.kind, c.says, explain(told))
				}
			}
		})
	}
}

// startAll starts a provider many times at once, with a PATH that has no node, and returns the errors.
func (s *stage) startAll(spec plugins.Spec) []error {
	s.t.Helper()
	var runs sync.WaitGroup
	told := make([]error, startRuns)
	for i := range told {
		h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, Environ: []string{"PATH=" + barePath(s.t)}, Limits: plugins.Limits{Start: time.Minute}})
		runs.Go(func() { _, told[i] = h.Provider(s.t.Context(), "test", "instant") })
	}
	runs.Wait()
	return told
}

// barePath is a directory of programs with a few of the system's.
func barePath(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sh", "sleep", "tr"} {
		target, err := filepath.EvalSymlinks("/bin/" + name)
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// script is an executable file that is a script.
func (s *stage) script(t *testing.T, text string) plugins.Spec {
	t.Helper()
	return s.file(t, text+"\n", 0o755)
}

func TestLineThatIsNotEndedIsQuotedWhenTheStartIsOver(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{
		Specs:  []plugins.Spec{s.script(t, "#!/bin/sh\nprintf '1|1|unix|/x|grpc'\nexec sleep 300")},
		Limits: plugins.Limits{Start: 2 * time.Second},
	})
	_, err := h.Provider(t.Context(), "test", "instant")
	if e := failure(t, err); e.Code() != plugins.CodeStartTimeout || !strings.Contains(explain(err), "«1|1|unix|/x|grpc»") ||
		!strings.Contains(explain(err), "line feed") {
		t.Error(explain(err))
	}
}

func TestNoHintPointsToOutputThatIsNotThere(t *testing.T) {
	s := newStage(t)
	for name, script := range map[string]string{
		"exits":                   "exit 3",
		"hangs":                   "exec sleep 300",
		"exits after a handshake": `echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/x|grpc"`,
		"closes":                  "exec 1>&-; exec sleep 300",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.in(t).host(plugins.Options{Specs: []plugins.Spec{s.script(t, "#!/bin/sh\n"+script)}, Limits: plugins.Limits{Start: 3 * time.Second}})
			_, err := h.Provider(t.Context(), "test", "instant")
			for _, hint := range failure(t, err).Hints() {
				if strings.Contains(hint, "standard error") || strings.Contains(hint, "above") {
					t.Error(explain(err))
				}
			}
		})
	}
}

// A provider that does nothing but write is killed, wherever it writes, in all its starts, and costs core little.
func TestProviderThatWritesTooMuchIsKilled(t *testing.T) {
	s := newStage(t)
	for name, script := range map[string]string{
		"stderr, before the handshake": "yes >&2",
		"stderr, in one line":          "tr '\\0' x < /dev/zero >&2",
		"empty lines":                  "yes '' >&2",
		"stdout, after the handshake":  `echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/x|grpc"; yes`,
	} {
		t.Run(name, func(t *testing.T) {
			var lines journal
			h := s.in(t).host(plugins.Options{
				Specs: []plugins.Spec{s.script(t, "#!/bin/sh\n"+script)}, Log: lines.log, Limits: plugins.Limits{Start: time.Minute},
			})
			before := usedTime(t)
			_, err := h.Provider(t.Context(), "test", "instant")
			if e := failure(t, err); e.Code() != plugins.CodeFlood && name != "stdout, after the handshake" || strings.Contains(explain(err), "OOM") {
				t.Error(explain(err))
			}
			if used := usedTime(t) - before; used > 2*time.Second {
				t.Errorf("core worked for %s", used)
			}
		})
	}
}

// In a call, it is killed too: no call is repeated, and the provider is not started for ever.
func TestCallEndsWhenItsProviderWritesTooMuch(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	for n := range 4 {
		_, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "gushes", Reply: sdk.Start{}})
		e := failure(t, err)
		if n < 3 && (e.Code() != plugins.CodeFlood || e.Crashed() || !strings.Contains(explain(err), "wrote too much")) {
			t.Error(explain(err))
		}
		if n == 3 && !strings.Contains(explain(err), "is not started again") {
			t.Error(explain(err))
		}
	}
}

// usedTime is the processor time of this process.
func usedTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// gush writes short lines for ever.
func gush(file *os.File) {
	for line := []byte(fmt.Sprintln("x")); ; {
		if _, err := file.Write(bytes.Repeat(line, 1000)); err != nil {
			return
		}
	}
}

// A script has no name of its own in a list of processes, but that of its interpreter and the path by which it was executed.
func TestListOfProcessesShowsTheNameOfAScript(t *testing.T) {
	s := newStage(t)
	spec := s.script(t, "#!/bin/sh -e\n"+s.self+" act:provider "+s.marker+" & wait")
	spec.Command[0] = filepath.Join(filepath.Dir(spec.Command[0]), "other")
	if err := os.Rename(filepath.Join(filepath.Dir(spec.Command[0]), plugins.Prefix+"test"), spec.Command[0]); err != nil {
		t.Fatal(err)
	}
	started := make(chan int, 1)
	h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, Started: func(_ string, pid int) { started <- pid }})
	provider(t, h)
	pid := <-started
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(string(command), "\x00")
	if filepath.Base(args[2]) != plugins.Prefix+"test" || strings.TrimSpace(string(name)) != (plugins.Prefix + "test")[:15] {
		t.Errorf("%q, %q", args, name)
	}
	if strings.Contains(string(command), "instant") {
		t.Errorf("it names the source: %q", args)
	}
}
