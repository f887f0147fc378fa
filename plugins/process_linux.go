package plugins

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// childFD is the descriptor of a program's own file in the program.
const childFD = "/proc/self/fd/3"

// childAttributes puts a child into a group of its own and lets the kernel kill it when the thread that started it
// ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit returns when the child has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// hasExited says whether the child, which nobody has reaped yet, has ended. It leaves it to be reaped.
func hasExited(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && info.Signo != 0
		}
	}
}

// executable is the path by which a program whose opened file is its third descriptor is executed: that very file,
// whatever stands at its path by then. The descriptor stays open in the program, because the interpreter of a script
// has to open it again.
func executable(*os.File, string) (string, error) { return childFD, nil }
