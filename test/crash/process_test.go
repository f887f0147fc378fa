//go:build linux

package crash_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a run of the program that has not ended yet.
type running struct {
	cmd    *exec.Cmd
	out    *printed
	errors string
	done   chan struct{}
	cancel context.CancelFunc
}

// start begins a run; what it writes to standard error goes to a file. The test waits for its end.
func (p *place) start(t testing.TB, args ...string) *running {
	t.Helper()
	r, err := p.launch(false, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.cancel()
		<-r.done
	})
	return r
}

// launch begins a run. With hold, no more than the first byte of its output is taken before it has ended, and little
// more fits between the two.
func (p *place) launch(hold bool, args ...string) (*running, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	r := &running{cmd: p.command(ctx, args...), done: make(chan struct{}), cancel: cancel}
	said, err := os.CreateTemp(p.dir, "stderr")
	if err != nil {
		cancel()
		return nil, err
	}
	defer said.Close()
	r.errors = said.Name()
	ours, theirs, err := narrowPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	r.cmd.Stdout, r.cmd.Stderr = theirs, said
	r.cmd.WaitDelay = time.Second
	err = r.cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		cancel()
		return nil, err
	}
	r.out = &printed{first: make(chan struct{}), all: make(chan struct{})}
	go r.out.read(ours, hold, r.done)
	go func() {
		_ = r.cmd.Wait() // the exit code is kept
		cancel()
		close(r.done)
	}()
	return r, nil
}

// narrowPipe is a pair of sockets between which a few thousand bytes fit.
func narrowPipe() (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	_ = syscall.SetsockoptInt(fds[1], syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1)
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"), nil
}

// printed is what a run writes to standard output. text is set when all is closed.
type printed struct {
	first, all chan struct{}
	text       string
}

func (o *printed) read(from *os.File, hold bool, ended <-chan struct{}) {
	defer close(o.all)
	defer from.Close()
	var b bytes.Buffer
	one := make([]byte, 1)
	n, err := from.Read(one)
	b.Write(one[:n])
	if n > 0 {
		close(o.first)
	}
	if hold {
		<-ended
	}
	if err == nil {
		_, _ = b.ReadFrom(from) // a killed writer may end it with a reset
	}
	o.text = b.String()
}

// end waits for the end of the run.
func (r *running) end() result {
	<-r.done
	<-r.out.all
	said, err := os.ReadFile(r.errors)
	if err != nil {
		said = []byte(err.Error())
	}
	return result{code: exitCode(r.cmd), out: r.out.text, err: string(said)}
}

func (r *running) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *running) signal(s syscall.Signal) { _ = r.cmd.Process.Signal(s) }

// child is a process that a run started, or that one of those did.
type child struct {
	pid     int
	exe     string
	argv    string
	environ string
}

// provider says whether this is a process of the provider whose sources are connected here.
func (c child) provider() bool {
	return strings.HasPrefix(c.exe, binary("humanconnect-provider-sandbox"))
}

// children are the processes, the core's own excepted, that have a path in their environment or are executed from it.
func children(path string) []child {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []child
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Between fork and exec a child still has all of its parent's. What it is is read before and after the rest: it may become
		// another program meanwhile, and must not be taken for one with what the other has.
		exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil || exe == binary("humanconnect") {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !bytes.Contains(environ, []byte(path+"/")) {
			continue
		}
		argv, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if is, gone := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err == nil && gone == nil && is == exe {
			found = append(found, child{pid: pid, exe: exe, argv: string(argv), environ: string(environ)})
		}
	}
	return found
}

// survivors are those that are still there when there has been time to end. They are ended then.
func (p *place) survivors(limit time.Duration) []child {
	var left []child
	poll(limit, func() bool {
		left = children(p.dir)
		return len(left) == 0
	})
	for _, c := range left {
		_ = syscall.Kill(c.pid, syscall.SIGKILL)
	}
	return left
}

// providers are the processes of providers that runs of this place have.
func (p *place) providers() []int {
	var pids []int
	for _, c := range children(p.dir) {
		if c.provider() {
			pids = append(pids, c.pid)
		}
	}
	return pids
}

// signal sends a signal to all providers of this place, and says to how many.
func (p *place) signal(s syscall.Signal) int {
	pids := p.providers()
	for _, pid := range pids {
		_ = syscall.Kill(pid, s)
	}
	return len(pids)
}
