package endpoint

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAddressThatIsNotPublicIsNeverDialled(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true,
		"127.0.0.1": false, "127.8.8.8": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.100.100.200": false, "168.63.129.16": false, "0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::7f00:1": false, "fe80::1%eth0": false,
	} {
		if got := Public(netip.MustParseAddr(text).Unmap()); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	var reached atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer server.Close()
	for _, host := range []string{server.Listener.Addr().String(), strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)} {
		if err := asks(t, &Transport{By: PublicOnly()}, "https://"+host); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached.Load() {
		t.Error("the server was reached")
	}
	if PublicOnly().Proxy != nil {
		t.Error("a proxy would dial in its place")
	}
}

// asks makes a request, and says what came of it.
func asks(t *testing.T, transport *Transport, address string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return err
}

func allowing(t *testing.T, text string) Allowed {
	t.Helper()
	a, err := ReadAllowed(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return a
}

func TestExceptionIsForOneHostAndPort(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	for list, want := range map[string]error{
		"":                               ErrPlain,
		"127.0.0.1":                      ErrPlain, // by https alone
		"127.0.0.1:" + port:              ErrPlain,
		"http://127.0.0.1":               ErrPlain, // port 80
		"http://127.0.0.2:" + port:       ErrPlain,
		"http://localhost:" + port:       ErrPlain,
		"http://127.0.0.1:" + port + "/": nil,
		"ns.example, http://127.0.0.1:" + port + " other.example": nil,
	} {
		a := allowing(t, list)
		if err := asks(t, &Transport{By: a.Transport(), Allowed: a}, server.URL); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", list, err, want)
		}
	}
	if err := asks(t, &Transport{By: allowing(t, "http://127.0.0.1:1").Transport(), Allowed: allowing(t, "http://127.0.0.1:"+port)}, server.URL); !errors.Is(err, ErrPrivate) {
		t.Errorf("an exception for http is none for the address: %v", err)
	}
}

func TestNameThatIsAllowedMayBeNearAndNeverLinkLocal(t *testing.T) {
	a := allowing(t, "ns.lan 169.254.10.10")
	for _, tt := range []struct {
		host, address string
		want          bool
	}{
		{"ns.lan", "192.168.1.5", true},
		{"NS.lan", "127.0.0.1", true},
		{"ns.lan", "100.64.3.4", true},
		{"ns.lan", "fd12::1", true},
		{"ns.lan", "8.8.8.8", true},
		{"ns.lan", "169.254.169.254", false},
		{"ns.lan", "fe80::1", false},
		{"ns.lan", "100.100.100.200", false},
		{"ns.lan", "fd00:ec2::254", false},
		{"ns.lan", "0.0.0.0", false},
		{"ns.lan", "168.63.129.16", false},
		{"169.254.10.10", "169.254.10.10", true},
		{"other.lan", "192.168.1.5", false},
		{"x.ns.lan", "192.168.1.5", false},
		{"ns.lan.evil.example", "192.168.1.5", false},
	} {
		if got := a.addresses(tt.host, "443")(netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("%s at %s: %v", tt.host, tt.address, got)
		}
	}
}

// TestNameIsJudgedByWhatIsDialled is the rebinding of a name: what it resolved to before counts for nothing.
func TestNameIsJudgedByWhatIsDialled(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	transport := &Transport{By: PublicOnly()}
	for range 3 {
		if err := asks(t, transport, "https://localhost:"+port); !errors.Is(err, ErrPrivate) {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := PublicOnly().DialContext(ctx, "tcp", "localhost:"+port); err == nil {
		_ = c.Close()
		t.Error("it was dialled")
	}
}

func TestExceptionsAreReadStrictly(t *testing.T) {
	for _, text := range []string{
		"*", "*.example.org", "https://a@b", "ftp://a", "http://", "a/b", "http://a/b", "a?b", "a#b", "bücher.example", "[fe80::1%25eth0]", "a b/c", "a:b",
		"http://user:secret@host",
	} {
		_, err := ReadAllowed(text)
		if err == nil {
			t.Errorf("%q is accepted", text)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats %q", text)
		}
	}
	a := allowing(t, " [::1]:8443,\nhttps://NS.Example.org\t192.168.1.5 ")
	for text, want := range map[string]bool{"http://[::1]:8443": false, "http://192.168.1.5": false} {
		u, err := url.Parse(text)
		if err != nil || a.Plain(u) != want {
			t.Errorf("%s: %v, %v", text, a.Plain(u), err)
		}
	}
	if !a.addresses("::1", "8443")(netip.MustParseAddr("::1")) || a.addresses("::1", "443")(netip.MustParseAddr("::1")) {
		t.Error("the port of an exception counts for nothing")
	}
}
