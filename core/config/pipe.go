package config

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// Stdin is the path that means standard input.
const Stdin = "-"

// pipeTime limits how long a config or plan that comes by a pipe may take.
const pipeTime = 10 * time.Second

// named is the path that a name means: - is standard input.
func named(name string) string {
	if name == Stdin {
		return "/dev/stdin"
	}
	return name
}

// isDescriptor says whether a path is a descriptor of this process, such as what a shell makes of <(…).
func isDescriptor(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// dirOf is the directory that the relative paths of a file start from: that of the file, or the working directory for a descriptor,
// which has none.
func dirOf(abs string) string {
	if !isDescriptor(abs) {
		return filepath.Dir(abs)
	}
	dir, err := filepath.Abs(".")
	if err != nil { // it was removed: nothing is found there
		return "/"
	}
	return dir
}

// isPipe says whether a path leads to a pipe, without opening it.
func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// readPipe reads a config or plan that comes by a pipe, which must be the user's as a file must. It ends when the limit has passed,
// and leaves the read to the end of the program.
func readPipe(path string, uid int, limit time.Duration) (text []byte, warnings []Warning, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if warnings, err = checkMode(path, info, uid); err != nil { // before the open, which lets a writer go on
		return nil, nil, err
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := drain(path, uid)
		read <- result{text, err}
	}()
	select {
	case got := <-read:
		return got.text, warnings, got.err
	case <-late.C:
		return nil, nil, &lateError{path + " is a pipe that did not come to its end within " + limit.String()}
	}
}

// drain opens and reads a pipe. A descriptor is opened without waiting for a writer, who may be done already; a pipe with a name
// waits for one.
func drain(path string, uid int) ([]byte, error) {
	flags := os.O_RDONLY
	if isDescriptor(path) {
		flags |= syscall.O_NONBLOCK
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if flaw := filetrust.Commands(uid).Check(info); flaw != nil { // it may be another one by now
		return nil, flaw
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
