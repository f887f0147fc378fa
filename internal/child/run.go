//go:build unix

package child

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// pipeGrace is how long a run goes on reading what escaped children hold open.
	pipeGrace = 500 * time.Millisecond
	// killGrace is how long the system may take to end a killed process.
	killGrace = 5 * time.Second
)

// Cause is why a command ended.
type Cause int

// The causes.
const (
	// Exited: it ended on its own, with any status.
	Exited Cause = iota
	// Late: it exceeded its Limit.
	Late
	// Stopped: the context ended.
	Stopped
)

// Clock wakes a run. A test has one of its own.
type Clock interface {
	// After returns a channel that gets one value after d, and a function that stops the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// Run is one run of a command.
type Run struct {
	// Cmd has the program, its arguments, environment and directory; the rest of it belongs to the run.
	Cmd *exec.Cmd
	// Session: it gets a session of its own, without our terminal.
	Session bool
	// Input is what it can read on standard input.
	Input []byte
	// Output and Errors take what it writes, Output both where Errors is nil. They must not block, and each is written to
	// until Do returns.
	Output, Errors io.Writer
	// Limit is how long it may take. Then the group gets TERM, and KILL after LateGrace, or after StopGrace if the context
	// ended first.
	Limit, LateGrace, StopGrace time.Duration
	Clock                       Clock
}

// Do runs the command to its end, and returns why it ended. The error is a [StatusError] if it exited with another status
// than 0; any other error means that it did not start. No member of its process group outlives the call.
// Children may escape by a session of their own, and delay the call by half a second if they keep its output open.
func (r Run) Do(ctx context.Context) (Cause, error) {
	// The parent-death signal comes when the thread that started the child ends, so the thread stays ours until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if ctx.Err() != nil {
		return Stopped, nil
	}
	p, err := r.start()
	if err != nil {
		return Exited, err
	}
	leader, exited := r.Cmd.Process.Pid, make(chan struct{})
	go func() {
		defer close(exited)
		AwaitExit(leader)
	}()
	cause := r.await(ctx, exited)
	// The leader may have exited and left children. It is not reaped yet, so that the id of its group is not reused.
	Signal(leader, syscall.SIGKILL)
	if r.within(exited, killGrace) {
		_ = r.Cmd.Wait() // its error repeats the status
	}
	p.finish(func(done <-chan struct{}) { r.within(done, pipeGrace) })
	if cause != Exited {
		return cause, nil
	}
	if status, ok := r.Cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status != 0 {
		return cause, StatusError{status}
	}
	return cause, nil
}

// await returns when the leader has exited, or has been terminated and its grace period is over.
func (r Run) await(ctx context.Context, exited <-chan struct{}) Cause {
	over, stop := r.Clock.After(r.Limit)
	defer stop()
	select {
	case <-exited:
		return Exited
	case <-over:
		r.terminate(exited, r.LateGrace)
		return Late
	case <-ctx.Done():
		r.terminate(exited, r.StopGrace)
		return Stopped
	}
}

func (r Run) terminate(exited <-chan struct{}, grace time.Duration) {
	if grace > 0 {
		Signal(r.Cmd.Process.Pid, syscall.SIGTERM)
		r.within(exited, grace)
	}
}

// within waits for done and says whether it came in time.
func (r Run) within(done <-chan struct{}, limit time.Duration) bool {
	over, stop := r.Clock.After(limit)
	defer stop()
	select {
	case <-done:
		return true
	case <-over:
		return false
	}
}

// pipes are our ends of a command's stdin, stdout and stderr. Package exec would wait for its own pipes as long as any
// grandchild holds them.
type pipes struct {
	stdin *os.File
	// outputs are read into the writers, and childs are the other ends.
	outputs, childs []*os.File
	fed, read       sync.WaitGroup
}

// start starts the command and what feeds and reads it.
func (r Run) start() (*pipes, error) {
	p := &pipes{}
	stdin, err := p.open(true)
	r.Cmd.Stdin = stdin
	var stdout *os.File
	if err == nil {
		stdout, err = p.open(false)
		r.Cmd.Stdout, r.Cmd.Stderr = stdout, stdout
	}
	writers := []io.Writer{r.Output}
	if err == nil && r.Errors != nil {
		writers = append(writers, r.Errors)
		r.Cmd.Stderr, err = p.open(false)
	}
	r.Cmd.SysProcAttr = bounded()
	if r.Session {
		r.Cmd.SysProcAttr = Session()
	}
	if err == nil {
		err = r.Cmd.Start()
	}
	closeAll(p.childs...)
	if err != nil {
		closeAll(append(p.outputs, p.stdin)...)
		return nil, err
	}
	p.fed.Go(func() {
		_, _ = p.stdin.Write(r.Input) // it need not be read
		_ = p.stdin.Close()
	})
	for i, out := range p.outputs {
		p.read.Go(func() { _, _ = io.Copy(writers[i], out) }) // ends with the last writer, or by finish
	}
	return p, nil
}

// open makes a pipe and returns the end that is the child's.
func (p *pipes) open(input bool) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if input {
		p.stdin, p.childs = write, append(p.childs, read)
		return read, nil
	}
	p.outputs, p.childs = append(p.outputs, read), append(p.childs, write)
	return write, nil
}

// finish ends all copies. wait limits the delay by an escaped child.
func (p *pipes) finish(wait func(<-chan struct{})) {
	_ = p.stdin.Close()
	p.fed.Wait()
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read.Wait()
	}()
	wait(read)
	closeAll(p.outputs...)
	<-read
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
