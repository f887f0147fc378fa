package sqlite

import (
	"context"
	"errors"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The codes of an [Error].
const (
	// CodeKey: the key is missing, unreadable, or not the one that the state was made with.
	CodeKey problem.Code = "store_key"
	// CodeBusy: others held the database for longer than [Options.BusyLimit].
	CodeBusy problem.Code = "store_busy"
	// CodeNewer: a newer version of the program made the state.
	CodeNewer problem.Code = "store_newer"
	// CodeOlder: the state must be migrated first, and was opened for reading only.
	CodeOlder problem.Code = "store_older"
	// CodeMissing: there is no state, and it was opened for reading only.
	CodeMissing problem.Code = "store_missing"
	// CodeDamaged: the database is not one of ours, is corrupt, or holds a value that does not open.
	CodeDamaged problem.Code = "store_damaged"
	// CodePath: the directory cannot be used.
	CodePath problem.Code = "store_path"
	// CodeNetworkFS: the directory is on a network file system.
	CodeNetworkFS problem.Code = "store_network_fs"
	// CodeFull: no room is left on the disk.
	CodeFull problem.Code = "store_full"
	// CodeDescriptors: this process, or the machine, has too many open files.
	CodeDescriptors problem.Code = "store_descriptors"
	// CodeLost: the database was removed, and what belongs to it is still there.
	CodeLost problem.Code = "store_lost"
	// CodeUnknown: the disk failed in a commit, and whether it holds is not known. The error is [store.ErrCommitUnknown].
	CodeUnknown problem.Code = "store_unknown"
	// CodeFailed: anything else that the database reports.
	CodeFailed problem.Code = "store_failed"
)

// errClosed: the store was closed, or the transaction has ended.
var errClosed = errors.New("the state is closed")

// Error is a problem of the store. Its text holds paths, names of tables and columns, and ids of rows, never a value.
type Error struct{ *problem.Problem }

// Unwrap returns the problem.
func (e *Error) Unwrap() error { return e.Problem }

// Is says that damage, and a value of another key, are [store.ErrDamaged], and a commit that may hold [store.ErrCommitUnknown].
func (e *Error) Is(target error) bool {
	return target == store.ErrCommitUnknown && e.Code() == CodeUnknown ||
		target == store.ErrDamaged && (e.Code() == CodeDamaged || e.Code() == CodeKey)
}

// fail makes an error with a code, unless the system says that a limit is reached, which has a code of its own.
func fail(code problem.Code, cause error, format string, args ...any) *Error {
	limit := limitOf(cause)
	if limit == "" || code == CodeUnknown {
		return &Error{problem.New(code, format, args...).Because(cause)}
	}
	code = limit
	e := &Error{problem.New(code, format, args...).Because(cause)}
	return e.limited()
}

// FailedPath is the error of a file of the state that the system refuses: full, out of descriptors, or with the hint that is
// given.
func FailedPath(cause error, text, hint string) error {
	return fail(CodePath, cause, "%s", text).hint("%s", hint)
}

func (e *Error) hint(format string, args ...any) *Error {
	if e.Code() == CodeFull || e.Code() == CodeDescriptors {
		return e // it has the one that helps
	}
	return &Error{e.Hint(format, args...)}
}

// limitOf returns the code of a limit of the system that an error comes from, or "".
func limitOf(err error) problem.Code {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), resultCode(err)&0xff == sqlite3.SQLITE_FULL:
		return CodeFull
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return CodeDescriptors
	}
	return ""
}

// limited adds the hint of a limit.
func (e *Error) limited() *Error {
	if e.Code() == CodeDescriptors {
		return &Error{e.Hint("allow more open files, as with: ulimit -n 4096")}
	}
	return &Error{e.Hint("make room on the disk of the state directory: bytes and inodes, as df and df -i show them")}
}

// exact finds out why SQLite could not open, or write to, a file in a directory: its result code does not say it.
func exact(dir string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code() != CodePath && e.Code() != CodeFailed {
		return err
	}
	switch resultCode(err) & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM:
	default:
		return err
	}
	cause := scarce(dir)
	if limitOf(cause) == "" {
		return err
	}
	return fail(CodePath, errors.Join(cause, err), "%s", e.Message())
}

// scarce says what the system has no more of: descriptors, or room where a directory is.
func scarce(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Close()
	if room, known := RoomOf(dir); known && (room.Bytes == 0 || room.NoInodes) {
		return syscall.ENOSPC
	}
	return nil
}

// classify makes what the driver returned an Error, or one of the store's sentinels.
func classify(doing string, err error) error {
	if err == nil || errors.Is(err, errClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known // of a sealed value; database/sql wrapped it
	}
	extended := resultCode(err)
	switch extended {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return store.ErrExists
	}
	switch extended & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL:
		return fail(CodeBusy, err, "%s", doing).hint("try again when other commands have ended")
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fail(CodeDamaged, err, "%s", doing).hint("restore the state directory from a backup")
	case sqlite3.SQLITE_FULL:
		return fail(CodeFull, err, "%s", doing)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return fail(CodePath, err, "%s", doing).hint("check who may write to the state directory")
	}
	return fail(CodeFailed, err, "%s", doing)
}

// commitFailed says what a commit has failed with. Its frames are in the -wal file by then, with the mark of a commit, unless
// SQLite waits for a lock or the disk was full: whoever recovers the file before they are written over would take them for
// committed.
func commitFailed(err error) error {
	if waits(err) || resultCode(err)&0xff == sqlite3.SQLITE_FULL {
		return err
	}
	return fail(CodeUnknown, err, "committing to the state; it is unknown whether the change was stored").
		hint("check the disk, then run the same command again")
}

// resultCode returns the extended result code of SQLite, or 0.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// waits says whether the transaction may succeed when it is tried again.
func waits(err error) bool {
	switch resultCode(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}
