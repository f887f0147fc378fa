//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package plugins

import (
	"fmt"
	"os"
)

// unreadRequest asks how many bytes are in a pipe: FIONREAD, _IOR('f', 127, int).
const unreadRequest = 0x4004667f

// groupGuard does nothing here: no descriptor can send SIGKILL, and there is no parent-death signal. The lifeline ends the
// providers that are made with our SDK.
type groupGuard struct{}

func guardGroup(int) *groupGuard { return nil }

func (*groupGuard) release() {}

// executesOpenFiles: a path is executed.
const executesOpenFiles = false

func duplicate(*os.File) *os.File { return nil }

// executable returns the path, after a check that the opened file is still there. Nothing here executes an opened file.
func executable(opened *os.File, path, _, _ string) (string, error) {
	was, err := opened.Stat()
	if err != nil {
		return "", err
	}
	is, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !os.SameFile(was, is) {
		return "", fmt.Errorf("%s was replaced while it was checked", path)
	}
	return path, nil
}
