package source

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/sdk"
)

// Redirect is the redirect URI to register with a source.
type Redirect struct {
	// URI has PORT for its port where Fixed is false.
	URI string
	// Fixed: the URI is the same each time. Otherwise the port is a free one, chosen for each call.
	Fixed bool
}

// Redirect returns the redirect URI that attempts of this source have, by the config; the zero value for a source that sends
// nobody to a browser.
func (s Source) Redirect(callback config.Callback) Redirect {
	if !slices.Contains(s.Methods, sdk.MethodBrowser) {
		return Redirect{}
	}
	if own := cmp.Or(s.CallbackURL(), callback.URL); own != "" {
		return Redirect{URI: own, Fixed: true}
	}
	host, port, err := net.SplitHostPort(callback.Listen)
	if err != nil || host == "" {
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil { // a name: the listener has an address of loopback
		host = "127.0.0.1"
	}
	fixed := port != "" && port != "0"
	if !fixed {
		port = "PORT"
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/callback"}
	return Redirect{URI: u.String(), Fixed: fixed}
}
