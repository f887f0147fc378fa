//go:build unix

package queue

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// lock locks the byte of a number, unless another has it.
func (p *Place) lock(n uint64) (free bool, err error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: int64(n), Len: 1}
	err = unix.FcntlFlock(p.file.Fd(), setLock, &l)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return err == nil, err
}

func (p *Place) unlock(n uint64) {
	l := unix.Flock_t{Type: unix.F_UNLCK, Whence: io.SeekStart, Start: int64(n), Len: 1}
	_ = unix.FcntlFlock(p.file.Fd(), setLock, &l) // Close unlocks it in any case
}

// first returns a number in [from, to) that another has locked, the longest-held one where the system keeps them so, or 0.
func (p *Place) first(from, to uint64) uint64 {
	if from >= to {
		return 0
	}
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: int64(from), Len: int64(to - from)}
	if unix.FcntlFlock(p.file.Fd(), getLock, &l) != nil || l.Type == unix.F_UNLCK {
		return 0
	}
	return max(from, uint64(l.Start))
}
