package endpoint_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/endpoint"
)

func TestURLsAreJudgedAsTheyAreWritten(t *testing.T) {
	for raw, want := range map[string]error{
		"https://app.example.com/hooks?key=s3cret": nil,
		"https://10.0.0.7:8443/":                   nil,
		"https://[fd12::1]/":                       nil,
		"HTTP://localhost:3000/h":                  nil,
		"http://app.localhost./h":                  nil,
		"http://127.9.9.9/":                        nil,
		"http://[::1]:80/":                         nil,
		"http://[::ffff:127.0.0.1]/":               nil,
		"http://app.example.com/":                  endpoint.ErrPlain,
		"http://127.0.0.1./":                       endpoint.ErrPlain,
		"http://localhost.example.com/":            endpoint.ErrPlain,
		"http://10.0.0.7/":                         endpoint.ErrPlain,
		"http://2130706433/":                       endpoint.ErrPlain,
		"https://169.254.169.254/latest":           endpoint.ErrForbidden,
		"https://[::ffff:169.254.169.254]/":        endpoint.ErrForbidden,
		"https://[64:ff9b::a9fe:a9fe]/":            endpoint.ErrForbidden,
		"https://[fe80::1%25eth0]/":                endpoint.ErrForbidden,
		"https://u:s3cret@app.example.com/":        endpoint.ErrUser,
		"https://app.example.com/#s3cret":          endpoint.ErrFragment,
		"https:///s3cret":                          endpoint.ErrHost,
		"https://app.example.com:99999/s3cret":     endpoint.ErrPort,
		"https://app.example.com:/s3cret":          endpoint.ErrPort,
		"https://[::1]:/s3cret":                    endpoint.ErrPort,
		"https://[::1]/":                           nil,
		"ftp://app.example.com/s3cret":             endpoint.ErrURL,
		"https:s3cret":                             endpoint.ErrURL,
		"https://app.example.com/s3cret\n":         endpoint.ErrURL,
		"":                                         endpoint.ErrURL,
	} {
		_, err := endpoint.Parse(raw, false)
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error repeats the URL: %v", err)
		}
	}
	if _, err := endpoint.Parse("http://app.example.com/", true); err != nil {
		t.Errorf("insecure: %v", err)
	}
}

func TestAProxyIsSchemeHostAndPort(t *testing.T) {
	for raw, good := range map[string]bool{
		"http://proxy.example.com:3128": true, "https://10.0.0.1/": true, "http://u:p@proxy.test": false,
		"http://proxy.test/x": false, "socks5://proxy.test": false, "http://169.254.169.254": false,
	} {
		if _, err := endpoint.ParseProxy(raw, false, false); (err == nil) != good {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestAProxyOnAnotherMachineGetsNoPlainHTTP(t *testing.T) {
	for raw, want := range map[string]error{
		"http://127.0.0.1:3128": nil, "http://localhost": nil, "https://proxy.test": endpoint.ErrCarrier, "http://192.0.2.2": endpoint.ErrCarrier,
	} {
		if _, err := endpoint.ParseProxy(raw, true, false); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", raw, err, want)
		}
		if _, err := endpoint.ParseProxy(raw, true, true); err != nil {
			t.Errorf("%q, insecure: %v", raw, err)
		}
	}
}

func TestOnlyTheOriginIsShown(t *testing.T) {
	for raw, want := range map[string]string{
		"https://u:s3cret@app.example.com:8443/s3cret?s3cret#s3cret": "https://app.example.com:8443", "s3cret": "", "http://[::1/": "",
	} {
		if got := endpoint.Origin(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestAddressesAreCheckedWhenTheyAreDialled(t *testing.T) {
	forbidden := []string{
		"169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%lo", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1", "2002:a9fe:a9fe::1", "2001:0:1::1", "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255",
		"::ffff:0:a9fe:a9fe", "2001:db8::5efe:a9fe:a9fe", "2001:db8::200:5efe:a9fe:a9fe", "2001:db8:1:2:300:5efe:0:0", "fe80::5efe:a00:1",
		"64:ff9b:1::5efe:808:808", "240.0.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "not an address",
	}
	for _, addr := range forbidden {
		for _, onlyLoopback := range []bool{true, false} {
			if err := guard(addr, onlyLoopback); !errors.Is(err, endpoint.ErrForbidden) {
				t.Errorf("%s: %v", addr, err)
			}
		}
	}
	for _, addr := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		if err := errors.Join(guard(addr, true), guard(addr, false)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{
		"10.0.0.1", "192.168.1.1", "172.16.0.1", "fd12::1", "::ffff:10.0.0.1", "8.8.8.8", "2606:4700::1111", "100.64.0.1", "::ffff:0:808:808",
		"2001:db8::5efe:a00:1", "2001:db8::400:5efe:a9fe:a9fe", "64:ff9b::808:808",
	} {
		if err := guard(addr, false); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		if err := guard(addr, true); !errors.Is(err, endpoint.ErrPlain) {
			t.Errorf("%s in plain http: %v", addr, err)
		}
	}
}

func guard(addr string, onlyLoopback bool) error {
	return endpoint.Guard(onlyLoopback)(context.Background(), "tcp", net.JoinHostPort(addr, "443"), nil)
}

func FuzzParse(f *testing.F) {
	f.Add("https://app.example.com/h", false)
	f.Add("http://[::ffff:127.0.0.1]:80/", true)
	f.Fuzz(func(t *testing.T, raw string, insecure bool) {
		u, err := endpoint.Parse(raw, insecure)
		if err != nil {
			return
		}
		if u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || endpoint.Origin(raw) == "" {
			t.Fatalf("%q was taken", raw)
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, seed := range []string{"http://proxy:3128", "https://proxy/", "http://u:p@proxy", "http://[::1]:1", "proxy:3128", "http://proxy/x?y#z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := endpoint.ParseProxy(raw, false, false)
		if err != nil {
			return
		}
		if u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery+u.Fragment != "" {
			t.Fatalf("%q was taken", raw)
		}
	})
}
