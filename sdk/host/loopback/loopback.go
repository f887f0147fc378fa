// Package loopback says which names and addresses are those of this machine alone (RFC 8252 §7.3, RFC 6761 §6.3). It resolves
// nothing.
package loopback

import (
	"net/netip"
	"strings"
)

// Host says whether the host of a URL, as [net/url.URL.Hostname] returns it, is on loopback: a literal address of [Addr],
// localhost, or a name below .localhost, in whatever case and with one trailing dot or none. What only some resolvers
// read as an address, such as 127.1, is not.
func Host(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return Addr(addr)
	}
	name = "." + strings.ToLower(strings.TrimSuffix(name, "."))
	return strings.HasSuffix(name, ".localhost") && !strings.Contains(name, "..")
}

// Addr says whether an address is of 127.0.0.0/8 or ::1, also where the former is written as IPv6.
func Addr(addr netip.Addr) bool { return addr.Unmap().IsLoopback() }
