//go:build unix && !linux

package tty

import "golang.org/x/sys/unix"

// fread asks TIOCFLUSH for what is read (<sys/fcntl.h>).
const fread = 1

// FlushInput drops unread input of a terminal.
func FlushInput(fd uintptr) { _ = unix.IoctlSetPointerInt(int(fd), unix.TIOCFLUSH, fread) }
