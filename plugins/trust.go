package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// errUntrusted is what every refusal of a file for its owner, mode or kind is.
var errUntrusted = errors.New("file is not trusted")

// untrusted says what speaks against a file, and, where one can, which command makes it good.
type untrusted struct{ path, reason, fix string }

func (u *untrusted) Error() string { return fmt.Sprintf("%v: %s %s", errUntrusted, u.path, u.reason) }

// Is says that this is errUntrusted.
func (u *untrusted) Is(err error) bool { return err == errUntrusted }

// openTrusted opens the file that a path leads to, symbolic links included, and returns it with its real path. It is a
// regular file that belongs to root or to us and that nobody else can write; the same holds for the directories on the
// way, of the links too.
func openTrusted(path string) (*os.File, string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, "", err
	}
	for _, p := range []string{path, real} {
		if err := checkDirs(filepath.Dir(p)); err != nil {
			return nil, "", err
		}
		if p == real {
			break
		}
	}
	file, err := openRegular(real, syscall.O_NOFOLLOW)
	if err != nil {
		return nil, "", err
	}
	if err := checkFile(file, real); err != nil {
		closeFiles(file)
		return nil, "", err
	}
	return file, real, nil
}

// openRegular opens a file for reading, and nothing else: a named pipe would be waited for.
func openRegular(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, &untrusted{path: path, reason: "is a socket, not a file"}
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = checkRegular(path, info)
	}
	if err != nil {
		closeFiles(file)
		return nil, err
	}
	return file, nil
}

func checkFile(file *os.File, path string) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return checkOwner(path, info)
}

// checkRegular refuses what is no file, and says what it is.
func checkRegular(path string, info fs.FileInfo) error {
	var what string
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	default:
		what = "a device"
	}
	return &untrusted{path: path, reason: "is " + what + ", not a file"}
}

// checkDirs looks at the directory and at all above it. One above may be writable by everyone if it is sticky, as /tmp
// is: there nobody can rename what belongs to another.
func checkDirs(dir string) error {
	for first := true; ; first = false {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if first || info.Mode()&fs.ModeSticky == 0 {
			if err := checkOwner(dir, info); err != nil {
				return err
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

func checkOwner(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &untrusted{path: path, reason: "has an unknown owner"}
	}
	self := uint32(os.Geteuid())
	reason := distrust(stat.Uid, stat.Gid, info.Mode(), self)
	switch {
	case reason == "":
		return nil
	case stat.Uid != 0 && stat.Uid != self:
		return &untrusted{path, reason, fmt.Sprintf("as root: chown %d %s", self, shellWord(path))}
	}
	return &untrusted{path, reason, "chmod go-w " + shellWord(path)}
}

// distrust says what speaks against a file, or nothing. A group with the number of the owner is the owner's own, as
// most systems make one for each user with a umask of 002.
func distrust(uid, gid uint32, mode fs.FileMode, self uint32) string {
	switch {
	case uid != 0 && uid != self:
		return "belongs to another user"
	case mode.Perm()&0o002 != 0:
		return "is writable by everyone"
	case mode.Perm()&0o020 != 0 && gid != uid:
		return "is writable by a group"
	}
	return ""
}
