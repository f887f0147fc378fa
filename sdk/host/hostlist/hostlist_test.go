package hostlist_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/sdk/host/hostlist"
)

func TestPersonIsSentToDeclaredHostsAlone(t *testing.T) {
	hosts := []string{"Auth.example.com", "*.clinic.test", "*.port.test:8443", "[::1]:8778", "127.0.0.1:8778", "app.localhost"}
	for address, want := range map[string]bool{
		"https://auth.example.com/authorize?x=y": true,
		"HTTPS://AUTH.EXAMPLE.COM/":              true,
		"https://auth.example.com:444/":          true,
		"https://a.b.clinic.test/":               true,
		"https://a.clinic.test:1/":               true,
		"https://a.port.test:8443/":              true,
		"http://[::1]:8778/":                     true,
		"http://127.0.0.1:8778/":                 true,
		"http://App.localhost/":                  true,
		"https://clinic.test/":                   false,
		"https://a.port.test/":                   false,
		"https://evilclinic.test/":               false,
		"https://auth.example.com.evil.test/":    false,
		"https://u@auth.example.com/":            false,
		"https://auth.example.com@evil.test/":    false,
		"http://auth.example.com/":               false,
		"http://127.0.0.1:1/":                    false,
		"http://localhost:8778/":                 false,
		"javascript:alert(1)":                    false,
		"//auth.example.com/":                    false,
		"":                                       false,
		"%":                                      false,
	} {
		if got := hostlist.Leads(hosts, address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	if hostlist.Leads(nil, "https://auth.example.com/") {
		t.Error("no host is declared, and a person is sent to one")
	}
}
