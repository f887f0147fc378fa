//go:build unix && !linux

package hook

import (
	"os/exec"
	"syscall"
)

// attributes give the command a session of its own, whose process group it leads, without a terminal.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// watch reaps the leader as soon as it exits: these systems give no other word of it. A group whose leader is gone
// keeps its id while it has a member, so that a signal to it still hits nobody else.
func watch(cmd *exec.Cmd) (exited <-chan struct{}, reap func() syscall.WaitStatus) {
	done := make(chan struct{})
	var status syscall.WaitStatus
	go func() {
		defer close(done)
		status = wait(cmd)
	}()
	return done, func() syscall.WaitStatus { return status }
}
