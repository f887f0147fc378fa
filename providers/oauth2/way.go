package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// way sends the requests of one call. It follows no redirect: the standard engine's client does not.
type way struct {
	// base stands for every host, in tests; nil otherwise.
	base *url.URL
	by   http.RoundTripper
	// plain are the hosts that a definition names with plain http: they are on loopback.
	plain []string
}

// userAgent is sent always: some servers refuse requests without one.
const userAgent = "humanconnect-provider-oauth2/" + version

// way chooses how requests are sent. An address that a person typed a part of is public.
func (p *provider) way(settings sdk.Settings, typed bool) (*way, error) {
	if text := settings.Values[settingBase]; text != "" {
		base, err := url.Parse(text)
		if err != nil || base.Scheme != "http" || !loopback.Host(base.Hostname()) || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
			return nil, &sdk.Error{
				Code: sdk.BadConfiguration, Message: "It has to be an http address on loopback.", Setting: settingBase,
			}
		}
		return &way{base: base, by: loopbackOnly()}, nil
	}
	if typed {
		return &way{by: p.public}, nil
	}
	return &way{by: http.DefaultTransport}, nil
}

var (
	errPlain   = errors.New("no https address")
	errPrivate = errors.New("the address is not a public one")
)

// RoundTrip implements [http.RoundTripper].
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	by := w.by
	switch {
	case r.URL.Scheme == "https":
	case r.URL.Scheme != "http" || !slices.Contains(w.plain, r.URL.Host):
		return nil, errPlain
	default:
		by = loopbackOnly()
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", userAgent)
	if w.base != nil {
		r.URL = w.under(r.URL)
		r.Host = r.URL.Host
	}
	return by.RoundTrip(r)
}

// rewritten is an address for a browser.
func (w *way) rewritten(address string) string {
	u, err := url.Parse(address)
	if w.base == nil || err != nil {
		return address
	}
	return w.under(u).String()
}

// under is an address with its host as the first segment of a path at the base.
func (w *way) under(u *url.URL) *url.URL {
	out := *u
	out.Scheme, out.Host = w.base.Scheme, w.base.Host
	out.Path, out.RawPath = "/"+u.Host+u.Path, ""
	if u.RawPath != "" {
		out.RawPath = "/" + u.Host + u.RawPath
	}
	return &out
}

// dialing is a transport that connects to what is allowed alone, by the address that is dialled: a name may resolve to
// another one each time. There is no proxy, which would dial in its place.
func dialing(allowed func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !allowed(at.Addr().Unmap()) {
			return errPrivate
		}
		return nil
	}}
	return &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second}
}

func loopbackOnly() *http.Transport { return dialing(loopback.Addr) }

func publicOnly() *http.Transport { return dialing(public) }

// public says whether an address is one of the internet: no loopback, private, link-local, shared, reserved or metadata
// address, and none that holds an IPv4 address, which could be one of those.
func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false
	}
	for _, prefix := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "168.63.129.16/32", // the last one: metadata of a cloud
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(prefix).Contains(addr) {
			return false
		}
	}
	return true
}
