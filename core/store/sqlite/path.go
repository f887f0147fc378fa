package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/humanconnect/humanconnect/internal/filetrust"
)

// Exists says whether a directory holds a state, or the beginnings of one. It opens no file.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, fileDB))
	return err == nil
}

// system is what is asked of the operating system. A test answers in its place what no machine of its own can.
type system struct {
	ours      func(fs.FileInfo) bool
	uid       int
	networkFS func(dir string) string
	sync      func(*os.File) error
	commit    func(*conn) error
}

func realSystem() *system {
	own := filetrust.Own(os.Geteuid())
	return &system{
		uid:       os.Geteuid(),
		ours:      func(info fs.FileInfo) bool { return own.Check(info) == nil },
		networkFS: networkFS, sync: (*os.File).Sync, commit: commit,
	}
}

// elsewhere is the hint for a directory that cannot be used at all.
const elsewhere = "choose a directory that this user may use: --state-dir or HUMANCONNECT_STATE_DIR"

// prepareDir makes the directory where it does not exist, and sees that it can hold a state.
func (s *system) prepareDir(dir string) error {
	err := s.checkDir(dir, false)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = filetrust.Maker{UID: s.uid, Made: s.syncDir}.All(dir)
	if errors.Is(err, filetrust.ErrHome) {
		return fail(CodePath, err, "making the state directory %s", dir).
			hint("run as that user; or set HOME to that of root, as sudo -H does; or choose another state directory")
	}
	if err != nil {
		return fail(CodePath, err, "making the state directory").hint(elsewhere)
	}
	return s.checkDir(dir, false)
}

func (s *system) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(s.sync(d), d.Close())
}

// checkDir refuses a directory that cannot hold a state; see the package comment. Where only reading is wanted, it
// changes nothing. It returns an error that is fs.ErrNotExist if there is none.
func (s *system) checkDir(dir string, readOnly bool) error {
	info, err := os.Stat(dir)
	if target, broken := os.Readlink(dir); errors.Is(err, fs.ErrNotExist) && broken == nil {
		return fail(CodePath, nil, "the state directory %s is a link to %s, which is not there", dir, target).
			hint("make that directory, or mount what holds it; or remove the link")
	}
	if err != nil {
		return fail(CodePath, err, "the state directory").hint(elsewhere)
	}
	if !info.IsDir() {
		return fail(CodePath, nil, "%s is not a directory", dir).hint(elsewhere)
	}
	if !s.ours(info) {
		return fail(CodePath, nil, "%s belongs to another user", dir).hint("run as its owner, or choose another state directory")
	}
	if fsType := s.networkFS(dir); fsType != "" {
		return fail(CodeNetworkFS, nil, "%s is on a network file system (%s)", dir, fsType).
			hint("choose a state directory on a local disk: --state-dir or HUMANCONNECT_STATE_DIR")
	}
	if err := s.checkFiles(dir); err != nil || info.Mode().Perm()&0o077 == 0 || readOnly {
		return err
	}
	return closeDir(dir)
}

// checkFiles refuses files of a state that another user has put there, or that are of another kind: a named pipe would be waited
// for. What is not there is no flaw.
func (s *system) checkFiles(dir string) error {
	for _, name := range append(ourFiles(), fileKey) {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fail(CodePath, err, "the files of the state")
		}
		if !s.ours(info) {
			return fail(CodePath, nil, "%s belongs to another user", path).
				hint("if it is yours to trust, give it to this user; else choose another state directory")
		}
		if flaw := kindOf(name, info); flaw != nil {
			return fail(CodePath, nil, "%s %s", path, flaw).hint("%s", remedyOf(name, path))
		}
	}
	return nil
}

// remedyOf is what to do about a file of another kind.
func remedyOf(name, path string) string {
	switch name {
	case "run", "cache", fileQueue:
		return "remove " + path + ", which is made again"
	}
	return "restore it from a backup, or choose another state directory"
}

// kindOf returns the flaw of a file of another kind than its name is for.
func kindOf(name string, info fs.FileInfo) error {
	if name == "run" || name == "cache" {
		if !info.IsDir() {
			return errors.New("is not a directory")
		}
		return nil
	}
	if flaw := filetrust.Regular(info); flaw != nil {
		return flaw
	}
	return nil
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
		return fail(CodePath, err, "restricting permissions")
	}
	return nil
}

// ourFiles are what this program puts into the directory, the key's excepted, which is looked at when it is read: the
// files of a state, and the directories beside it of running processes and of what is cached.
func ourFiles() []string {
	return []string{fileDB, fileDB + "-wal", fileDB + "-shm", fileLock, "run", fileQueue, "cache"}
}

// closeFiles takes from others what somebody has permitted them. The directory is closed to them in any case.
func closeFiles(dir string) {
	for _, name := range ourFiles() {
		_ = tighten(filepath.Join(dir, name), 0o700) // what is not ours stays as it is, and doctor tells of it
	}
}

// Exposed names the files and directories of a state that others have a permission on; "." is the state directory. Open
// takes it from them, unless it only reads.
func Exposed(dir string) []string {
	var out []string
	for _, name := range append([]string{".", fileKey}, ourFiles()...) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			out = append(out, name)
		}
	}
	return out
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
