package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// errUntrusted is the error of every file that is refused for its owner, mode or kind.
var errUntrusted = errors.New("file is not trusted")

// untrusted says why a file is not trusted, and which command repairs that, if there is one.
type untrusted struct {
	path string
	flaw *filetrust.Flaw
	fix  string
}

func (u *untrusted) Error() string { return fmt.Sprintf("%v: %s %s", errUntrusted, u.path, u.flaw) }

// Is says that this is errUntrusted.
func (u *untrusted) Is(err error) bool { return err == errUntrusted }

// openTrusted opens the file at a path, through symbolic links, and returns it with its real path. It is a regular file that
// is owned by root or us and not writable by others; so are the directories above it, and those above the links.
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
	file, err := openFile(real, syscall.O_NOFOLLOW, true)
	return file, real, err
}

// openFile opens a regular file, and checks its owner and mode if trusted is set. flags are further ones of os.OpenFile.
func openFile(path string, flags int, trusted bool) (*os.File, error) {
	file, info, err := filetrust.Open(path, flags)
	if flaw := (*filetrust.Flaw)(nil); errors.As(err, &flaw) {
		return nil, &untrusted{path: path, flaw: flaw}
	}
	if err == nil && trusted {
		if err = checkOwner(path, info); err != nil {
			closeFiles(file)
		}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// checkDirs checks the directory and all above it. One above may be writable by everyone if it is sticky, as /tmp is: there
// nobody can rename the files of others.
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
	self := os.Geteuid()
	flaw := filetrust.Program(self).Check(info)
	switch {
	case flaw == nil:
		return nil
	case flaw.Foreign:
		return &untrusted{path, flaw, fmt.Sprintf("as root: chown %d %s", self, shellWord(path))}
	}
	return &untrusted{path, flaw, "chmod go-w " + shellWord(path)}
}
