package redirect

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// peerTables list the TCP sockets of this network namespace with their owners (proc_net_tcp.txt of the Linux kernel).
func peerTables() []string { return []string{"/proc/net/tcp", "/proc/net/tcp6"} }

// peerOwner returns the uid that owns the other end of a connection on this machine. It returns errUntold where the system
// has no such table, and errNoOwner for a socket that is in none, or whose process has closed it.
func peerOwner(peer, local netip.AddrPort) (uid int, err error) {
	untold := 0
	for _, table := range peerTables() {
		uid, err := findOwner(table, peer, local)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			untold++
		case !errors.Is(err, errNoOwner):
			return uid, err
		}
	}
	if untold == len(peerTables()) {
		return 0, errUntold
	}
	return 0, errNoOwner
}

func findOwner(table string, peer, local netip.AddrPort) (uid int, err error) {
	f, err := os.Open(table)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return ownerIn(f, peer, local)
}

// The columns of a table, split at blanks.
const (
	columnLocal, columnRemote = 1, 2
	columnUID, columnInode    = 7, 9
)

// ownerIn looks for the socket at one address that is connected with another.
func ownerIn(table io.Reader, at, with netip.AddrPort) (uid int, err error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) <= columnInode || columns[columnInode] == "0" { // closed: the uid is that of root
			continue
		}
		local, ok := parseSocket(columns[columnLocal])
		remote, ok2 := parseSocket(columns[columnRemote])
		if ok && ok2 && local == unmapped(at) && remote == unmapped(with) {
			return strconv.Atoi(columns[columnUID])
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errNoOwner
}

// parseSocket reads an address as the table has it: words of 32 bits in hex, each in the byte order of the machine, a
// colon, and the port.
func parseSocket(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	address, err := hex.DecodeString(words)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(address)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(address); i += 4 {
		binary.NativeEndian.PutUint32(address[i:], binary.BigEndian.Uint32(address[i:]))
	}
	ip, ok := netip.AddrFromSlice(address)
	return unmapped(netip.AddrPortFrom(ip, uint16(n))), ok
}

// unmapped makes an IPv4 address of one that is mapped to IPv6: a dual-stack socket has the latter.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
