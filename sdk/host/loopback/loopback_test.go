package loopback_test

import (
	"net/netip"
	"testing"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

func TestHostKnowsTheNamesOfLoopbackAndNoOther(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost":             true,
		"LOCALHOST":             true,
		"localhost.":            true,
		"app.localhost":         true,
		"App.Localhost.":        true,
		"a.b.localhost":         true,
		"127.0.0.1":             true,
		"127.255.255.254":       true,
		"::1":                   true,
		"0:0:0:0:0:0:0:1":       true,
		"::ffff:127.0.0.1":      true,
		"::FFFF:7f00:1":         true,
		"":                      false,
		".":                     false,
		"localhost..":           false,
		".localhost":            false,
		"app..localhost":        false,
		"notlocalhost":          false,
		"localho\u017ft":        false,
		"localhost.example.com": false,
		"127.0.0.1.example.com": false,
		"127.0.0.1.":            false,
		"127.1":                 false,
		"127.0.0.01":            false,
		"0x7f.1":                false,
		"2130706433":            false,
		"0.0.0.0":               false,
		"::":                    false,
		"::127.0.0.1":           false,
		"::ffff:10.0.0.1":       false,
		"128.0.0.1":             false,
		"[::1]":                 false,
		"localhost:80":          false,
	} {
		if got := loopback.Host(name); got != want {
			t.Errorf("Host(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestAddrKnowsLoopbackHoweverItIsWritten(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": false, "::": false, "192.168.0.1": false, "::ffff:192.168.0.1": false, "fe80::1": false,
	} {
		if got := loopback.Addr(netip.MustParseAddr(text)); got != want {
			t.Errorf("Addr(%s) = %t, want %t", text, got, want)
		}
	}
	if loopback.Addr(netip.Addr{}) {
		t.Error("no address at all is on loopback")
	}
}
