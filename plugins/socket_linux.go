package plugins

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAncestors is how far up the family of a process is followed.
const maxAncestors = 64

// checkListener refuses a socket on which another process than the provider, or one that it started, listens (SO_PEERCRED in
// unix(7)).
func checkListener(conn *net.UnixConn, leader int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var errPeer error
	if err := raw.Control(func(fd uintptr) { peer, errPeer = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	switch {
	case errPeer != nil:
		return errPeer
	case int(peer.Uid) != os.Geteuid():
		return fmt.Errorf("%w: a process of another user listens on it", errForeignSocket)
	case !isOf(int(peer.Pid), leader):
		return fmt.Errorf("%w: another process listens on it", errForeignSocket)
	}
	return nil
}

// isOf says whether a process is the leader of a session, is in that session, or descends from the leader.
func isOf(pid, leader int) bool {
	if session, err := unix.Getsid(pid); err == nil && session == leader {
		return true
	}
	for range maxAncestors {
		if pid == leader {
			return true
		}
		if pid <= 1 {
			return false
		}
		pid = parentOf(pid)
	}
	return false
}

// parentOf is the fourth field of stat, after a name in parentheses that may hold anything; 0 where there is none.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1]) // 0 ends the search
	return parent
}
