//go:build unix && !linux

package queue

import "golang.org/x/sys/unix"

// Locks of the process: places of the same process do not see each other, and the first that is closed takes the locks of
// all. They then share a turn.
const (
	setLock = unix.F_SETLK
	getLock = unix.F_GETLK
)
