package sqlite

import "golang.org/x/sys/unix"

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
		Bytes: uint64(fs.Bavail) * uint64(fs.Bsize), NoInodes: fs.Files > 0 && fs.Ffree == 0, ReadOnly: uint64(fs.Flags)&unix.ST_RDONLY != 0,
	}, true
}
