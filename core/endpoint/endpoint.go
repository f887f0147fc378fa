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

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// What is wrong with a URL or an address. None of the texts repeats it: a URL may hold a secret.
var (
	ErrURL      = errors.New("is not an http or https URL")
	ErrHost     = errors.New("names no host")
	ErrPort     = errors.New("has an invalid port")
	ErrUser     = errors.New("holds a user name or a password")
	ErrFragment = errors.New("has a fragment, which no server gets to see")
	ErrPlain    = errors.New("is plain http to another machine")
	ErrCarrier  = errors.New("is another machine, and would receive plain http")
	// ErrForbidden: link-local addresses, those of the metadata services of clouds, and those that are no host's.
	ErrForbidden = errors.New("is a blocked address")
)

// Parse reads a URL to send to. Plain http is for loopback alone, unless insecure says that it may go anywhere.
func Parse(raw string, insecure bool) (*url.URL, error) {
	u, err := parse(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Fragment != "":
		return nil, ErrFragment
	case u.Scheme == "http" && !insecure && !loopback.Host(u.Hostname()):
		return nil, ErrPlain
	}
	return u, nil
}

// ParseProxy reads the URL of a proxy: scheme, host and port. A proxy that is sent plain http, which it can read whatever
// its own scheme is, has to be on this machine, unless insecure says that it may be anywhere.
func ParseProxy(raw string, plain, insecure bool) (*url.URL, error) {
	u, err := parse(raw)
	switch {
	case err != nil:
		return nil, err
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, ErrURL
	case plain && !insecure && !loopback.Host(u.Hostname()):
		return nil, ErrCarrier
	}
	return u, nil
}

func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" {
		return nil, ErrURL
	}
	if u.Hostname() == "" {
		return nil, ErrHost
	}
	if !validPort(u) {
		return nil, ErrPort
	}
	if u.User != nil {
		return nil, ErrUser
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !allowed(addr) {
		return nil, ErrForbidden
	}
	return u, nil
}

// validPort says whether a port can be, if there is one. A colon without one is a slip.
func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n != 0
}

// Plain says whether what goes to a URL can be read on its way.
func Plain(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "http"
}

// Origin is what of a URL may be shown: scheme and host. Path and query may hold a secret.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Guard is for the ControlContext of a net.Dialer: it refuses to dial what is never sent to, and, if onlyLoopback says so, all
// other machines, with [ErrForbidden] or [ErrPlain].
func Guard(onlyLoopback bool) func(ctx context.Context, network, address string, c syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		switch {
		case err != nil || !allowed(at.Addr()):
			return ErrForbidden
		case onlyLoopback && !loopback.Addr(at.Addr()):
			return ErrPlain
		}
		return nil
	}
}

// allowed says whether an address may be sent to. One that holds an IPv4 address counts as both.
func allowed(addr netip.Addr) bool {
	if addr.Zone() != "" { // has a meaning on a link alone
		return false
	}
	return mayBe(addr.Unmap()) && mayBe(embedded(addr))
}

func mayBe(addr netip.Addr) bool {
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
// (§2.5.5.1), IPv4-translated (RFC 2765 §2.1), NAT64 by its well-known prefix (RFC 6052), 6to4 (RFC 3056), ISATAP (RFC 5214
// §6.1). The prefix that a network chose for its own NAT64 cannot be known.
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() || addr == netip.IPv6Loopback() || addr.IsUnspecified() {
		return addr
	}
	b := addr.As16()
	isatap := b[8]&^3 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
	switch {
	case prefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case isatap, prefix("::/96").Contains(addr), prefix("::ffff:0:0:0/96").Contains(addr), prefix("64:ff9b::/96").Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:]))
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
