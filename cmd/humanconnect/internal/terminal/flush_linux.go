package terminal

import "golang.org/x/sys/unix"

// flushInput drops unread input of a terminal.
func flushInput(fd uintptr) { _ = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIFLUSH) }
