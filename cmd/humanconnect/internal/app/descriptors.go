package app

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// KeepDescriptors lets no child have the descriptors that this process was given beside the standard three, as by
// "3<secret" in a shell. They stay open here: --token @/dev/fd/3 reads one.
func KeepDescriptors() {
	if closeRangeOnExec() == nil {
		return
	}
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // no such list: nothing is known to have been given
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
