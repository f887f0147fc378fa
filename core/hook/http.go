package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// The limits of a try. The hook's own timeout, 15 s if it names none, is over all of it.
const (
	dialLimit      = 5 * time.Second
	handshakeLimit = 5 * time.Second
	headerLimit    = 10 * time.Second
	// answerCap is how much of an answer is read, its headers and its body each; bodyLimit, for how long its body is, since
	// its status has decided before.
	answerCap = 64 << 10
	bodyLimit = time.Second
	// maxRetryAfter is the longest Retry-After that is obeyed.
	maxRetryAfter = 24 * time.Hour
)

// HTTP posts events to URLs, signed as Standard Webhooks 1.0.0 says:
//
//   - The stored body as it is, application/json. webhook-id is the event's id, webhook-timestamp the time of this try,
//     webhook-signature has one v1 for each active secret. humanconnect-attempt and humanconnect-hook are not signed.
//   - 2xx is accepted. 410 means that the receiver wants no more of this hook. All else is a failure, redirects too:
//     they are not followed. Retry-After puts the next try off, a day at most.
//   - Each address is checked when it is dialled (package endpoint), on a connection of its own for each try. No proxy of
//     the environment is used: it would dial for us whatever a name leads to. A proxy that the hook names is trusted
//     with that.
//   - The status decides. No more than 64 KiB of an answer are read, of its body for no longer than a second, and nothing of
//     it is kept.
//
// Texts of errors name nothing of the URL: that of a flag is sealed in the store, and they are not.
type HTTP struct {
	Clock clock.Clock
	// Version of the program, for User-Agent.
	Version string
	// Default returns the secret of the state, for hooks without one of their own. Nil where there are none such.
	Default func(context.Context) (sdk.Secret, error)
	// Roots are the certificates that are trusted; nil means the system's.
	Roots *x509.CertPool
	// Resolver finds addresses; nil means the system's.
	Resolver *net.Resolver
}

// Send implements [Sender].
func (s HTTP) Send(ctx context.Context, m Message) Outcome {
	limit := m.Hook.timeout()
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	res, err := s.post(within, m)
	switch {
	case err == nil:
		defer func() { _ = res.Body.Close() }()
		defer finish(res.Body, cancel)
		return s.answered(res)
	case ctx.Err() != nil:
		return Outcome{Verdict: Interrupted}
	case within.Err() != nil && !isSecret(err):
		return Outcome{Verdict: Hung, Error: fmt.Sprintf("no answer within %s", limit)}
	case within.Err() != nil || isTimeout(err):
		return Outcome{Verdict: Hung, Error: networkText(err)}
	}
	return Outcome{Verdict: Undelivered, Error: networkText(err)}
}

// finish reads the rest of a short answer, so that its server is not cut off while it writes.
func finish(body io.Reader, cut context.CancelFunc) {
	late := time.AfterFunc(bodyLimit, cut)
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, answerCap)
}

// post makes the request. The caller closes the body of the response.
func (s HTTP) post(ctx context.Context, m Message) (*http.Response, error) {
	if _, err := endpoint.Parse(m.Hook.URL, m.Hook.AllowInsecure); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Hook.URL, bytes.NewReader(m.Event.Body))
	if err != nil {
		return nil, endpoint.ErrURL
	}
	if req.Header, err = s.headers(ctx, m); err != nil {
		return nil, err
	}
	line := &line{}
	t, err := s.transport(ctx, m.Hook, line)
	if err != nil {
		return nil, err
	}
	// Not a client: it would follow redirects.
	res, err := t.RoundTrip(req)
	if err != nil {
		line.hangUp()
	}
	return res, err
}

// line is the connection of a try, which ends with it. A transport goes on dialling when its request has ended, for the
// next one, and waits a minute for what a proxy says to its CONNECT.
type line struct {
	mu   sync.Mutex
	conn net.Conn
	over bool
}

// hold keeps a connection until the try hangs up. The transport, which is of one try, dials once.
func (l *line) hold(c net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = c
	if l.over {
		_ = c.Close()
	}
	return c
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.conn != nil {
		_ = l.conn.Close() // its user gets an error
	}
}

