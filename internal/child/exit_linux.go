package child

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func bound(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}

// AwaitExit returns when a child has ended, and leaves it to be reaped, so that its group keeps its number (waitid(2),
// WNOWAIT).
func AwaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// HasExited says whether a child, which nobody has reaped yet, has ended. It leaves it to be reaped.
func HasExited(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && info.Signo != 0
		}
	}
}
