package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// SettingTestServer is the setting with an address on loopback that stands for every host of a source, which becomes the
// first segment of the path.
const SettingTestServer = "endpoint_base"

// ErrPlain is the error of a request that would not be encrypted.
var ErrPlain = errors.New("no https address")

// Transport sends requests, each with a User-Agent: some servers refuse requests without one. It follows no redirect by itself.
type Transport struct {
	// Base stands for every host, in tests; nil otherwise.
	Base *url.URL
	// By sends the requests.
	By http.RoundTripper
	// Agent is the User-Agent.
	Agent string
	// Allowed are the exceptions: where http may be used.
	Allowed Allowed
	// Plain are hosts on loopback, with their ports, that an operator names with http.
	Plain []string
}

// TestServer reads the address of a test server: http on loopback. An error says what it has to be.
func TestServer(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" || !loopback.Host(base.Hostname()) || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("it has to be an http address on loopback")
	}
	return base, nil
}

// RoundTrip implements [http.RoundTripper].
func (w *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	by := w.By
	switch {
	case r.URL.Scheme == "https" || w.Allowed.Plain(r.URL):
	case r.URL.Scheme == "http" && slices.Contains(w.Plain, r.URL.Host):
		by = LoopbackOnly()
	default:
		return nil, ErrPlain
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", w.Agent)
	if w.Base != nil {
		r.URL = w.under(r.URL)
		r.Host = r.URL.Host
	}
	return by.RoundTrip(r)
}

// Rewritten is an address for a browser.
func (w *Transport) Rewritten(address string) string {
	u, err := url.Parse(address)
	if w.Base == nil || err != nil {
		return address
	}
	return w.under(u).String()
}

// under is an address with its host as the first segment of a path at the base.
func (w *Transport) under(u *url.URL) *url.URL {
	out := *u
	out.Scheme, out.Host = w.Base.Scheme, w.Base.Host
	out.Path, out.RawPath = "/"+u.Host+u.Path, ""
	if u.RawPath != "" {
		out.RawPath = "/" + u.Host + u.RawPath
	}
	return &out
}
