package hook

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// envProxied says that this process was started with proxies in its environment, which net/http reads once.
const envProxied = "HOOK_TEST_PROXIED"

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	if os.Getenv(envProxied) != "" {
		postPastTheProxies(t)
		return
	}
	proxy := serve(t, httptest.NewServer, status(200))
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), envProxied+"=1", "NO_PROXY=", "no_proxy=")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		child.Env = append(child.Env, name+"="+proxy.URL)
	}
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
	if proxy.count() != 0 {
		t.Errorf("%d requests came to the proxy", proxy.count())
	}
}

func postPastTheProxies(t *testing.T) {
	s := sender()
	s.Resolver = nameServer(t, "127.0.0.1")
	for _, url := range []string{"http://app.test:1/", "https://app.test:1/"} {
		h := to(url)
		h.AllowInsecure, h.Timeout = true, 5*time.Second
		if u, err := http.ProxyFromEnvironment(httptest.NewRequest(http.MethodPost, url, http.NoBody)); u == nil || err != nil {
			t.Fatalf("the environment names no proxy for %s: %v, %v", url, u, err)
		}
		if o := s.Send(t.Context(), posted(h)); o.Verdict != Undelivered || !strings.Contains(o.Error, "connection refused") {
			t.Errorf("%s: %+v", url, o)
		}
	}
}

func TestProxyThatTheHookNamesIsUsed(t *testing.T) {
	proxy := serve(t, httptest.NewServer, status(200))
	s := sender()
	s.Resolver = nameServer(t, "127.0.0.1")
	h := to("http://app.test:1/")
	h.AllowInsecure, h.Timeout, h.Proxy = true, 5*time.Second, proxy.URL
	if o := s.Send(t.Context(), posted(h)); o.Verdict != Accepted || proxy.count() != 1 || proxy.got[0].URL.Host != "app.test:1" {
		t.Errorf("its own proxy: %+v", o)
	}
	h.Proxy = "http://169.254.169.254"
	if o := s.Send(t.Context(), posted(h)); o.Verdict != Undelivered || !strings.Contains(o.Error, "blocked address") {
		t.Errorf("%+v", o)
	}
}
