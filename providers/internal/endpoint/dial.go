package endpoint

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// ErrPrivate is the error of a connection to an address that may not be dialled.
var ErrPrivate = errors.New("the address is not a public one")

// dialLimit is how long a connection may take, and again its TLS handshake.
const dialLimit = 10 * time.Second

// dialing is a transport that connects to what is allowed alone, by the address that is dialled: a name may resolve to
// another one each time. There is no proxy, which would dial in its place.
func dialing(allowed func(host, port string) func(netip.Addr) bool) *http.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		may := allowed(host, port)
		dialer := &net.Dialer{Timeout: dialLimit, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !may(at.Addr().Unmap()) {
				return ErrPrivate
			}
			return nil
		}}
		return dialer.DialContext(ctx, network, address)
	}
	return &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSHandshakeTimeout: dialLimit}
}

// LoopbackOnly returns a transport that dials loopback addresses alone.
func LoopbackOnly() *http.Transport {
	return dialing(func(string, string) func(netip.Addr) bool { return loopback.Addr })
}

// PublicOnly returns a transport that dials public addresses alone.
func PublicOnly() *http.Transport { return Allowed{}.Transport() }

// Transport returns one that dials public addresses, and the exceptions.
func (a Allowed) Transport() *http.Transport { return dialing(a.addresses) }

// Public says whether an address is one of the internet: no loopback, private, link-local, shared, reserved or metadata
// address, and none that holds an IPv4 address, which could be one of those.
func Public(addr netip.Addr) bool {
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && addr.Zone() == "" && !within(addr,
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "168.63.129.16/32", // the last one: metadata of a cloud
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	)
}

// near says whether an address is public, or one of this machine or its network. Link-local addresses are not, and none that
// answers with the metadata of a cloud.
func near(addr netip.Addr) bool {
	if within(addr, "100.100.100.200/32", "fd00:ec2::254/128", "fd20:ce::254/128") { // metadata of clouds
		return false
	}
	return Public(addr) || addr.Zone() == "" && (addr.IsLoopback() || addr.IsPrivate() || within(addr, "100.64.0.0/10"))
}

func within(addr netip.Addr, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if netip.MustParsePrefix(prefix).Contains(addr) {
			return true
		}
	}
	return false
}
