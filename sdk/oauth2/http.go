package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// The limits of every request.
const (
	requestLimit = 10 * time.Second
	answerLimit  = 1 << 20
)

var errTooLong = errors.New("the response is longer than 1 MiB")

// limited is the client of every request: it follows no redirect, which could carry a secret elsewhere, and ends a
// request after 10 s and an answer after 1 MiB. Its connections are the process's, so it needs no closing.
func (s *Source) limited() *http.Client {
	return &http.Client{
		Transport: transport{by: s.Transport}, Timeout: requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// authorized is a limited client that sends an access token along (RFC 6750).
func (s *Source) authorized(access sdk.Secret) *http.Client {
	client := s.limited()
	client.Transport = transport{by: s.Transport, access: access}
	return client
}

// userAgent names the client to servers that refuse requests without a name.
const userAgent = "humanconnect"

type transport struct {
	// by is what sends, or nil for the transports of this package.
	by     http.RoundTripper
	access sdk.Secret
}

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", userAgent)
	}
	if t.access != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+t.access.Reveal())
	}
	way := http.DefaultTransport
	switch {
	case t.by != nil:
		way = t.by
	case r.URL.Scheme == "http":
		way = plain()
	}
	resp, err := way.RoundTrip(r)
	if err == nil {
		resp.Body = &shortBody{ReadCloser: resp.Body, left: answerLimit}
	}
	return resp, err
}

// errElsewhere: a name of this machine led to another one.
var errElsewhere = errors.New("plain http to another machine")

// plain is the way of a request in plain http, for which [fit] lets no host but this machine be named. A name may lead
// elsewhere, so what is dialled is looked at once more, and there is no proxy.
func plain() *http.Transport {
	dialer := &net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !loopback.Addr(at.Addr()) {
			return errElsewhere
		}
		return nil
	}}
	return &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
}

// shortBody fails rather than ends where it is cut, so that a cut answer is never taken for a whole one.
type shortBody struct {
	io.ReadCloser
	left int
}

func (b *shortBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// Get asks a source for a JSON document with the client that Account and Works are given. What goes wrong is an
// [sdk.Error]: 401 is revoked, 403 scope_missing, 429 rate_limited, 5xx and no answer source_unavailable, and anything
// else that is not a document source_error.
func Get(ctx context.Context, client *http.Client, address string, into any) error {
	_, err := getJSON(ctx, client, address, into)
	return err
}

func getJSON(ctx context.Context, client *http.Client, address string, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, newError(sdk.SourceError, "The URL of the request is invalid.")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, refusedStatus(resp)
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case errors.Is(err, errTooLong):
		return resp.StatusCode, unreadable(ctx, err)
	case err != nil: // it broke off
		return resp.StatusCode, unreachable(ctx, err)
	}
	if err := json.NewDecoder(bytes.NewReader(withoutMark(body))).Decode(into); err != nil {
		return resp.StatusCode, unreadable(ctx, err)
	}
	return resp.StatusCode, nil
}
