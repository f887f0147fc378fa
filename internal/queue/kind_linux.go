package queue

import "golang.org/x/sys/unix"

// Locks of an open file: they belong to the Place, also where one process has several.
const (
	setLock = unix.F_OFD_SETLK
	getLock = unix.F_OFD_GETLK
)
