package hook

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// vectorSecret and what is signed with it below are the test vector that the libraries of Standard Webhooks share.
const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestSharedVectorOfStandardWebhooksIsReproduced(t *testing.T) {
	keys, err := keysOf(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	got := signature(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOneSignatureForEachActiveSecretTheNewOneFirst(t *testing.T) {
	other := NewSecret()
	sign := func(s sdk.Secret) string {
		keys, err := keysOf(s)
		if err != nil {
			t.Fatal(err)
		}
		return signature(keys, "evt_x", time.Unix(1, 0), []byte("{}"))
	}
	got := sign(other + "\n" + vectorSecret + " ")
	if want := sign(other) + " " + sign(vectorSecret); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSecretsThatLibrariesDisagreeOnAreRefused(t *testing.T) {
	for _, s := range []sdk.Secret{
		"", " \n", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", "whsec_c2hvcnQ=",
		"whsec_" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", // no padding
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", vectorSecret + " x",
		vectorSecret + " " + vectorSecret + " " + vectorSecret + " " + vectorSecret + " " + vectorSecret,
	} {
		if _, err := keysOf(s); !errors.Is(err, ErrSecret) {
			t.Errorf("%q: %v", s.Reveal(), err)
		}
	}
	if a, b := NewSecret(), NewSecret(); a == b || strings.Contains(a.Reveal(), "=") {
		t.Error("secrets are random and have no padding")
	}
}

// endpointOf serves what answers do, and keeps what came.
type endpointOf struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
}

func serve(t *testing.T, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *endpointOf {
	t.Helper()
	e := &endpointOf{}
	e.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.got, e.bodies = append(e.got, r), append(e.bodies, string(body))
		e.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpointOf) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.got)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func fixed(s sdk.Secret) func(context.Context) (sdk.Secret, error) {
	return func(context.Context) (sdk.Secret, error) { return s, nil }
}

func to(url string) Hook {
	return Hook{Name: "app", On: []event.On{event.OnClose}, URL: url, Secret: fixed(vectorSecret)}
}

func posted(h Hook) Message {
	return Message{Hook: h, Event: store.Event{ID: id.New[id.Event](), Body: []byte("{\"name\":\"<&> é\"}\n")}, Try: 3}
}

func sender() HTTP { return HTTP{Clock: clock.System(), Version: "1.2.3"} }

func TestAPostHasTheStoredBytesAndIsSigned(t *testing.T) {
	e := serve(t, httptest.NewServer, status(204))
	m := posted(to(e.URL + "/hooks?key=1"))
	if o := sender().Send(t.Context(), m); o.Verdict != Accepted || o.Error != "" {
		t.Fatalf("%+v", o)
	}
	r := e.got[0]
	at, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		t.Errorf("timestamp: %v", err)
	}
	keys, _ := keysOf(vectorSecret)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "humanconnect/1.2.3", "Webhook-Id": string(m.Event.ID),
		"Webhook-Signature":         signature(keys, string(m.Event.ID), time.Unix(at, 0), m.Event.Body),
		"Humanconnect-Delivery-Try": "3", "Humanconnect-Hook": "app", "Accept-Encoding": "", "Authorization": "", "Cookie": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.Method != http.MethodPost || r.URL.RequestURI() != "/hooks?key=1" || e.bodies[0] != string(m.Event.Body) {
		t.Errorf("%s %s %q", r.Method, r.URL, e.bodies[0])
	}
}

func TestEachAnswerHasItsVerdict(t *testing.T) {
	e := serve(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.Header().Set("Location", "/200")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
	})
	for code, want := range map[int]Outcome{
		200: {Verdict: Accepted}, 202: {Verdict: Accepted}, 299: {Verdict: Accepted},
		301: {Verdict: Undelivered, Error: "HTTP 301: redirects are not followed", RetryAfter: 7 * time.Second},
		307: {Verdict: Undelivered, Error: "HTTP 307: redirects are not followed", RetryAfter: 7 * time.Second},
		400: {Verdict: Undelivered, Error: "HTTP 400", RetryAfter: 7 * time.Second},
		410: {Verdict: Gone, Error: "HTTP 410: endpoint unsubscribed"},
		429: {Verdict: Undelivered, Error: "HTTP 429", RetryAfter: 7 * time.Second},
		500: {Verdict: Undelivered, Error: "HTTP 500", RetryAfter: 7 * time.Second},
	} {
		before := e.count()
		got := sender().Send(t.Context(), posted(to(fmt.Sprintf("%s/%d", e.URL, code))))
		if diff := cmp.Diff(want, got); diff != "" || e.count() != before+1 {
			t.Errorf("%d: %s, %d requests", code, diff, e.count()-before)
		}
	}
}

func TestRetryAfterIsSecondsOrADateAndADayAtMost(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, " 120 ": 2 * time.Minute, "-5": 0, "soon": 0, "1.5": 0, "99999999999999999999": 24 * time.Hour, "86401": 24 * time.Hour,
		"Sun, 22 Nov 2026 08:01:30 GMT": 90 * time.Second, "Sun, 22 Nov 2026 07:00:00 GMT": 0, "Thu, 22 Nov 2035 08:00:00 GMT": 24 * time.Hour,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestAHangingReceiverHasItsTimeAndNoMore(t *testing.T) {
	release := make(chan struct{})
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	e := serve(t, httptest.NewServer, hang)
	defer close(release)
	h := to(e.URL + "/s3cret")
	h.Timeout = 50 * time.Millisecond
	o := sender().Send(t.Context(), posted(h))
	if o.Verdict != Hung || o.Error != "no answer within 50ms" {
		t.Errorf("%+v", o)
	}
	// A server that takes the connection and says nothing, by TLS.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	h.URL = "https://" + silent.Addr().String()
	if o := sender().Send(t.Context(), posted(h)); o.Verdict != Hung || o.Error != "no answer within 50ms" {
		t.Errorf("%+v", o)
	}
}

func TestATryThatIsStoppedDoesNotCount(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := serve(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if o := sender().Send(ctx, posted(to(e.URL))); o.Verdict != Interrupted {
		t.Errorf("%+v", o)
	}
}

// counted counts the bytes that a server gets rid of.
type counted struct {
	net.Conn
	n *int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	*c.n += int64(n)
	return n, err
}

func TestAHugeAnswerIsNotRead(t *testing.T) {
	for name, answer := range map[string]string{
		"body":    "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
		"headers": "HTTP/1.1 200 OK\r\nX: ",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wrote int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			c := counted{conn, &wrote}
			_, _ = io.WriteString(c, answer)
			zeros := bytes.Repeat([]byte("0"), 1<<16)
			for range 1_000_000_000 >> 16 {
				if _, err := c.Write(zeros); err != nil {
					return
				}
			}
		}()
		o := sender().Send(t.Context(), posted(to("http://"+listener.Addr().String())))
		_ = listener.Close()
		<-done
		if accepted := name == "body"; (o.Verdict == Accepted) != accepted || len(o.Output) > 0 {
			t.Errorf("%s: %+v", name, o)
		}
		if wrote > 100<<20 { // what the system's buffers hold
			t.Errorf("%s: %d bytes went out", name, wrote)
		}
	}
}

func TestTLSMustBeTrusted(t *testing.T) {
	e := serve(t, httptest.NewTLSServer, status(200))
	o := sender().Send(t.Context(), posted(to(e.URL)))
	if o.Verdict != Undelivered || !strings.Contains(o.Error, "not trusted") || e.count() != 0 {
		t.Errorf("%+v", o)
	}
	trusting := sender()
	trusting.Roots = x509.NewCertPool()
	trusting.Roots.AddCert(e.Certificate())
	if o := trusting.Send(t.Context(), posted(to(e.URL))); o.Verdict != Accepted {
		t.Errorf("%+v", o)
	}
}

// names is a name server that answers each question with the next of its addresses, and with the last for ever.
type names struct {
	mu    sync.Mutex
	addrs []netip.Addr
}

func nameServer(t *testing.T, addrs ...string) *net.Resolver {
	t.Helper()
	n := &names{}
	for _, a := range addrs {
		n.addrs = append(n.addrs, netip.MustParseAddr(a))
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(n.answer(bytes.Clone(buf[:size])), from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer makes the response to one question (RFC 1035 §4.1), with one address if it asks for A.
func (n *names) answer(q []byte) []byte {
	end := 12
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5
	asked := binary.BigEndian.Uint16(q[end-4:])
	out := append(bytes.Clone(q[:2]), 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	out = append(out, q[12:end]...)
	if asked != 1 {
		return out
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	addr := n.addrs[0].As4()
	if len(n.addrs) > 1 {
		n.addrs = n.addrs[1:]
	}
	out[7] = 1
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(out, addr[:]...)
}

func TestANameThatLeadsElsewhereTheSecondTimeIsRefused(t *testing.T) {
	e := serve(t, httptest.NewServer, status(200))
	_, port, _ := net.SplitHostPort(e.Listener.Addr().String())
	s := sender()
	s.Resolver = nameServer(t, "127.0.0.1", "169.254.169.254")
	h := to("http://rebind.test:" + port + "/s3cret")
	h.AllowInsecure = true
	if o := s.Send(t.Context(), posted(h)); o.Verdict != Accepted {
		t.Fatalf("first: %+v", o)
	}
	o := s.Send(t.Context(), posted(h))
	if o.Verdict != Undelivered || o.Error != "not sent to, because it is a blocked address" || e.count() != 1 {
		t.Errorf("second: %+v", o)
	}
}

func TestPlainHTTPGoesToThisMachineOnlyWhateverANameSays(t *testing.T) {
	s := sender()
	s.Resolver = nameServer(t, "10.0.0.1")
	h := to("http://app.localhost/s3cret")
	o := s.Send(t.Context(), posted(h))
	if o.Verdict != Undelivered || o.Error != "not sent to, because it is plain http to another machine" {
		t.Errorf("%+v", o)
	}
	h.URL = "http://10.0.0.1/s3cret"
	if o := s.Send(t.Context(), posted(h)); !strings.Contains(o.Error, "plain http") {
		t.Errorf("%+v", o)
	}
}

func TestErrorsNameNothingOfTheURL(t *testing.T) {
	closed := serve(t, httptest.NewServer, status(200))
	closed.Close()
	tooLong := serve(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = io.WriteString(conn, "s3cret s3cret\r\n\r\n")
		_ = conn.Close()
	})
	plain := serve(t, httptest.NewServer, status(200))
	hangsUp := serve(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	nowhere := sender()
	nowhere.Resolver = nameServer(t, "10.0.0.1")
	noSecret := to(plain.URL + "/s3cret")
	noSecret.Secret = func(context.Context) (sdk.Secret, error) { return "", errors.New("s3cret") }
	coded := to(plain.URL + "/s3cret")
	coded.Secret = func(context.Context) (sdk.Secret, error) {
		return "", problem.New("secret_unavailable", "hooks[0].secret leads to no secret").Because(errors.New("s3cret"))
	}
	bad := to(plain.URL + "/s3cret")
	bad.Secret = fixed("s3cret")
	late := to(plain.URL + "/s3cret")
	late.Timeout = 10 * time.Millisecond
	late.Secret = func(ctx context.Context) (sdk.Secret, error) {
		<-ctx.Done()
		return "", problem.New("secret_unavailable", "hooks[0].secret leads to no secret").Because(ctx.Err())
	}
	for want, h := range map[string]Hook{
		"connection refused":                                                    to(closed.URL + "/s3cret"),
		"it did not answer as an HTTP server does":                              to(tooLong.URL + "/s3cret"),
		"TLS handshake failed":                                                  to("https" + plain.URL[4:] + "/s3cret"),
		"connection closed without a response":                                  to(hangsUp.URL + "/s3cret"),
		"the secret of the hook cannot be read":                                 noSecret,
		"hooks[0].secret leads to no secret":                                    coded,
		"the secret of the hook is not whsec_ and the base64 of 24 to 64 bytes": bad,
		"the secret of the hook did not come in time":                           late,
		"not sent to, because it holds a user name or a password":               to("https://u:s3cret@x.test/"),
	} {
		verdict := Undelivered
		if h.Timeout == late.Timeout {
			verdict = Hung
		}
		if o := nowhere.Send(t.Context(), posted(h)); o.Verdict != verdict || o.Error != want {
			t.Errorf("%+v, want %s", o, want)
		}
	}
	if got := At("https://x.test", "HTTP 500"); got != "https://x.test: HTTP 500" || At("", "exit status 1") != "exit status 1" || At("https://x.test", "") != "" {
		t.Error(got)
	}
}

// TestTheStatusDecidesWhateverBecomesOfTheBody: its server may take for ever, or break off.
func TestTheStatusDecidesWhateverBecomesOfTheBody(t *testing.T) {
	release := make(chan struct{})
	e := serve(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "o")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/breaks" {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	h := to(e.URL + "/drips")
	h.Timeout = 2 * patience
	began := time.Now()
	if o := sender().Send(t.Context(), posted(h)); o.Verdict != Accepted {
		t.Errorf("%+v", o)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("took %s", took)
	}
	h.URL = e.URL + "/breaks"
	if o := sender().Send(t.Context(), posted(h)); o.Verdict != Accepted {
		t.Errorf("%+v", o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cut := serve(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "o")
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	h.URL = cut.URL
	if o := sender().Send(ctx, posted(h)); o.Verdict == Failed || o.Verdict == Undelivered {
		t.Errorf("%+v", o)
	}
}

func TestPlainHTTPGoesByNoProxyOnAnotherMachine(t *testing.T) {
	e := serve(t, httptest.NewServer, status(200))
	h := to("http://localhost/s3cret")
	h.Timeout = 5 * time.Second
	h.Proxy = e.URL
	if o := sender().Send(t.Context(), posted(h)); o.Verdict != Accepted || e.count() != 1 {
		t.Errorf("on this machine: %+v", o)
	}
	_, port, _ := net.SplitHostPort(e.Listener.Addr().String())
	for _, proxy := range []string{"http://192.0.2.2", "https://proxy.test"} {
		h.Proxy = proxy
		if o := sender().Send(t.Context(), posted(h)); o.Verdict != Undelivered || o.Error != "the proxy is another machine, and would receive plain http" {
			t.Errorf("%s: %+v", proxy, o)
		}
	}
	// A name of this machine that leads to another one.
	s := sender()
	s.Resolver = nameServer(t, "192.0.2.2")
	h.Proxy = "http://proxy.localhost:" + port
	if o := s.Send(t.Context(), posted(h)); o.Verdict != Undelivered || !strings.Contains(o.Error, "plain http to another machine") {
		t.Errorf("by its name: %+v", o)
	}
	h.AllowInsecure = true
	s.Resolver = nameServer(t, "127.0.0.1")
	h.Proxy = "http://proxy.test:" + port
	if o := s.Send(t.Context(), posted(h)); o.Verdict != Accepted || e.count() != 2 {
		t.Errorf("allowed: %+v", o)
	}
}

func TestATransportTakesNoOldTLSAndNoHugeHeader(t *testing.T) {
	transport, err := sender().transport(t.Context(), to("https://app.example.com"), &line{})
	if err != nil || transport.TLSClientConfig.MinVersion != tls.VersionTLS12 {
		t.Errorf("%+v, %v", transport.TLSClientConfig, err)
	}
	e := serve(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.Header().Set("X", strings.Repeat("0", size))
	})
	for size, want := range map[int]Verdict{answerCap / 2: Accepted, 2 * answerCap: Undelivered} {
		if o := sender().Send(t.Context(), posted(to(fmt.Sprintf("%s/%d", e.URL, size)))); o.Verdict != want {
			t.Errorf("%d bytes: %+v", size, o)
		}
	}
}

func TestURLsGoOnToTheLongScheduleAfterTheQuickTries(t *testing.T) {
	at, d := tries(t, func(context.Context, Message) Outcome { return Outcome{Verdict: Undelivered, Error: "HTTP 500"} }, time.Second, 6*time.Minute)
	var want []time.Duration
	sum := time.Duration(0)
	for _, wait := range append(schedule.Quick(), schedule.Long()[0]) {
		sum += wait
		want = append(want, sum)
	}
	if diff := cmp.Diff(want, at); diff != "" || d.State != store.DeliveryPending {
		t.Error(diff, d)
	}
	for d.State == store.DeliveryPending {
		apply(&d, Outcome{Verdict: Undelivered}, d.NextAt, func() float64 { return 0.5 })
	}
	if d.Tries != 4+8 || d.State != store.DeliveryDead {
		t.Errorf("%+v", d)
	}
}

func TestRetryAfterPutsTheNextTryOffAndNeverForward(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ asked, want time.Duration }{{0, time.Second}, {500 * time.Millisecond, time.Second}, {time.Hour, time.Hour}} {
		d := store.Delivery{State: store.DeliveryPending}
		apply(&d, Outcome{Verdict: Undelivered, RetryAfter: c.asked}, now, func() float64 { return 0.5 })
		if got := d.NextAt.Sub(now); got != c.want {
			t.Errorf("asked for %s: %s", c.asked, got)
		}
	}
}

func TestGoneDisablesTheHookUntilItIsEnabledOrLeadsElsewhere(t *testing.T) {
	s := newState(t)
	h := to("https://app.example.com/one")
	session := s.session()
	first := s.record(session, 1, h)
	r := &receiver{answer: func(context.Context, Message) Outcome { return Outcome{Verdict: Gone, Error: "HTTP 410"} }}
	if tally := s.once(s.worker(r, h)); tally.Dead != 1 || s.only(first.ID).Error != "HTTP 410" {
		t.Fatalf("%+v %+v", tally, s.only(first.ID))
	}
	r.answer = func(context.Context, Message) Outcome { return Outcome{Verdict: Accepted} }
	second := s.record(session, 2, h)
	if tally := s.once(s.worker(r, h)); tally.Dead != 1 || r.count() != 1 || s.only(second.ID).Error != Disabled {
		t.Errorf("%+v, %d tries, %+v", tally, r.count(), s.only(second.ID))
	}
	moved := h
	moved.URL = "https://app.example.com/two"
	s.record(session, 3, moved)
	if tally := s.once(s.worker(r, moved)); tally.Delivered != 1 {
		t.Errorf("with another URL: %+v", tally)
	}
	s.update(func(tx store.Tx) error {
		for _, want := range []bool{true, false} {
			if was, err := enable(tx, h.Name); was != want || err != nil {
				t.Error(was, err)
			}
		}
		return nil
	})
	s.record(session, 4, h)
	if tally := s.once(s.worker(r, h)); tally.Delivered != 1 {
		t.Errorf("enabled: %+v", tally)
	}
}

func TestURLHookIsDeliveredThroughTheWholeWayInOrder(t *testing.T) {
	s := newState(t)
	refuse := true
	e := serve(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		if refuse {
			w.WriteHeader(503)
		}
		refuse = false
	})
	session := s.session()
	h := to(e.URL)
	var want []string
	for seq := range int64(3) {
		body := string(event.JSON(s.record(session, seq+1, h)))
		if want = append(want, body); seq == 0 {
			want = append(want, body) // it is tried again before the next
		}
	}
	d := s.onSystemClock(ByKind{Commands: realShell(), URLs: sender()}, h)
	tally, err := d.Drain(t.Context(), Scope{Session: session}, DefaultTimeout)
	if err != nil || tally.Delivered != 3 {
		t.Fatal(tally, err)
	}
	if diff := cmp.Diff(want, e.bodies); diff != "" {
		t.Error(diff)
	}
}

func TestURLOfAFlagIsSignedWithTheStatesSecretByAnyProcess(t *testing.T) {
	s := newState(t)
	e := serve(t, httptest.NewServer, status(200))
	session := s.session()
	secret := func(ctx context.Context) (sdk.Secret, error) { return DefaultSecret(ctx, s.store, s.clock.Now()) }
	ev := anEvent(session, 1, event.SessionClosed)
	s.update(func(tx store.Tx) error {
		here, there := parse(t, event.OnClose, " "+e.URL+"/h ", place(t)), parse(t, event.OnClose, e.URL+"/h", place(t))
		ids, err := Attach(tx, s.store.MAC, session, []Hook{here, there, parse(t, event.OnClose, e.URL+"/other", place(t))})
		if len(ids) != 2 {
			t.Errorf("%d hooks: a URL is the same in every directory", len(ids))
		}
		return errors.Join(err, Record(tx, ev, session, s.clock.Now(), nil, nil))
	})
	opt := s.options(ByKind{Commands: realShell(), URLs: HTTP{Clock: clock.System(), Default: secret}})
	opt.FlagHooks, opt.Host = false, "another" // as serve, on another host
	if tally := s.once(New(opt)); tally.Delivered != 2 {
		t.Fatalf("%+v", tally)
	}
	first, err := secret(t.Context())
	again, err2 := secret(t.Context())
	if err := errors.Join(err, err2); err != nil || first != again {
		t.Fatal(err, "the secret changed")
	}
	keys, err := keysOf(first)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range e.got {
		at, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		if r.Header.Get("webhook-signature") != signature(keys, string(ev.ID), time.Unix(at, 0), []byte(e.bodies[i])) {
			t.Errorf("request %d is not signed with it", i)
		}
	}
}

func TestProbeIsAnEventOfItsOwnThatIsStoredNowhere(t *testing.T) {
	e := serve(t, httptest.NewServer, status(200))
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	sent, o := Probe(t.Context(), sender(), to(e.URL), event.SourceConnected, now)
	example := event.Example(event.SourceConnected, now)
	example.ID, example.Test = sent, true
	want := string(event.JSON(example))
	if !strings.Contains(want, `"test":true`) || strings.Contains(want, `"test":false`) {
		t.Error(want)
	}
	if o.Verdict != Accepted || e.bodies[0] != want || e.got[0].Header.Get("webhook-id") != string(sent) {
		t.Errorf("%+v %s", o, e.bodies)
	}
}

// TestNothingOfATryOutlivesIt: neither what a proxy never answers, nor a name that nobody finds.
func TestNothingOfATryOutlivesIt(t *testing.T) {
	proxy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	hungUp, lookedUp := make(chan error, 1), make(chan error, 1)
	go func() {
		c, err := proxy.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, c) // takes the CONNECT, says nothing, and ends when the other side does
			_ = c.Close()
		}
		hungUp <- err
	}()
	s := sender()
	s.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		select {
		case lookedUp <- nil:
		default: // it asks again
		}
		return nil, ctx.Err()
	}}
	proxied, nowhere := to("https://app.example.com"), to("https://app.example.com")
	proxied.Proxy = "http://" + proxy.Addr().String()
	for h, ended := range map[*Hook]chan error{&proxied: hungUp, &nowhere: lookedUp} {
		h.Timeout = 100 * time.Millisecond
		if o := s.Send(t.Context(), posted(*h)); o.Error != "no answer within 100ms" {
			t.Errorf("%+v", o)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(4 * time.Second): // less than the limit of a dial
			t.Errorf("by proxy %q: it goes on after the try", h.Proxy)
		}
	}
}
