package redirect

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// engine takes one redirect with the state "good", and says what became of its attempt.
type engine struct {
	mu       sync.Mutex
	got      []sdk.Callback
	used     bool
	progress session.Progress
	moved    chan struct{}
	// asked counts the questions how far the attempt is.
	asked int
}

func (e *engine) Callback(_ context.Context, c sdk.Callback) (session.CallbackResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Get("state") != "good" || e.used {
		return session.CallbackResult{Outcome: session.CallbackStray}, nil
	}
	e.used = true
	e.got = append(e.got, c)
	return session.CallbackResult{Outcome: session.CallbackAccepted, Attempt: "att"}, nil
}

func (e *engine) Moved() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.moved
}

func (e *engine) Progress(context.Context, id.Attempt) (session.Progress, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	return e.progress, nil
}

// move changes how far the attempt has come.
func (e *engine) move(p session.Progress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.progress = p
	if e.moved != nil {
		close(e.moved)
		e.moved = nil
	}
}

func listening(t *testing.T, e *engine, o Options) (*Listener, string) {
	t.Helper()
	o.Engine = e
	l := New(o)
	t.Cleanup(l.Close)
	uri, err := l.Bind(t.Context(), source.Source{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return l, uri
}

func get(t *testing.T, address string) (int, string, http.Header) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, &client, req)
}

func answer(t *testing.T, client *http.Client, req *http.Request) (int, string, http.Header) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestPageShowsTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		progress session.Progress
		want     []string
	}{
		"connected": {session.Progress{State: session.AttemptConnected, SourceName: "Tracker & Co"}, []string{"Tracker &amp; Co is connected", "close this page"}},
		"asks":      {session.Progress{State: session.AttemptAsks, SourceName: "Tracker"}, []string{"Almost done", "one more step"}},
		"failed": {
			session.Progress{State: session.AttemptFailed, SourceName: "Tracker", Failure: failure.New(failure.AccessDenied, "You said no.")},
			[]string{"Tracker was not connected", "You said no.", "allow the access"},
		},
		"over": {session.Progress{State: session.AttemptOver}, []string{"was not connected", "start again"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, uri := listening(t, &engine{progress: c.progress}, Options{})
			status, body, header := get(t, uri+"?code=1&state=good")
			if status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			for _, w := range c.want {
				if !strings.Contains(body, w) {
					t.Errorf("the page does not say %q:\n%s", w, body)
				}
			}
			if csp := header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
				t.Errorf("policy: %s", csp)
			}
			if strings.Contains(body, "good") || strings.Contains(body, "http") {
				t.Error("the page repeats the redirect, or names something outside")
			}
		})
	}
}

func TestRedirectWithoutPendingAuthorizationGetsAPage(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptConnected}}
	_, uri := listening(t, e, Options{})
	for _, query := range []string{"?code=1&state=bad", "?error=access_denied", "?code=1"} {
		status, body, _ := get(t, uri+query)
		if status != http.StatusBadRequest || !strings.Contains(body, "No pending authorization") {
			t.Errorf("%s: %d\n%s", query, status, body)
		}
	}
	if status, _, _ := get(t, uri+"?code=1&state=good"); status != http.StatusOK {
		t.Errorf("the redirect that was waited for: %d", status)
	}
	if status, body, _ := get(t, uri+"?code=1&state=good"); status != http.StatusBadRequest || !strings.Contains(body, "opened twice") {
		t.Errorf("its replay: %d", status)
	}
	if len(e.got) != 1 {
		t.Errorf("%d redirects were taken", len(e.got))
	}
}

func TestFragmentIsSentAgainAsAQuery(t *testing.T) {
	_, uri := listening(t, &engine{}, Options{})
	status, body, _ := get(t, uri)
	if status != http.StatusOK || !strings.Contains(body, "location.hash") || !strings.Contains(body, "No pending authorization") {
		t.Errorf("%d\n%s", status, body)
	}
	// A callback URL may have a query of its own.
	if _, body, _ := get(t, uri+"?tenant=1"); !strings.Contains(body, "location.hash") || !strings.Contains(body, "<noscript>") {
		t.Errorf("beside a query:\n%s", body)
	}
	if _, body, _ := get(t, uri+"?state=bad"); strings.Contains(body, "location.hash") {
		t.Error("a redirect with a state is sent again")
	}
}

