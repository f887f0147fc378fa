package redirect

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/core/source"
)

// foreign is a uid that is not that of the test.
const foreign = 65533

// asForeign runs f on a thread of its own with another uid, where the test may have one. It says whether it did.
func asForeign(t *testing.T, f func()) bool {
	t.Helper()
	changed := make(chan bool)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), foreign, ^uintptr(0))
		if errno == 0 {
			f()
		}
		changed <- errno == 0
	}()
	return <-changed
}

// fetches requests a path over a socket that this very thread makes, and returns the first line of the answer.
func fetches(t *testing.T, family int, to unix.Sockaddr, host, path string) string {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, to); err != nil {
		t.Error(err)
		return ""
	}
	if _, err := unix.Write(fd, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)); err != nil {
		t.Error(err)
		return ""
	}
	answer := make([]byte, 4096)
	n, err := unix.Read(fd, answer)
	if err != nil {
		t.Error(err)
	}
	line, _, _ := strings.Cut(string(answer[:max(n, 0)]), "\r\n")
	return line
}

func TestLinkIsForSocketsOfThisUserAlone(t *testing.T) {
	for name, c := range map[string]struct {
		listen string
		family int
		mapped bool
	}{
		"IPv4":                            {listen: "127.0.0.1:0", family: unix.AF_INET},
		"IPv6":                            {listen: "[::1]:0", family: unix.AF_INET6},
		"IPv4 to a dual-stack listener":   {listen: "[::]:0", family: unix.AF_INET},
		"mapped to a dual-stack listener": {listen: "[::]:0", family: unix.AF_INET6, mapped: true},
		"mapped to an IPv4 listener":      {listen: "127.0.0.1:0", family: unix.AF_INET6, mapped: true},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := listening(t, &engine{}, Options{Listen: c.listen})
			link, err := l.Link(t.Context(), "https://source.example/authorize?state=s")
			if err != nil {
				t.Fatal(err)
			}
			host, path, _ := strings.Cut(strings.TrimPrefix(link, "http://"), "/")
			path = "/" + path
			port := netip.MustParseAddrPort(host).Port()
			var to unix.Sockaddr = &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}
			if c.family == unix.AF_INET6 {
				six := &unix.SockaddrInet6{Port: int(port), Addr: netip.IPv6Loopback().As16()}
				if c.mapped {
					six.Addr = netip.MustParseAddr("::ffff:127.0.0.1").As16()
				}
				to = six
			}
			if asForeign(t, func() {
				if got := fetches(t, c.family, to, host, path); !strings.Contains(got, "403") {
					t.Errorf("another user gets %q", got)
				}
			}) == (os.Geteuid() != 0) {
				t.Fatal("root has no other uid")
			}
			if got := fetches(t, c.family, to, host, path); !strings.Contains(got, "303") {
				t.Errorf("this user gets %q", got)
			}
		})
	}
}

func TestOwnerOfASocketIsReadFromTheTable(t *testing.T) {
	const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	table := header +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12 1 0 20 4 30 10 -1\n" +
		"   2: 0000000000000000FFFF00000100007F:C351 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 13 1 0 20 4 30 10 -1\n" +
		"   3: 0100007F:C352 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1\n"
	with := netip.MustParseAddrPort("127.0.0.1:8080")
	for port, want := range map[string]int{"50000": 1001, "50001": 1002, "50002": -1, "50003": -1} {
		uid, err := ownerIn(strings.NewReader(table), netip.MustParseAddrPort("127.0.0.1:"+port), with)
		if want < 0 && !errors.Is(err, errNoOwner) || want >= 0 && (err != nil || uid != want) {
			t.Errorf("port %s is owned by %d, %v; want %d", port, uid, err, want)
		}
	}
}

func TestOwnerThatCannotBeReadIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	if _, err := findOwner(dir, netip.AddrPort{}, netip.AddrPort{}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := peerOwner(netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")); !errors.Is(err, errNoOwner) {
		t.Errorf("a socket that is not there: %v", err)
	}
}

func TestLocalhostListensOnBothLoopbacks(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	for name, o := range map[string]Options{
		"callback.url": {URL: "http://localhost:" + port + "/callback"}, "callback.listen": {Listen: "localhost:" + port},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := listening(t, &engine{}, o)
			for _, host := range []string{"127.0.0.1", "[::1]"} {
				if status, _, _ := get(t, "http://"+host+":"+port+"/favicon.ico"); status != http.StatusNoContent {
					t.Errorf("%s answers %d", host, status)
				}
			}
			l.Close()
			taken, err := net.Listen("tcp", "[::1]:"+port)
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			other := New(o)
			defer other.Close()
			if _, err := other.Bind(t.Context(), source.Source{}, ""); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "[::1]:"+port) {
				t.Errorf("with another program at one of them: %v", err)
			}
		})
	}
}
