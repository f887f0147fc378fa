package plugins

import (
	"os"
	"syscall"
)

func identify(file *os.File, path string) (identity, bool) {
	info, err := file.Stat()
	if err != nil {
		return identity{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{
		Device: stat.Dev, Inode: stat.Ino, Size: stat.Size,
		Modified: stat.Mtim.Nano(), Changed: stat.Ctim.Nano(), ExecutablePath: path,
	}, true
}
