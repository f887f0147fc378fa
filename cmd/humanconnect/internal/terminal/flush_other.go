//go:build unix && !linux

package terminal

import "golang.org/x/sys/unix"

// fread asks TIOCFLUSH for what is read (<sys/fcntl.h>).
const fread = 1

// flushInput drops what a terminal has received and nobody has read.
func flushInput(fd uintptr) { _ = unix.IoctlSetPointerInt(int(fd), unix.TIOCFLUSH, fread) }
