//go:build unix && !linux

package tty

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSelf stops this process, if the parent is a shell with job control, which can continue it.
func stopSelf() {
	parent := os.Getppid()
	group, err := syscall.Getpgid(parent)
	if err != nil || group == syscall.Getpgrp() {
		return
	}
	ours, err := unix.Getsid(0)
	if theirs, other := unix.Getsid(parent); err == nil && other == nil && ours == theirs {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
}

// catchAgain has nothing to do: the handler of SIGTSTP stayed.
func catchAgain() {}
