package authority_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
)

const issuer = "http://127.0.0.1:8778"

func get(t *testing.T, host, target string) *httptest.ResponseRecorder {
	t.Helper()
	a, err := authority.New(issuer, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, address := range []string{"http://0.0.0.0:80", "https://127.0.0.1:80", "http://example.org", "http://u@127.0.0.1:1", ""} {
		if _, err := authority.New(address, time.Now); err == nil {
			t.Errorf("%q is served", address)
		}
	}
	for host, want := range map[string]int{
		"127.0.0.1:8778": http.StatusOK, "localhost:8778": http.StatusOK, "[::1]:8778": http.StatusOK, "sandbox.localhost:8778": http.StatusOK,
		"rebound.example:8778": http.StatusForbidden, "": http.StatusForbidden,
	} {
		if got := get(t, host, "/").Code; got != want {
			t.Errorf("as %q it answers %d, want %d", host, got, want)
		}
	}
}

func TestNoBrowserIsSentElsewhere(t *testing.T) {
	for to, want := range map[string]int{
		"http://127.0.0.1:5/callback":            http.StatusFound,
		"http://localhost:5/a/b":                 http.StatusFound,
		"http://[::1]:5/a/b":                     http.StatusFound,
		"https://example.org/":                   http.StatusBadRequest,
		"http://127.0.0.1:80@example.org/":       http.StatusBadRequest,
		"http://127.0.0.1.example.org:5/":        http.StatusBadRequest,
		"javascript:alert(1)":                    http.StatusBadRequest,
		"":                                       http.StatusBadRequest,
		"http://example.org/http://127.0.0.1:5/": http.StatusBadRequest,
	} {
		for _, client := range []string{"sandbox-tracker", "sandbox-confidential"} {
			q := url.Values{
				"client_id": {client}, "redirect_uri": {to}, "response_type": {"code"}, "scope": {"openid"},
				"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
			}
			w := get(t, "127.0.0.1:8778", "/authorize?"+q.Encode())
			if w.Code != want || want == http.StatusFound && !strings.HasPrefix(w.Header().Get("Location"), "/consent?id=") {
				t.Errorf("%s to %q: %d, %s", client, to, w.Code, w.Header().Get("Location"))
			}
		}
	}
}

func TestPagesLoadNothingAndAreNotKept(t *testing.T) {
	for _, target := range []string{"/", "/device", "/device?user_code=x", "/consent?id=x"} {
		w := get(t, "127.0.0.1:8778", target)
		if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", target, w.Header())
		}
		if body := w.Body.String(); strings.Contains(body, "<script") || strings.Contains(body, "src=") || !strings.Contains(body, "<h1>") {
			t.Errorf("%s: %s", target, body)
		}
	}
}

func TestWhatWasTypedIsShownAsText(t *testing.T) {
	w := get(t, "127.0.0.1:8778", "/device?user_code="+url.QueryEscape(`"><script>alert(1)</script>`))
	if body := w.Body.String(); strings.Contains(body, "<script") || !strings.Contains(body, "The code is unknown or has expired") {
		t.Error(body)
	}
}