func (s HTTP) headers(ctx context.Context, m Message) (http.Header, error) {
	secret := m.Hook.Secret
	if secret == nil {
		secret = s.Default
	}
	keys, err := readKeys(ctx, secret)
	if err != nil {
		return nil, &secretError{err}
	}
	now := s.Clock.Now()
	h := http.Header{}
	for name, value := range map[string]string{
		"Content-Type":              "application/json",
		"User-Agent":                "humanconnect/" + s.Version,
		"Webhook-Id":                string(m.Event.ID),
		"Webhook-Timestamp":         stamp(now),
		"Webhook-Signature":         signature(keys, string(m.Event.ID), now, m.Event.Body),
		"Humanconnect-Delivery-Try": strconv.Itoa(m.Try),
		"Humanconnect-Hook":         m.Hook.Name,
	} {
		h.Set(name, value)
	}
	return h, nil
}

// transport is of one try, whose context it is: a connection that is kept would be one that nobody closes.
func (s HTTP) transport(ctx context.Context, h Hook, line *line) (*http.Transport, error) {
	plain := endpoint.Plain(h.URL)
	dialer := &net.Dialer{
		Timeout: dialLimit, Resolver: s.Resolver, ControlContext: endpoint.Guard(plain && !h.AllowInsecure),
	}
	t := &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return line.hold(c), nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.Roots},
		TLSHandshakeTimeout:    handshakeLimit,
		ResponseHeaderTimeout:  max(headerLimit, h.timeout()-dialLimit),
		MaxResponseHeaderBytes: answerCap,
		DisableKeepAlives:      true,
		DisableCompression:     true,
	}
	if h.Proxy != "" {
		proxy, err := endpoint.ParseProxy(h.Proxy, plain, h.AllowInsecure)
		if err != nil {
			return nil, &proxyError{err}
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	return t, nil
}

// answered judges a status.
func (s HTTP) answered(res *http.Response) Outcome {
	o := Outcome{Verdict: Undelivered, Error: fmt.Sprintf("HTTP %d", res.StatusCode)}
	switch {
	case res.StatusCode >= 200 && res.StatusCode <= 299:
		return Outcome{Verdict: Accepted}
	case res.StatusCode == http.StatusGone:
		return Outcome{Verdict: Gone, Error: o.Error + ": endpoint unsubscribed"}
	case res.StatusCode >= 300 && res.StatusCode <= 399:
		o.Error += ": redirects are not followed"
	}
	o.RetryAfter = retryAfter(res.Header.Get("Retry-After"), s.Clock.Now())
	return o
}

// retryAfter reads the header (RFC 9110 §10.2.3): seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 32)
		if err != nil { // more than fits
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}

// secretError: the secret of a hook leads nowhere, or is none.
type secretError struct{ err error }

func (e *secretError) Error() string { return "the secret: " + e.err.Error() }
func (e *secretError) Unwrap() error { return e.err }

func isSecret(err error) bool {
	e := (*secretError)(nil)
	return errors.As(err, &e)
}

// proxyError: the proxy of a hook cannot be.
type proxyError struct{ err error }

func (e *proxyError) Error() string { return "the proxy " + e.err.Error() }
func (e *proxyError) Unwrap() error { return e.err }

// networkText says why there was no answer. Texts of the libraries are not repeated: they may quote what they got.
func networkText(err error) string {
	if e := (*secretError)(nil); errors.As(err, &e) {
		return secretText(e.err)
	}
	if e := (*proxyError)(nil); errors.As(err, &e) {
		return e.Error()
	}
	for _, refused := range []error{
		endpoint.ErrForbidden, endpoint.ErrPlain, endpoint.ErrURL, endpoint.ErrHost, endpoint.ErrPort, endpoint.ErrUser, endpoint.ErrFragment,
	} {
		if errors.Is(err, refused) {
			return fmt.Sprintf("not sent to, because it %s", refused)
		}
	}
	return connectionText(err)
}

func secretText(err error) string {
	switch {
	case errors.Is(err, ErrSecret):
		return "the secret of the hook " + ErrSecret.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "the secret of the hook did not come in time"
	}
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return p.Message()
	}
	return "the secret of the hook cannot be read"
}

// isTimeout says whether one of the limits below that of the whole try was over, as of connecting.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func connectionText(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var errno syscall.Errno
	switch {
	case errors.As(err, &certificate):
		return "its certificate is not trusted, or not of this host"
	case errors.As(err, &record), errors.As(err, &alert):
		return "TLS handshake failed"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no such host"
	case errors.As(err, &dns):
		return "its address could not be looked up"
	case errors.As(err, &errno):
		return errno.Error()
	case isTimeout(err):
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without a response"
	}
	return "it did not answer as an HTTP server does"
}
