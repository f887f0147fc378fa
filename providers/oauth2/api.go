package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// The limits of a request beside OAuth: those of the standard engine.
const (
	requestLimit = 10 * time.Second
	answerLimit  = 1 << 20
)

// ask makes a call that the data describes, and returns the JSON of its answer; nil where it has none.
func (c *call) ask(ctx context.Context, where string, what catalog.Call, token oauth2.Token) (any, error) {
	c.values["access_token"], c.values["refresh_token"] = token.Access.Reveal(), token.Refresh.Reveal()
	c.values["token"] = cmp.Or(token.Refresh.Reveal(), token.Access.Reveal())
	if err := c.prepareSignature(ctx, where, what.Signature, token); err != nil {
		return nil, err
	}
	r, err := c.prepared(ctx, what, token)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: c.transport, Timeout: requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, unreachable(ctx)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, unreachable(ctx)
	case len(body) > answerLimit:
		return nil, unexpected()
	}
	value := decoded(body)
	if said := c.ruled(where, resp.StatusCode, value); said != nil {
		return nil, said
	}
	done := resp.StatusCode >= 200 && resp.StatusCode <= 299
	if len(what.Done) > 0 {
		done = slices.Contains(what.Done, resp.StatusCode)
	}
	if where == catalog.AtRevoke && slices.Contains([]string{"invalid_token", "invalid_grant"}, text(at(value, "error"))) {
		done = true // a token that the source does not know is as good as revoked (RFC 7009 §2.2)
	}
	if !done {
		return nil, refusedStatus(resp)
	}
	for path, want := range what.Success {
		if got := text(at(value, path)); got != want {
			return nil, notSuccessful(where)
		}
	}
	return value, nil
}

// prepared is the request of a call.
func (c *call) prepared(ctx context.Context, what catalog.Call, token oauth2.Token) (*http.Request, error) {
	u, err := c.parsed(what.URL)
	if err != nil {
		return nil, err
	}
	query, form, headers := u.Query(), url.Values{}, make(http.Header)
	for _, part := range []struct {
		from map[string]string
		set  func(name, value string)
	}{{what.Query, query.Set}, {what.Form, form.Set}, {what.JSON, form.Set}, {what.Headers, headers.Set}} {
		for name, template := range part.from {
			value, err := endpoint.Expand(template, c.values)
			if err != nil {
				return nil, impossible(err)
			}
			part.set(name, value)
		}
	}
	if what.Authentication == "" || what.Authentication == catalog.AuthBearer {
		headers.Set("Authorization", "Bearer "+token.Access.Reveal())
	} else if what.Authentication != catalog.AuthNone {
		if err := c.authenticate(what.Authentication, headers, form); err != nil {
			return nil, err
		}
	}
	if err := c.sign(form, what.Signature); err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	method, body := what.Method, io.Reader(nil)
	switch {
	case len(what.JSON) > 0:
		members := make(map[string]string, len(form))
		for name := range form {
			members[name] = form.Get(name)
		}
		data, _ := json.Marshal(members) // strings
		body = bytes.NewReader(data)
		headers.Set("Content-Type", "application/json")
	case len(form) > 0:
		body = strings.NewReader(form.Encode())
		headers.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method == "" {
		method = http.MethodGet
	}
	if headers.Get("Accept") == "" {
		headers.Set("Accept", "application/json")
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, impossible(errors.New("its address is none"))
	}
	r.Header = headers
	return r, nil
}

// notSuccessful is an answer that says in its body that it is none of success.
func notSuccessful(where string) error {
	if where == catalog.AtCheck {
		return &sdk.Error{Code: sdk.Revoked, Message: sentences()[sdk.Revoked]}
	}
	return &sdk.Error{Code: sdk.SourceError, Message: sentences()[sdk.SourceError]}
}

func unexpected() error {
	return &sdk.Error{Code: sdk.SourceError, Message: "The source sent an unexpected response."}
}

func unreachable(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &sdk.Error{Code: sdk.SourceUnavailable, Message: sentences()[sdk.SourceUnavailable], Retryable: true}
}

// refusedStatus says what the status of a refused call means, as [oauth2.Get] does.
func refusedStatus(resp *http.Response) error {
	said := &sdk.Error{Code: sdk.SourceError, Message: "The source sent an unexpected response."}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		said = &sdk.Error{Code: sdk.Revoked}
	case status == http.StatusForbidden:
		said = &sdk.Error{Code: sdk.ScopeMissing}
	case status == http.StatusTooManyRequests:
		said = &sdk.Error{Code: sdk.RateLimited, Retryable: true, RetryAfter: retryAfter(resp)}
	case status >= http.StatusInternalServerError:
		said = &sdk.Error{Code: sdk.SourceUnavailable, Retryable: true, RetryAfter: retryAfter(resp)}
	}
	if said.Message == "" {
		said.Message = sentences()[said.Code]
	}
	return said
}

// retryAfter reads the seconds of the header of RFC 9110 §10.2.3; a day at most.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 24*60*60)) * time.Second
}
