//go:build unix

// Package child runs other programs, each as the leader of a process group of its own, so that their children end with them
// and Ctrl-C at our terminal is ours alone. [Run] is a whole run with its limits. For another life cycle, start a program with
// one of the attributes, and end it with [Signal].
//
// It imports nothing of ours, so that core, plugins and the command line share it.
package child

import (
	"fmt"
	"syscall"
)

// Signal sends a signal to the whole group that a process leads. The leader must not have been reaped: until then nobody
// else can get its number. That nobody is left in the group is no error.
func Signal(leader int, sig syscall.Signal) { _ = syscall.Kill(-leader, sig) }

// Group gives a command a process group of its own. It may outlive us.
func Group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// bounded is [Group], and on Linux the command also dies with the thread that starts it, which must stay locked until then.
func bounded() *syscall.SysProcAttr { return bound(Group()) }

// Session gives a command a session of its own, whose process group it leads, without a controlling terminal: it cannot open
// /dev/tty, so it neither writes over our screens nor reads a key. On Linux it also dies with the thread that starts it, which
// must stay locked until then.
func Session() *syscall.SysProcAttr { return bound(&syscall.SysProcAttr{Setsid: true}) }

// StatusError is the error of a program that did not exit with status 0. It names the two statuses of a shell that found
// nothing to run (POSIX, 2.8.2).
type StatusError struct{ syscall.WaitStatus }

func (e StatusError) Error() string {
	if e.Signaled() {
		return fmt.Sprintf("ended by signal %d", int(e.Signal()))
	}
	switch code := e.ExitStatus(); code {
	case 126:
		return "exit status 126: the command is not executable"
	case 127:
		return "exit status 127: command not found"
	default:
		return fmt.Sprintf("exit status %d", code)
	}
}
