// Package endpoint says which URLs and which addresses this program sends to.
//
// A URL is judged twice: as it is written ([Parse]), and, since a name may lead anywhere and elsewhere the next time, by
// each address that is really dialled ([Guard]). There is no gap between the second check and the use.
package endpoint

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// What is wrong with a URL or an address. None of the texts repeats it: a URL may hold a secret.
var (
	ErrURL      = errors.New("is not an http or https URL")
	ErrHost     = errors.New("names no host")
	ErrPort     = errors.New("has a port that cannot be")
	ErrUser     = errors.New("holds a user name or a password")
	ErrFragment = errors.New("has a fragment, which no server gets to see")
	ErrPlain    = errors.New("is plain http to another machine")
	// ErrForbidden: link-local addresses, those of the metadata services of clouds, and those that are no host's.
	ErrForbidden = errors.New("is an address that is never sent to")
)

// Parse reads a URL to send to. Plain http is for loopback alone, unless insecure says that it may go anywhere.
func Parse(raw string, insecure bool) (*url.URL, error) {
	u, err := parse(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Fragment != "":
		return nil, ErrFragment
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return nil, ErrPlain
	}
	return u, nil
}

// ParseProxy reads the URL of a proxy: scheme, host and port.
func ParseProxy(raw string) (*url.URL, error) {
	u, err := parse(raw)
	if err == nil && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "") {
		return nil, ErrURL
	}
	return u, err
}

func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" {
		return nil, ErrURL
	}
	if u.Hostname() == "" {
		return nil, ErrHost
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, ErrPort
		}
	}
	if u.User != nil {
		return nil, ErrUser
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !allowed(addr) {
		return nil, ErrForbidden
	}
	return u, nil
}

// Origin is what of a URL may be shown: scheme and host. Path and query may hold a secret.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Guard is for the ControlContext of a net.Dialer: it refuses to dial what is never sent to, and, if onlyLoopback says so, all
// other machines, with [ErrForbidden] or [ErrPlain].
func Guard(onlyLoopback bool) func(ctx context.Context, network, address string, c syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		switch {
		case err != nil || !allowed(at.Addr()):
			return ErrForbidden
		case onlyLoopback && !at.Addr().Unmap().IsLoopback():
			return ErrPlain
		}
		return nil
	}
}

// allowed says whether an address may be sent to. An IPv4 address inside of an IPv6 one counts as itself.
func allowed(addr netip.Addr) bool {
	if addr.Zone() != "" { // has a meaning on a link alone
		return false
	}
	addr = embedded(addr)
	if addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast() {
		return false
	}
	for _, never := range forbidden() {
		if never.Contains(addr) {
			return false
		}
	}
	return true
}

// embedded is the IPv4 address that a gateway would send on to: IPv4-mapped (RFC 4291 §2.5.5.2), IPv4-compatible
// (§2.5.5.1), NAT64 (RFC 6052), 6to4 (RFC 3056).
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() || addr == netip.IPv6Loopback() || addr.IsUnspecified() {
		return addr
	}
	b := addr.As16()
	switch {
	case prefix("::/96").Contains(addr), prefix("64:ff9b::/96").Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:]))
	case prefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

// forbidden has what [netip.Addr] has no word for.
func forbidden() []netip.Prefix {
	return []netip.Prefix{
		prefix("0.0.0.0/8"),              // this network (RFC 791)
		prefix("240.0.0.0/4"),            // reserved, and broadcast
		prefix("64:ff9b:1::/48"),         // local NAT64 (RFC 8215): where it leads is not to be seen
		prefix("2001::/32"),              // Teredo (RFC 4380): likewise
		prefix("100.100.100.200/32"),     // metadata of Alibaba Cloud; the usual 169.254.169.254 is link-local
		prefix("168.63.129.16/32"),       // of Azure
		prefix("192.0.0.192/32"),         // of Oracle Cloud
		prefix("fd00:ec2::/32"),          // of AWS
		prefix("fd20:ce::254/128"),       // of Google Cloud
		prefix("fd00:42::42/128"),        // of Scaleway
		prefix("fd00:c1::a9fe:a9fe/128"), // of Oracle Cloud
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
