//go:build unix

package sdk

import (
	"os"

	"golang.org/x/sys/unix"
)

// takeStandardOutput turns file descriptor 1 into standard error, for code that writes to it without os.Stdout: C libraries,
// and child processes. Only os.Stdout still writes to the host, for go-plugin's handshake.
func takeStandardOutput() *standardStreams {
	streams := &standardStreams{stderr: os.Stderr}
	host, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return streams
	}
	if err := unix.Dup2(2, 1); err != nil {
		_ = unix.Close(host)
		return streams
	}
	os.Stdout = os.NewFile(uintptr(host), "handshake")
	return streams
}

// endProcess ends this process at once, and its process group where it leads one: that is then a group of its own.
func endProcess() {
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Kill(-os.Getpid(), unix.SIGKILL)
	}
	os.Exit(1)
}
