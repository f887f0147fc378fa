//go:build unix

package filetrust

import (
	"io/fs"
	"syscall"
)

func of(info fs.FileInfo) File {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return File{Mode: info.Mode()}
	}
	return File{Owned: true, Owner: int(st.Uid), Group: int(st.Gid), Mode: info.Mode()}
}