func TestFormPostIsAccepted(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptConnected}}
	_, uri := listening(t, e, Options{})
	form := url.Values{"code": {"a b"}, "state": {"good"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, _, _ := answer(t, http.DefaultClient, req); status != http.StatusOK || e.got[0].Get("code") != "a b" {
		t.Errorf("%d, %+v", status, e.got)
	}
}

func TestHugeRedirectIsRefused(t *testing.T) {
	e := &engine{}
	_, uri := listening(t, e, Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri+"?state=good&x="+strings.Repeat("x", 10<<20), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if len(e.got) != 0 {
		t.Error("it was taken")
	}
	if status, _, _ := get(t, uri); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

func TestLinkRedirectsOnce(t *testing.T) {
	l, _ := listening(t, &engine{}, Options{})
	link, err := l.Link(t.Context(), "https://source.example/authorize?state=good")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(link, "source") || strings.Contains(link, "good") {
		t.Errorf("the link names what it leads to: %s", link)
	}
	status, _, header := get(t, link)
	if status != http.StatusSeeOther || header.Get("Location") != "https://source.example/authorize?state=good" {
		t.Errorf("%d to %s", status, header.Get("Location"))
	}
	if status, body, header := get(t, link); status != http.StatusGone || header.Get("Location") != "" || !strings.Contains(body, "already used") {
		t.Errorf("again: %d to %s", status, header.Get("Location"))
	}
}

func TestOtherHostIsRefused(t *testing.T) {
	_, uri := listening(t, &engine{}, Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri+"?state=good", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if status, _, _ := answer(t, http.DefaultClient, req); status != http.StatusMisdirectedRequest {
		t.Errorf("status %d", status)
	}
}

func TestEarlierRedirectURIIsUsedAgain(t *testing.T) {
	first, uri := listening(t, &engine{}, Options{})
	first.Close()
	second := New(Options{Engine: &engine{}})
	t.Cleanup(second.Close)
	if got, err := second.Bind(t.Context(), source.Source{}, uri); err != nil || got != uri {
		t.Fatalf("%s, %v", got, err)
	}
	if status, _, _ := get(t, uri); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	third := New(Options{Engine: &engine{}})
	t.Cleanup(third.Close)
	if _, err := third.Bind(t.Context(), source.Source{}, uri); err == nil {
		t.Error("two listen at one address")
	}
}

func TestSourcesGetTheCallbackURLOfTheConfig(t *testing.T) {
	const own = "https://connect.example.com/callback"
	l, uri := listening(t, &engine{}, Options{URL: own})
	if uri != own || len(l.Addresses()) != 1 {
		t.Fatalf("%s, %v", uri, l.Addresses())
	}
	if again, err := l.Bind(t.Context(), source.Source{}, own); err != nil || again != own {
		t.Errorf("%s, %v", again, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addresses()[0]+"/callback", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "connect.example.com"
	if status, _, _ := answer(t, http.DefaultClient, req); status != http.StatusOK {
		t.Errorf("through what stands in front: %d", status)
	}
}

func ask(t *testing.T, method, address string, header ...string) (int, string, http.Header) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return answer(t, &client, req)
}

// TestHeadAndPrefetchRequestsChangeNothing: previews of links, and pages that are loaded in advance.
func TestHeadAndPrefetchRequestsChangeNothing(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptConnected}}
	l, uri := listening(t, e, Options{})
	link, err := l.Link(t.Context(), "https://source.example/authorize")
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{link, uri + "?code=1&state=good"} {
		ask(t, http.MethodHead, address)
		ask(t, http.MethodGet, address, "Sec-Purpose", "prefetch;prerender")
		for _, h := range [][2]string{
			{"Purpose", "prefetch"},
			{"Purpose", "Preview"},
			{"X-Purpose", "preview"},
			{"X-Purpose", "instant"},
			{"X-Moz", "prefetch"},
			{"Sec-Purpose", "prefetch"},
			{"Sec-Purpose", "Prefetch;prerender"},
		} {
			ask(t, http.MethodGet, address, h[0], h[1])
		}
	}
	if len(e.got) > 0 {
		t.Error("a redirect was taken")
	}
	if status, _, _ := get(t, link); status != http.StatusSeeOther {
		t.Errorf("the link: %d", status)
	}
	if status, _, _ := get(t, uri+"?code=1&state=good"); status != http.StatusOK || len(e.got) != 1 {
		t.Errorf("the redirect: %d", status)
	}
	if status, body, _ := ask(t, http.MethodDelete, uri); status != http.StatusMethodNotAllowed || !strings.Contains(body, "<h1>") {
		t.Errorf("another method: %d\n%s", status, body)
	}
}

func TestPageLeaksNoParameters(t *testing.T) {
	_, uri := listening(t, &engine{progress: session.Progress{State: session.AttemptConnected}}, Options{})
	_, body, header := get(t, uri+"?code=1&state=good")
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !strings.Contains(body, "history.replaceState") {
		t.Error("code and state stay in the address")
	}
	if status, body, _ := get(t, uri+"?humanconnect-done=1"); status != http.StatusOK || !strings.Contains(body, "Response received") {
		t.Errorf("loaded again: %d\n%s", status, body)
	}
}

func TestPageCannotBeFramedAndLoadsNothing(t *testing.T) {
	_, uri := listening(t, &engine{progress: session.Progress{State: session.AttemptConnected}}, Options{})
	for _, address := range []string{uri, uri + "?code=1&state=good", uri + "?code=1&state=bad"} {
		_, _, header := get(t, address)
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", address, policy, want)
			}
		}
	}
}

func TestPageWaitsForTheOutcome(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptWorking}, moved: make(chan struct{})}
	_, uri := listening(t, e, Options{})
	shown := make(chan string, 1)
	go func() {
		_, body, _ := get(t, uri+"?code=1&state=good")
		shown <- body
	}()
	for asked := 0; asked == 0; runtime.Gosched() {
		e.mu.Lock()
		asked = e.asked
		e.mu.Unlock()
	}
	select {
	case body := <-shown:
		t.Fatalf("shown before it was known:\n%s", body)
	default:
	}
	e.move(session.Progress{State: session.AttemptConnected, SourceName: "Tracker"})
	if body := <-shown; !strings.Contains(body, "Tracker is connected") {
		t.Error(body)
	}
}

