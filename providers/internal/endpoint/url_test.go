package endpoint

import (
	"strings"
	"testing"
)

func TestTypedURLIsHTTPSUnlessTheOperatorAllowsIt(t *testing.T) {
	a := allowing(t, "http://ns.lan:1337")
	for text, want := range map[string]bool{
		"https://ns.example.org": true, "https://NS.example.org:8443/below/": true, "https://[2001:db8::1]/": true, "https://xn--bcher-kva.example": true,
		"http://ns.lan:1337": true, "http://NS.LAN:1337/x": true,
		"http://ns.lan": false, "http://ns.lan:1338": false, "http://ns.lan.evil.example:1337": false, "http://ns.example.org": false,
		"ns.lan:1337": false, "ftp://ns.lan:1337": false, "//ns.lan:1337": false, "https:ns.example.org": false, "https:///x": false, "": false,
		"https://a@ns.example.org": false, "https://ns.example.org@evil.example": false, `https://ns.example.org\@evil.example`: false,
		"https://ns.example.org/?token=x": false, "https://ns.example.org/#x": false, "https://ns.example.org/a/../b": false, "https://ns.example.org/%2e%2e/": false, "https://ns.example.org/a%2fb": false, "https://ns.example.org//a": false, "https://ns.example.org/a//": false,
		"https://bücher.example": false, "https://ns.example.org/a b": false, "https://ns.example.org\x00": false, "https://{url}": false, "https://ns.example.org:x": false,
	} {
		if u, err := a.TypedURL(text); (err == nil) != want {
			t.Errorf("%q: %v, %v", text, u, err)
		}
		if u, err := TypedURL(text); err == nil && u.Scheme != "https" {
			t.Errorf("%q is accepted without an exception", text)
		}
	}
}

func TestPlainURLStaysPlainAtItsHostAlone(t *testing.T) {
	a := allowing(t, "http://ns.lan:1337")
	u, err := a.ExpandURL("{url}/api/{token}", map[string]string{"url": "http://ns.lan:1337/below/", "token": "a/../b"})
	if err != nil || u.String() != "http://ns.lan:1337/below/api/a%2F..%2Fb" {
		t.Errorf("%v, %v", u, err)
	}
	if u, err := ExpandURL("{url}/api", map[string]string{"url": "http://ns.lan:1337"}); err == nil {
		t.Errorf("%v without an exception", u)
	}
	if u, err := a.ExpandURL("http://ns.lan:1337/api", nil); err == nil {
		t.Errorf("%v, which is of the catalogue", u)
	}
	if u, err := a.ExpandURL("{url}/api", map[string]string{}); err == nil {
		t.Errorf("%v of nothing", u)
	}
}

func TestPartNeverHasASeparator(t *testing.T) {
	for _, text := range []string{"", ".", "..", "a/b", "a#b", "a@b", "a:1", "a%2f", `a\b`, "a..b", ".a", "a.", "[::1]", "bücher", "a b", "a\nb", "a?b", "{x}"} {
		if got, err := Part(text, `.*`); err == nil && text != "" {
			t.Errorf("%q is accepted as %q", text, got)
		}
		if got, err := Part(text, ""); err == nil {
			t.Errorf("%q is accepted as the label %q", text, got)
		}
	}
	if got, err := Part(" EU-1 ", ""); err != nil || got != "eu-1" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzReadAllowed(f *testing.F) {
	for _, seed := range []string{"a", "http://a:1", "[::1]:1, b", "https://a@b", "*", "a b,c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ReadAllowed(text)
		for _, h := range a.hosts {
			if err != nil || h.host == "" || strings.ContainsAny(h.host, "*%/@ ") || h.plain && h.port == "" {
				t.Errorf("%q is read as %+v, %v", text, h, err)
			}
		}
	})
}
