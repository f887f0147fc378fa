package plugins

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/internal/child"
)

const (
	// drainLimit is how long the output of an ended process is still awaited. Its group is dead by then, so only a
	// descendant that left the group can hold the pipes.
	drainLimit = 250 * time.Millisecond
	// unreadTries is how many times as long what is in the pipes by then is waited for, where this machine is slow to read it.
	unreadTries = 20
	// busyTries and busyPause limit the retries for a file that is still open for writing (ETXTBSY), as it happens just
	// after an install.
	busyTries = 5
	busyPause = 20 * time.Millisecond
)

// process is one running program: the leader of a session and a process group of its own, whose stdin is a lifeline that ends when
// this process does. All methods are safe for concurrent use.
type process struct {
	cmd      *exec.Cmd
	lifeline *os.File
	// done is closed once the program has ended, its whole group has been killed, the leader is reaped, and its output
	// is read.
	done chan struct{}

	mu     sync.Mutex
	reaped bool
	// killed says that it had not ended when we killed it.
	killed bool
}

// readers read the output of a program to its end, each on a goroutine of its own.
type readers struct{ stdout, stderr func(io.Reader) }

// startProcess starts the program and returns when it has been executed, or could not be. The process waits for it from then
// on, and owns the command's files and SysProcAttr.
func startProcess(cmd *exec.Cmd, read readers) (*process, error) {
	pipes, err := openPipes()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes.stdin[0], pipes.stdout[1], pipes.stderr[1]
	cmd.SysProcAttr = child.Session()
	p := &process{cmd: cmd, lifeline: pipes.stdin[1], done: make(chan struct{})}
	started, reaped := make(chan error, 1), make(chan struct{})
	go p.startAndReap(started, reaped)
	err = <-started
	closeFiles(pipes.stdin[0], pipes.stdout[1], pipes.stderr[1])
	if err != nil {
		closeFiles(pipes.stdin[1], pipes.stdout[0], pipes.stderr[0])
		return nil, err
	}
	var drains sync.WaitGroup
	drains.Go(func() { read.stdout(pipes.stdout[0]) })
	drains.Go(func() { read.stderr(pipes.stderr[0]) })
	go p.finish(reaped, &drains, pipes)
	return p, nil
}

// startAndReap starts and awaits the child on one locked thread, because the parent-death signal of Linux comes when the
// thread that forked ends, not when the process does.
func (p *process) startAndReap(started chan<- error, reaped chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := startRetrying(p.cmd); err != nil {
		started <- err
		return
	}
	pid := p.cmd.Process.Pid
	guard := guardGroup(pid)
	started <- nil
	child.AwaitExit(pid)
	p.mu.Lock()
	// The leader is a zombie, so its pid, hence the group's id, is not reused yet.
	child.Signal(pid, syscall.SIGKILL)
	guard.release()
	_ = p.cmd.Wait()
	p.reaped = true
	p.mu.Unlock()
	close(reaped)
}

// startRetrying starts the command again while its file is open for writing somewhere.
func startRetrying(cmd *exec.Cmd) error {
	for try := 1; ; try++ {
		again := exec.Cmd{
			Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir,
			Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr,
			ExtraFiles: cmd.ExtraFiles, SysProcAttr: cmd.SysProcAttr,
		}
		err := cmd.Start()
		if !errors.Is(err, syscall.ETXTBSY) || try == busyTries {
			return err
		}
		<-time.After(time.Duration(try) * busyPause)
		*cmd = again
	}
}

// finish lets the output be read to its end, for a limited time, and closes what is left.
func (p *process) finish(reaped <-chan struct{}, drains *sync.WaitGroup, pipes *pipes) {
	<-reaped
	drained := make(chan struct{})
	go func() {
		drains.Wait()
		close(drained)
	}()
	for try := 0; !isClosedWithin(drained, drainLimit) && try < unreadTries && pipes.hasUnread(); try++ {
	}
	closeFiles(pipes.stdin[1], pipes.stdout[0], pipes.stderr[0])
	<-drained
	close(p.done)
}

// kill ends the whole group now. It does nothing once the leader has been reaped.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		p.killed = p.killed || !child.HasExited(p.cmd.Process.Pid)
		child.Signal(p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// exited says whether the program has ended, even if the goroutine here has not noticed yet: done is closed soon then.
func (p *process) exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reaped || child.HasExited(p.cmd.Process.Pid)
}

// endsWithin says whether the process ended, its output read, before the time was over.
func (p *process) endsWithin(d time.Duration) bool {
	return isClosedWithin(p.done, d)
}

func isClosedWithin(c <-chan struct{}, d time.Duration) bool {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-c:
		return true
	case <-limit.C:
		return false
	}
}

// state is how the process ended; only valid once done is closed.
func (p *process) state() *os.ProcessState { return p.cmd.ProcessState }

// wasKilled says that we ended it: how it ended then says nothing about it.
func (p *process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// pipes are the three standard files of a program, read end first. All are files, so that exec starts no copying of
// its own and its Wait returns at once.
type pipes struct{ stdin, stdout, stderr [2]*os.File }

func openPipes() (*pipes, error) {
	p := &pipes{}
	for _, pair := range []*[2]*os.File{&p.stdin, &p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			closeFiles(append(p.stdin[:], append(p.stdout[:], p.stderr[:]...)...)...)
			return nil, err
		}
		pair[0], pair[1] = r, w
	}
	return p, nil
}

// hasUnread says whether the program has written what nobody has read yet.
func (p *pipes) hasUnread() bool { return unread(p.stdout[0]) > 0 || unread(p.stderr[0]) > 0 }

// unread is how many bytes are in a pipe.
func unread(pipe *os.File) (n int) {
	raw, err := pipe.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unreadRequest) }) // 0 where it is not known
	}
	return n
}

// closeFiles closes those that are not nil.
func closeFiles(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // of nil it does nothing
	}
}
