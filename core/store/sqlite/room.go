package sqlite

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Room is what a file system has left for this user.
type Room struct {
	// Bytes are those that it may still write.
	Bytes uint64
	// NoInodes: no file can be made. A file system that does not count its inodes always can.
	NoInodes bool
	// ReadOnly: it is mounted so.
	ReadOnly bool
}

// RoomOf asks the file system of a directory; known is false where it does not say.
func RoomOf(dir string) (r Room, known bool) {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil || fs.Blocks == 0 {
		return r, false
	}
	return Room{
		Bytes: uint64(fs.Bavail) * uint64(fs.Bsize), NoInodes: fs.Files > 0 && fs.Ffree == 0, ReadOnly: uint64(fs.Flags)&readOnlyMount != 0,
	}, true
}

// minRoom is what a state needs to go on: the pages of a few transactions in the -wal file.
const minRoom = 256 << 10

// CheckWritable says whether the state in a directory can be written to, and has room. It changes nothing, and returns an [Error].
func CheckWritable(dir string) error {
	room, known := RoomOf(dir)
	for _, name := range []string{".", fileDB, "run"} {
		path := filepath.Join(dir, name)
		err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
		switch {
		case errors.Is(err, unix.ENOENT):
		case errors.Is(err, unix.EROFS) || known && room.ReadOnly:
			return fail(CodePath, unix.EROFS, "%s cannot be written to", dir).
				hint("mount the file system for writing, or choose another state directory")
		case err != nil:
			return fail(CodePath, err, "%s cannot be written to", path).hint("check who may write to the state directory")
		}
	}
	switch {
	case known && room.NoInodes:
		return fail(CodeFull, nil, "no file can be made in %s: the file system has no inodes left", dir).limited()
	case known && room.Bytes < minRoom:
		return fail(CodeFull, nil, "%s has %d KiB left, and needs %d", dir, room.Bytes>>10, minRoom>>10).limited()
	}
	return nil
}
