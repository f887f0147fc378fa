package tty

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Background says whether another process group than that of this program is in front on a terminal (POSIX, job control).
// Then a read fails, and a change of its settings would hit the program that is in front.
func Background(t interface{ Fd() uintptr }) bool {
	front, err := unix.IoctlGetInt(int(t.Fd()), unix.TIOCGPGRP)
	return err == nil && front != unix.Getpgrp()
}

// awayPoll is how often a program in the background looks whether it is in front again.
const awayPoll = 100 * time.Millisecond

// Read implements [io.Reader]. A read in the background is no error: it returns 0 bytes after a while.
func (g *Guarded) Read(p []byte) (int, error) {
	n, err := g.File.Read(p)
	if n > 0 || !errors.Is(err, syscall.EIO) {
		return n, err
	}
	if Background(g.File) {
		<-time.After(awayPoll)
		return 0, nil
	}
	return g.File.Read(p) // it may have come to the front meanwhile; a terminal that is gone fails again
}
