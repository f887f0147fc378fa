package oauth2

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Purpose says what a request to the authorization server is for.
type Purpose string

// The purposes.
const (
	// Authorize is the authorization request, which the person's browser makes (RFC 6749 §4.1.1). It has a URL and a
	// Query alone.
	Authorize Purpose = "authorize"
	// Exchange is the request for a token with an authorization code (§4.1.3).
	Exchange Purpose = "exchange"
	// Renew is the request for a token with a refresh token (§6).
	Renew Purpose = "refresh"
	// Device is the device authorization request, and Poll the request for a token with its code (RFC 8628).
	Device Purpose = "device"
	Poll   Purpose = "poll"
	// Revoke is the revocation request (RFC 7009).
	Revoke Purpose = "revoke"
)

// Request is a request to the authorization server as the RFCs have it, before it is sent. [Source.Request] may change
// every part of it but Purpose. The client's id and secret are where its authentication method has them: the header
// Authorization, or client_id and client_secret, or client_assertion, of the Form.
type Request struct {
	Purpose Purpose
	Method  string
	// URL has no query; its parameters are in Query.
	URL    *url.URL
	Query  url.Values
	Header http.Header
	// Form is the body. A GET has none: its parameters belong to Query.
	Form url.Values
	// JSON sends Form as a JSON object of strings.
	JSON bool
}

// Answer is the response of the authorization server to one request, whole and within 1 MiB. [Source.Answer] may change
// Status and Members; what the standard engine reads afterwards are these two.
type Answer struct {
	Purpose Purpose
	Status  int
	Header  http.Header
	// Body as it was received, without a byte order mark.
	Body []byte
	// Members are those of the JSON object (or form) of the body; nil where it is neither, or where one member is there
	// twice with different values.
	Members map[string]json.RawMessage
}

// errAsked is a request that could not be made of what a hook left of it.
var errAsked = errors.New("the request cannot be sent")

// adapted authenticates a client that does it by its key, and applies [Source.Request], in a request that is about to be sent.
func (a *tokenTransport) adapted(r *http.Request) (*http.Request, url.Values, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, nil, err
		}
		_ = r.Body.Close()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, err
	}
	at := *r.URL
	at.RawQuery = ""
	if err := a.prove(form); err != nil {
		return nil, nil, err
	}
	ask := &Request{Purpose: a.purpose, Method: r.Method, URL: &at, Query: r.URL.Query(), Header: r.Header.Clone(), Form: form}
	if change := a.source.Request; change != nil {
		if err := change(ask); err != nil {
			return nil, nil, err
		}
	}
	out, err := ask.build(r)
	return out, ask.Form, err
}

// build makes a request of HTTP of what a hook left.
func (q *Request) build(old *http.Request) (*http.Request, error) {
	if q.URL == nil || !fit(q.URL.String()) {
		return nil, errAsked
	}
	at := *q.URL
	at.RawQuery = q.Query.Encode()
	var body io.Reader
	switch {
	case q.Method == http.MethodGet || q.Method == http.MethodHead:
		q.Header.Del("Content-Type")
	case q.JSON:
		members := make(map[string]string, len(q.Form))
		for name := range q.Form {
			members[name] = q.Form.Get(name)
		}
		data, _ := json.Marshal(members) // strings alone
		body = bytes.NewReader(data)
		q.Header.Set("Content-Type", "application/json")
	case len(q.Form) > 0:
		body = strings.NewReader(q.Form.Encode())
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	default:
		q.Header.Del("Content-Type")
	}
	r, err := http.NewRequestWithContext(old.Context(), q.Method, at.String(), body)
	if err != nil {
		return nil, errAsked
	}
	r.Header = q.Header
	return r, nil
}

// adaptedURL applies [Source.Request] to an authorization request.
func (s *Source) adaptedURL(address string) (string, error) {
	if s.Request == nil {
		return address, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", errAsked
	}
	at := *u
	at.RawQuery = ""
	ask := &Request{
		Purpose: Authorize, Method: http.MethodGet, URL: &at, Query: u.Query(), Header: make(http.Header), Form: make(url.Values),
	}
	if err := s.Request(ask); err != nil {
		return "", err
	}
	if ask.URL == nil || !fit(ask.URL.String()) {
		return "", errAsked
	}
	at = *ask.URL
	at.RawQuery = ask.Query.Encode()
	return at.String(), nil
}

// readAs applies [Source.Answer] to an answer, and names the server's own error code in what it returns.
func (s *Source) readAs(a *Answer, sent []string) error {
	if s.Answer != nil {
		if err := s.Answer(a); err != nil {
			return withCode(err, cleanCode(errorOf(a.Members), sent))
		}
	}
	return nil
}

// errorOf is the error code of an answer, which some servers send as a number (RFC 6749 §5.2 has a string); or "".
func errorOf(members map[string]json.RawMessage) string {
	raw := members["error"]
	text, number := "", json.Number("")
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// code is what a server's error code looks like: a sentence is none.
var code = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,63}$`) })

// shortSecret is the length below which a value that was sent may be in an error code by chance.
const shortSecret = 8

// cleanCode lets an error code through that may stand in a message: one that looks like a code, and repeats nothing that
// was sent.
func cleanCode(text string, sent []string) string {
	if !code().MatchString(text) {
		return ""
	}
	for _, value := range sent {
		if len(value) >= shortSecret && strings.Contains(text, value) || len(text) >= 2*shortSecret && strings.Contains(value, text) {
			return ""
		}
	}
	return text
}
