package tty

import "golang.org/x/sys/unix"

// FlushInput drops unread input of a terminal.
func FlushInput(fd uintptr) { _ = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIFLUSH) }