// TestPageRefreshesAutomatically: the wait takes too long, here because the request ends early.
func TestPageRefreshesAutomatically(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptWorking}}
	l, uri := listening(t, e, Options{})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	p := l.outcome(over, session.CallbackResult{Attempt: "att"}, "n1")
	if p.Refresh != "?humanconnect-again=n1" {
		t.Fatalf("%+v", p)
	}
	e.move(session.Progress{State: session.AttemptConnected, SourceName: "Tracker"})
	if _, body, _ := get(t, uri+p.Refresh); !strings.Contains(body, "Tracker is connected") {
		t.Error(body)
	}
	if _, body, _ := get(t, uri+"?humanconnect-again=other"); !strings.Contains(body, "Response received") {
		t.Error(body)
	}
}

// RFC 8252 §7.3 and §8.3: a free port of a loopback address, never a name, which is open only while a redirect may come.
func TestListensAtALoopbackAddressOnlyWhileItIsNeeded(t *testing.T) {
	l := New(Options{Engine: &engine{}})
	t.Cleanup(l.Close)
	if open := l.Addresses(); len(open) > 0 {
		t.Errorf("listens at %q before there is an attempt", open)
	}
	uri, err := l.Bind(t.Context(), source.Source{}, "")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Port() == "" || !slices.Equal(l.Addresses(), []string{u.Host}) {
		t.Errorf("the redirect URI is %s; listens at %q", uri, l.Addresses())
	}
	l.Close()
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host); err == nil {
		_ = conn.Close()
		t.Error("the port is open after the end")
	}
}

func TestListensAtALoopbackCallbackURL(t *testing.T) {
	for _, host := range []string{"localhost", "LocalHost", "connect.localhost", "127.0.0.1"} {
		free, uri := listening(t, &engine{}, Options{})
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		free.Close() // its port is free now
		own := "http://" + host + ":" + u.Port() + "/cb/withings"
		l, got := listening(t, &engine{}, Options{URL: own})
		if got != own {
			t.Fatalf("sources get %s", got)
		}
		want := []string{"127.0.0.1:" + u.Port()}
		if host != "127.0.0.1" && slices.Contains(l.Addresses(), "[::1]:"+u.Port()) { // where the machine has it
			want = append(want, "[::1]:"+u.Port())
		}
		if !slices.Equal(l.Addresses(), want) {
			t.Errorf("%s is listened for at %v", own, l.Addresses())
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+u.Port()+"/cb/withings", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host + ":" + u.Port() // whether a name below localhost resolves is up to the machine
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v %v at %v", resp, err, l.Addresses())
		}
	}
	// With a fixed port to listen at, a proxy is in front.
	l, _ := listening(t, &engine{}, Options{URL: "http://127.0.0.1:1/cb", Listen: "127.0.0.1:" + freePort(t)})
	if got := l.Addresses(); len(got) != 1 || strings.HasSuffix(got[0], ":1") {
		t.Errorf("listening at %v", got)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestCallbackURLMayHaveAnyPathAndPort(t *testing.T) {
	e := &engine{progress: session.Progress{State: session.AttemptConnected}}
	l, _ := listening(t, e, Options{URL: "https://connect.example.com:443/go/callback"})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addresses()[0]+"/go/callback?code=1&state=good", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "connect.example.com" // a browser leaves the port of https out
	if status, body, _ := answer(t, http.DefaultClient, req); status != http.StatusOK || len(e.got) != 1 {
		t.Errorf("%d\n%s", status, body)
	}
}

// panickyEngine makes net/http write to its log, as it also does when it is out of file descriptors.
type panickyEngine struct{ engine }

func (e *panickyEngine) Callback(context.Context, sdk.Callback) (session.CallbackResult, error) {
	panic("as if")
}

func TestServerWritesNoLinesOverTheScreens(t *testing.T) {
	var lines bytes.Buffer
	log.SetOutput(&lines)          //nolint:forbidigo // what net/http falls back on
	defer log.SetOutput(os.Stderr) //nolint:forbidigo // as above
	l := New(Options{Engine: &panickyEngine{}})
	uri, err := l.Bind(t.Context(), source.Source{}, "")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri+"?code=1&state=good", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("the handler did not panic")
	}
	l.Close()
	if lines.Len() > 0 {
		t.Errorf("net/http writes %s", lines.String())
	}
}
