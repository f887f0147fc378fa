package hook

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give the command a session of its own, and its death with the thread that started it. It leads the session's
// process group, and has no terminal: it neither writes over our screens nor stops where it reads.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// watch tells of the leader's exit without reaping it (waitid(2), WNOWAIT), so that its process group keeps its id
// until reap.
func watch(cmd *exec.Cmd) (exited <-chan struct{}, reap func() syscall.WaitStatus) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return done, func() syscall.WaitStatus { return wait(cmd) }
}
