package app

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// KeepDescriptors keeps the descriptors of this process from child processes, except the standard three, as those of
// "3<secret" in a shell. They stay open here: --token @/dev/fd/3 reads one.
func KeepDescriptors() {
	if closeRangeOnExec() == nil {
		return
	}
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // no list of descriptors on this system
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
