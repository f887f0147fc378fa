package redirect

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
)

var (
	// errUntold: the system does not show who owns a socket.
	errUntold = errors.New("the system does not show the owner of a socket")
	// errNoOwner: no process on this machine has the socket.
	errNoOwner = errors.New("no process has the socket")
)

// isOurs says whether a request comes from a socket of this user. Another user of the machine can see the link in the
// arguments of the browser's command; the authorization URL behind it contains source and state. Where the system does not
// show the owner, every request is taken for ours.
func isOurs(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	peer, err2 := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || err2 != nil {
		return false
	}
	uid, err := peerOwner(peer, at)
	return errors.Is(err, errUntold) || err == nil && uid == os.Geteuid()
}
