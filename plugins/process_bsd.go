//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package plugins

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts a child into a group of its own. There is no parent-death signal here: the lifeline ends the
// providers that are made with our SDK.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// tether ties nothing here: no descriptor can send SIGKILL.
type tether struct{}

func tie(int) *tether { return nil }

func (*tether) cut() {}

// awaitExit returns when the child has ended, and leaves it to be reaped.
func awaitExit(pid int) { exits(pid, nil) }

// hasExited says whether the child, which nobody has reaped yet, has ended. It leaves it to be reaped.
func hasExited(pid int) bool { return exits(pid, &unix.Timespec{}) }

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

// executable returns the path, after a look whether the opened file still stands there. Nothing here executes an
// opened file.
func executable(opened *os.File, path string) (string, error) {
	was, err := opened.Stat()
	if err != nil {
		return "", err
	}
	is, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !os.SameFile(was, is) {
		return "", fmt.Errorf("%s was replaced while it was checked", path)
	}
	return path, nil
}
