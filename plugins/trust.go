package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// errUntrusted is what every refusal of a file for its owner or mode wraps.
var errUntrusted = errors.New("file is not trusted")

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
	file, err := os.OpenFile(real, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", err
	}
	if err := checkFile(file, real); err != nil {
		closeFiles(file)
		return nil, "", err
	}
	return file, real, nil
}

func checkFile(file *os.File, path string) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a regular file", errUntrusted, path)
	}
	return checkOwner(path, info)
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
		return fmt.Errorf("%w: the owner of %s is unknown", errUntrusted, path)
	}
	if reason := distrust(stat.Uid, stat.Gid, info.Mode(), uint32(os.Geteuid())); reason != "" {
		return fmt.Errorf("%w: %s %s", errUntrusted, path, reason)
	}
	return nil
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
