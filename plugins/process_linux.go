package plugins

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// childFD is the descriptor of a program's own file in the program.
const childFD = "/proc/self/fd/3"

// unreadRequest asks how many bytes are in a pipe (FIONREAD in pipe(7)).
const unreadRequest = unix.TIOCINQ

// groupGuard makes the kernel kill a process group when this process ends, however it ends: the parent-death signal reaches
// the leader alone, not its children. It is an unused pipe, whose ends only we hold.
// Each end, where the other one is closed before it, sends its owner a signal (F_SETSIG in fcntl(2)): SIGKILL to the
// group. The kernel closes them when we end, in whatever order.
type groupGuard struct{ ends [2]int }

// guardGroup binds the life of a group to this process. On a kernel without support it returns nil; the leader has its own
// signal.
func guardGroup(leader int) *groupGuard {
	t := &groupGuard{}
	if err := unix.Pipe2(t.ends[:], unix.O_CLOEXEC); err != nil {
		return nil
	}
	for _, end := range t.ends {
		if err := signalOwner(end, -leader); err != nil {
			t.release()
			return nil
		}
	}
	return t
}

// signalOwner lets a descriptor kill its owner, a process or, negative, a group, when something happens to it.
func signalOwner(fd, owner int) error {
	for _, set := range [][2]int{
		{unix.F_SETOWN, owner}, {unix.F_SETSIG, int(unix.SIGKILL)}, {unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(uintptr(fd), set[0], set[1]); err != nil {
			return err
		}
	}
	return nil
}

// release closes the guard, which kills what is left of the group.
func (t *groupGuard) release() {
	if t != nil {
		_, _ = unix.Close(t.ends[0]), unix.Close(t.ends[1])
	}
}

// executesOpenFiles: what is executed is the open file, whatever is at its path.
const executesOpenFiles = true

// duplicate opens an open file once more; nil where that fails.
func duplicate(file *os.File) *os.File {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), file.Name())
}

// executable is the path by which a program whose opened file is its third descriptor is executed: that very file,
// even if its path has been replaced since. The descriptor stays open in the program, because the interpreter of a script
// has to open it again. The path is a link of this name in the directory of the process, so that lists of processes show it: for a
// script they show the path, and not the first argument.
func executable(_ *os.File, _, dir, name string) (string, error) {
	link := filepath.Join(dir, name)
	if err := os.Symlink(childFD, link); err != nil {
		return "", err
	}
	return link, nil
}
