//go:build darwin || freebsd

package sqlite

import "golang.org/x/sys/unix"

// readOnlyMount is the flag of a file system that is mounted read-only.
const readOnlyMount = unix.MNT_RDONLY

// networkFS says whether a directory is on a file system that is not local; it has no name for it. What it cannot find
// out counts as local.
func networkFS(dir string) string {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil || fs.Flags&unix.MNT_LOCAL != 0 {
		return ""
	}
	return "not local"
}
