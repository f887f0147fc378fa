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

func TestRefusedAddressIsToldWithItsHostAndTheRule(t *testing.T) {
	hosts := []string{"Auth.example.com", "port.test:8443", "*.clinic.test"}
	for address, want := range map[string]string{
		"javascript:alert(1)":               `its scheme is "javascript", and must be https`,
		"file:///etc/passwd":                `its scheme is "file", and must be https`,
		"data:text/html,x":                  `its scheme is "data", and must be https`,
		"//auth.example.com/":               `it has no scheme, and must begin with https://`,
		"https:///x":                        `it has no host`,
		"https://u:p@auth.example.com/?q=1": `it has user information before its host "auth.example.com"`,
		"http://auth.example.com/":          `its scheme is "http" at the host "auth.example.com", and must be https, but for an address of loopback`,
		"https://port.test/":                `its host is "port.test", which is declared with another port: the source declares Auth.example.com, port.test:8443, *.clinic.test`,
		"https://port.test:1/":              `its host is "port.test:1", which is declared with another port: the source declares Auth.example.com, port.test:8443, *.clinic.test`,
		"https://evil.test/secret?token=1":  `its host is "evil.test", which is not declared: the source declares Auth.example.com, port.test:8443, *.clinic.test`,
		"https://x\u202e.test/":             `its host is "x.test", which is not declared: the source declares Auth.example.com, port.test:8443, *.clinic.test`,
		"%":                                 `it is not a valid URL`,
		"https://127.0.0.1.evil.test:8778/": `its host is "127.0.0.1.evil.test:8778", which is not declared: the source declares Auth.example.com, port.test:8443, *.clinic.test`,
	} {
		if err := hostlist.Check(hosts, address); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
	if err := hostlist.Check(nil, "https://a.test/"); err == nil || err.Error() != `its host is "a.test", which is not declared: the source declares none` {
		t.Error(err)
	}
}
