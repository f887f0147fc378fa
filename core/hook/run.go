//go:build unix

package hook

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
)

const (
	// termGrace is how long a hook has between TERM and KILL when its time is over.
	termGrace = 2 * time.Second
	// stopGrace is the same when we are stopped ourselves: somebody waits for us.
	stopGrace = 500 * time.Millisecond
	// pipeGrace is how long we go on reading what escaped children hold open.
	pipeGrace = 500 * time.Millisecond
	// killGrace is how long the system may take to end a killed process.
	killGrace = 5 * time.Second
)

// cause is why a command ended.
type cause int

const (
	byItself cause = iota
	late
	stopped
)

type ending struct {
	cause  cause
	status syscall.WaitStatus
	output []byte
}

// run is one run of a command in a session, and so in a process group, of its own.
type run struct {
	clock clock.Clock
	cmd   *exec.Cmd
	limit time.Duration
}

// do runs the command to its end. No member of its process group outlives the call. An error means that it did not
// start.
func (r run) do(ctx context.Context, body []byte) (ending, error) {
	// The parent-death signal comes when the thread that started the child ends, so the thread stays ours until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := newPipes(r.cmd)
	if err != nil {
		return ending{}, err
	}
	r.cmd.SysProcAttr = attributes()
	err = r.cmd.Start()
	p.childHasThem()
	if err != nil {
		p.close()
		return ending{}, err
	}
	p.start(body)
	exited, reap := watch(r.cmd)
	e := ending{cause: r.await(ctx, exited)}
	// In every case: the leader may have gone and left children. It is not reaped yet, so that its group's id is still
	// its own and no stranger is hit.
	signal(r.cmd, syscall.SIGKILL)
	if r.within(exited, killGrace) {
		e.status = reap()
	}
	e.output = p.finish(func(done <-chan struct{}) { r.within(done, pipeGrace) })
	return e, nil
}

// await returns when the leader has exited, or was told to and had its time.
func (r run) await(ctx context.Context, exited <-chan struct{}) cause {
	over, stop := r.clock.After(r.limit)
	defer stop()
	select {
	case <-exited:
		return byItself
	case <-over:
		signal(r.cmd, syscall.SIGTERM)
		r.within(exited, termGrace)
		return late
	case <-ctx.Done():
		signal(r.cmd, syscall.SIGTERM)
		r.within(exited, stopGrace)
		return stopped
	}
}

// within waits for done and says whether it came in time.
func (r run) within(done <-chan struct{}, limit time.Duration) bool {
	over, stop := r.clock.After(limit)
	defer stop()
	select {
	case <-done:
		return true
	case <-over:
		return false
	}
}

// signal goes to the whole group. That nobody is left in it is no error.
func signal(cmd *exec.Cmd, sig syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, sig) }

// pipes are the ends that we own of a command's stdin, stdout and stderr. Package exec would wait for its own pipes as
// long as any grandchild holds them.
type pipes struct {
	stdin, output *os.File
	childs        []*os.File
	fed, read     chan struct{}
	kept          tail
}

func newPipes(cmd *exec.Cmd) (*pipes, error) {
	in, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	output, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), stdin.Close())
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	return &pipes{
		stdin: stdin, output: output, childs: []*os.File{in, out},
		fed: make(chan struct{}), read: make(chan struct{}),
	}, nil
}

func (p *pipes) childHasThem() {
	for _, f := range p.childs {
		_ = f.Close()
	}
}

func (p *pipes) close() {
	_ = p.stdin.Close()
	_ = p.output.Close()
}

func (p *pipes) start(body []byte) {
	go func() {
		defer close(p.fed)
		_, _ = p.stdin.Write(body) // a hook need not read it
		_ = p.stdin.Close()
	}()
	go func() {
		defer close(p.read)
		_, _ = io.Copy(&p.kept, p.output) // ends with the last writer, or by finish
	}()
}

// finish ends both copies and returns the output. wait limits how long an escaped child may hold us.
func (p *pipes) finish(wait func(<-chan struct{})) []byte {
	_ = p.stdin.Close()
	<-p.fed
	wait(p.read)
	_ = p.output.Close()
	<-p.read
	return p.kept.bytes()
}

// wait reaps the leader, which has exited or is about to.
func wait(cmd *exec.Cmd) syscall.WaitStatus {
	_ = cmd.Wait() // its error repeats the status
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status
}
