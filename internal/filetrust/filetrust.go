// Package filetrust has the rules on who may own and write a file, before this program trusts its content. It returns the
// reason against a file; the caller adds the hint.
//
// It imports nothing of ours, so that core, plugins and the command line share it.
package filetrust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Rule has the conditions for a file. Root's files are trusted like the user's own, unless Alone is set: root can write them
// all.
type Rule struct {
	// UID is the user that the program runs as.
	UID int
	// Alone: a file of root is refused.
	Alone bool
	// Known: a file whose owner the system does not report is refused.
	Known bool
	// OwnGroup: a group with the number of the owner is the owner's own, as most systems make one for each user with a
	// umask of 002.
	OwnGroup bool
	// Refuse and Warn are the permissions that only the owner may have, and should have.
	Refuse, Warn fs.FileMode
}

// The permissions of others.
const (
	writeGroup fs.FileMode = 0o020
	writeAll   fs.FileMode = 0o002
	readAll    fs.FileMode = 0o004
)

// Commands is for a file that names commands to run, such as the config.
func Commands(uid int) Rule { return Rule{UID: uid, Refuse: writeAll, Warn: writeGroup} }

// Keys is for the keys that verify tokens: anyone who can write them can make tokens.
func Keys(uid int) Rule { return Rule{UID: uid, Refuse: writeAll} }

// Program is for what is executed or decides what is, and for each directory on the way to it.
func Program(uid int) Rule {
	return Rule{UID: uid, Known: true, OwnGroup: true, Refuse: writeAll | writeGroup}
}

// Private is for a directory that this user alone makes files in.
func Private(uid int) Rule {
	return Rule{UID: uid, Alone: true, Known: true, Refuse: writeAll | writeGroup}
}

// Own is for a file that the user must own, where the caller removes the permissions of others.
func Own(uid int) Rule { return Rule{UID: uid, Alone: true} }

// Secret is for a file with a secret, of any owner: [Rule.Warning] alone.
func Secret() Rule { return Rule{Warn: readAll} }

// File has what a rule checks.
type File struct {
	// Owned says that the system reports an owner: Owner and Group.
	Owned        bool
	Owner, Group int
	Mode         fs.FileMode
}

// Flaw is why a file is refused. Its text follows the file's name, or "it".
type Flaw struct {
	// Foreign: it belongs to another user, or to an unknown one. Otherwise its permissions or its kind are the reason.
	Foreign bool
	text    string
}

func (f *Flaw) Error() string { return f.text }

// Check returns the [Flaw] for which a file is refused, or nil.
func (r Rule) Check(info fs.FileInfo) *Flaw { return r.Judge(of(info)) }

// Judge is [Rule.Check] of what is known of a file already.
func (r Rule) Judge(f File) *Flaw {
	switch {
	case !f.Owned && r.Known:
		return &Flaw{Foreign: true, text: "has an unknown owner"}
	case f.Owned && f.Owner != r.UID && (f.Owner != 0 || r.Alone):
		return &Flaw{Foreign: true, text: fmt.Sprintf("belongs to another user (uid %d)", f.Owner)}
	}
	return r.open(f, r.Refuse)
}

// Warning returns the [Flaw] of a file that is used nevertheless, or nil.
func (r Rule) Warning(info fs.FileInfo) *Flaw { return r.open(of(info), r.Warn) }

// open finds an unwanted permission of others.
func (r Rule) open(f File, unwanted fs.FileMode) *Flaw {
	if r.OwnGroup && f.Group == f.Owner {
		unwanted &^= writeGroup
	}
	for _, p := range []struct {
		bit  fs.FileMode
		text string
	}{
		{writeAll, "is writable by everyone"}, {writeGroup, "is writable by its group"}, {readAll, "is readable by everyone"},
	} {
		if f.Mode.Perm()&unwanted&p.bit != 0 {
			return &Flaw{text: fmt.Sprintf("%s (mode %04o)", p.text, f.Mode.Perm())}
		}
	}
	return nil
}

// Regular returns a [Flaw] that says what a file is if it is not a regular one, or nil.
func Regular(info fs.FileInfo) *Flaw {
	what := "a device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return &Flaw{text: "is " + what + ", not a file"}
}

// Open opens a regular file for reading, and nothing else: a named pipe would be waited for. flags are further ones of
// [os.OpenFile]. What is not a regular file is a [Flaw]. The information is that of the opened file, even if its path has been
// replaced since.
func Open(path string, flags int) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, nil, &Flaw{text: "is a socket, not a file"}
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil {
		if flaw := Regular(info); flaw != nil {
			err = flaw
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}
