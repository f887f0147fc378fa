package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/internal/problem"
)

const (
	// maxAnswer limits what another service may answer, unpacked.
	maxAnswer = 1 << 20
	// answerTime limits one request with its whole answer.
	answerTime = 10 * time.Second
	dialTime   = 5 * time.Second
)

// service asks one address of another service. It follows no redirect, keeps no cookie, and reads at most maxAnswer.
// It is safe for concurrent use.
type service struct {
	// what it is, for a person: "the key set".
	what string
	// code of an answer that is of no use.
	code   problem.Code
	url    *url.URL
	client *http.Client
}

// answer is what a service said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// newService makes a service; a limit of 0 is answerTime.
func newService(what string, code problem.Code, address *url.URL, limit time.Duration) *service {
	if limit == 0 {
		limit = answerTime
	}
	dialer := &net.Dialer{Timeout: dialTime}
	if address.Scheme == "http" { // for this machine alone, whatever a name of it leads to, and a proxy likewise
		dialer.ControlContext = endpoint.Guard(true)
	}
	return &service{what: what, code: code, url: address, client: &http.Client{
		Timeout: limit,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
			TLSHandshakeTimeout: dialTime, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask sends a request to the address of the service. Any status is an answer. An error is a problem with code network,
// or the context's own error where that has ended.
func (s *service) ask(ctx context.Context, r *http.Request) (*answer, error) {
	resp, err := s.client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, s.failed(ctx, err)
	case len(body) > maxAnswer:
		return nil, s.invalid(fmt.Errorf("the response is larger than %d MiB", maxAnswer>>20))
	}
	return &answer{resp.StatusCode, resp.Header, body}, nil
}

// failed tells of a request that got no answer. The text of a url.Error has the whole address, which may hold a secret.
func (s *service) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err
		if whole.Timeout() {
			return s.late()
		}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return s.late()
	}
	return s.problem().Because(err)
}

// late tells of an answer that did not come in time.
func (s *service) late() error { return s.unusable("no complete response within %s", s.client.Timeout) }

// unusable tells of an answer that is of no use.
func (s *service) unusable(format string, args ...any) error {
	return s.problem().Because(fmt.Errorf(format, args...))
}

func (s *service) problem() *problem.Problem {
	return problem.New(problem.CodeNetwork, "%s at %s://%s is unreachable; the session token was not verified", s.what, s.url.Scheme, s.url.Host).
		Hint("try again; no session was opened")
}

// invalid tells of an answer that is of no use, and that asking again does not change.
func (s *service) invalid(why error) error {
	return problem.New(s.code, "the response of %s at %s://%s cannot be used; the session token was not verified", s.what, s.url.Scheme, s.url.Host).
		Because(why).Hint("check its URL in the config, and the service; no session was opened")
}

func (s *service) blame(why error) error { return s.invalid(why) }

// blames says whether an error is the service's: it could not be asked, or gave a useless answer.
func (s *service) blames(err error) bool {
	return problem.Is(err, problem.CodeNetwork) || problem.Is(err, s.code)
}

// failedBefore tells of a service that is not asked, because that went wrong a moment ago.
func (s *service) failedBefore(invalid bool) error {
	const text = "the last request failed a moment ago"
	if invalid {
		return s.invalid(errors.New(text))
	}
	return s.unusable(text)
}

// wrongStatus tells of an answer with another status than 200. It heals if it is one of the server's own trouble, or of too
// many requests (RFC 6585 §4).
func (s *service) wrongStatus(status int) error {
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return s.unusable("it returned status %d", status)
	case status >= 300 && status < 400 && status != http.StatusNotModified:
		return s.invalid(fmt.Errorf("it returned a redirect (status %d); redirects are not followed", status))
	}
	return s.invalid(fmt.Errorf("it returned status %d", status))
}
