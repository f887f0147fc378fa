//go:build unix && !linux

package terminal

import "golang.org/x/sys/unix"

// fread asks TIOCFLUSH for what is read (<sys/fcntl.h>).
const fread = 1

// flushInput drops unread input of a terminal.
func flushInput(fd uintptr) { _ = unix.IoctlSetPointerInt(int(fd), unix.TIOCFLUSH, fread) }
