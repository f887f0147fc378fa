//go:build unix

package config

import (
	"os/exec"
	"syscall"
)

// group gives the command a process group of its own, so that its children end with it when its time is over.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
