package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Exists says whether a directory holds a state, or the beginnings of one. It opens no file.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, fileDB))
	return err == nil
}

// prepareDir makes the directory where it does not exist, and sees that it can hold a state.
func prepareDir(dir string) error {
	err := checkDir(dir, false)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(dir); err != nil {
		return fail(CodePath, err, "making the state directory")
	}
	return checkDir(dir, false)
}

// makeDir makes a directory and its parents, and sees that its name survives a crash of the machine.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// checkDir refuses a directory that cannot hold a state; see the package comment. Where only reading is wanted, it
// changes nothing. It returns an error that is fs.ErrNotExist if there is none.
func checkDir(dir string, readOnly bool) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fail(CodePath, err, "the state directory")
	}
	if !info.IsDir() {
		return fail(CodePath, nil, "%s is not a directory", dir)
	}
	if !ownedByUs(info) {
		return fail(CodePath, nil, "%s belongs to another user", dir).hint("run as its owner, or choose another state directory")
	}
	if fsType := networkFS(dir); fsType != "" {
		return fail(CodeNetworkFS, nil, "%s is on a network file system (%s)", dir, fsType).
			hint("choose a state directory on a local disk: --state-dir or HUMANCONNECT_STATE_DIR")
	}
	if info.Mode().Perm()&0o077 == 0 || readOnly {
		return nil
	}
	return closeDir(dir)
}

// closeDir shuts others out of a directory that is ours to shut.
func closeDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fail(CodePath, err, "the state directory")
	}
	if len(entries) > 0 && !exists(filepath.Join(dir, fileLock)) {
		return fail(CodePath, nil, "%s is open to others and holds other files than a state", dir).
			hint("choose a directory of its own, or close this one: chmod 700")
	}
	return tighten(dir, 0o700)
}

// tighten takes all permissions but those in keep from a file or directory, whatever the umask was.
func tighten(path string, keep fs.FileMode) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&^keep != 0 {
		err = os.Chmod(path, info.Mode().Perm()&keep)
	}
	if err != nil {
		return fail(CodePath, err, "closing to others")
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
