//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package child

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// bound does nothing: these systems have no parent-death signal.
func bound(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }

// AwaitExit returns when a child has ended, and leaves it to be reaped, so that its group keeps its number.
func AwaitExit(pid int) { exits(pid, nil) }

// HasExited says whether a child, which nobody has reaped yet, has ended. It leaves it to be reaped.
func HasExited(pid int) bool { return exits(pid, &unix.Timespec{}) }

// exits says whether the child ends within the limit; nil is none.
func exits(pid int, limit *unix.Timespec) bool {
	queue, err := unix.Kqueue()
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(queue) }()
	watch := unix.Kevent_t{Fflags: unix.NOTE_EXIT}
	unix.SetKevent(&watch, pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	changes, events := []unix.Kevent_t{watch}, make([]unix.Kevent_t, 1)
	for {
		// ESRCH means that it has ended already.
		n, err := unix.Kevent(queue, changes, events, limit)
		if !errors.Is(err, unix.EINTR) {
			return n > 0 || errors.Is(err, unix.ESRCH)
		}
	}
}
