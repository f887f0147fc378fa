package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
)

// lost says of a directory without a database that it held one: what is left names the evidence, or is "". The key is made after
// the database, and state.lock is given a content when the state is complete.
func lost(dir string) (left string) {
	for _, name := range []string{fileKey, fileDB + "-wal", fileLock} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && (name == fileKey || info.Size() > 0) {
			return name
		}
	}
	return ""
}

// checkLost refuses to begin with a new state where the database of another is missing.
func checkLost(dir string) error {
	if exists(filepath.Join(dir, fileDB)) {
		return nil
	}
	left := lost(dir)
	if left == "" {
		return nil
	}
	return fail(CodeLost, nil, "%s is missing, and %s of its state is still there", filepath.Join(dir, fileDB), left).
		hint("restore %s and %s from the same backup", fileDB, fileKey).
		hint("to begin with an empty state, move the directory away: mv %s %s.old", dir, dir)
}

// markComplete notes in state.lock that the database has been there. The caller holds the lock.
func markComplete(dir string) error {
	path := filepath.Join(dir, fileLock)
	if info, err := os.Stat(path); err != nil || info.Size() > 0 {
		return err
	}
	return os.WriteFile(path, []byte("complete\n"), 0o600)
}

// opened are the files of a database that was opened.
type opened map[string]fs.FileInfo

// look reads which files they are. What is not there is left out.
func look(dir string) opened {
	files := make(opened)
	for _, name := range []string{fileDB, fileDB + "-wal"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil {
			files[path] = info
		}
	}
	return files
}

// check returns an [Error] if a file has been removed, or replaced by another, since it was opened: what is written to it is
// seen by nobody.
func (o opened) check() error {
	for path, was := range o {
		info, err := os.Stat(path)
		if err == nil && os.SameFile(was, info) {
			continue
		}
		return fail(CodeLost, err, "%s was removed or replaced while it was in use", path).
			hint("put it back, or restore the state directory from a backup, then run the same command again")
	}
	return nil
}
