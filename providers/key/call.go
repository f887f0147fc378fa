package main

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // to see one that the source repeats
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// The limits of a request.
const (
	requestLimit = 10 * time.Second
	answerLimit  = 1 << 20
	// maxAccount is the length of an account id in bytes.
	maxAccount = 512
)

// call is one call of the provider: a source with the inputs of one kind of credential.
type call struct {
	source *catalog.Source
	kind   *catalog.Credential
	values map[string]string
	// set are the inputs that settings have.
	set       map[string]string
	transport *endpoint.Transport
}

// credential is what an application needs to call the source: the inputs.
func (c *call) credential() sdk.Credential {
	data, _ := json.Marshal(c.values) // strings
	return sdk.Credential{Data: sdk.Secret(data), MediaType: sdk.MediaTypeFields}
}

// check makes the call that says whether the credential works, and whose account it is.
func (c *call) check(ctx context.Context, where string) (sdk.Account, error) {
	value, err := c.ask(ctx, where, c.kind.Check)
	if err != nil {
		return sdk.Account{}, err
	}
	account, known := c.account(value)
	if !known {
		return sdk.Account{}, c.unexpected(where)
	}
	return account, nil
}

// revoke ends the credential at the source. One that it does not accept any more is as good as that.
func (c *call) revoke(ctx context.Context) error {
	_, err := c.ask(ctx, catalog.AtRevoke, *c.kind.Revocation)
	if said := (*sdk.Error)(nil); errors.As(err, &said) && said.Code == sdk.Revoked {
		return nil
	}
	return err
}

// ask makes a request, and returns the JSON of its answer; nil where it has none.
func (c *call) ask(ctx context.Context, where string, what catalog.Call) (any, error) {
	r, err := c.prepared(ctx, what)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: c.transport, Timeout: requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, where, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, where, err)
	case len(body) > answerLimit:
		return nil, c.unexpected(where)
	}
	value := decoded(body)
	if said := c.ruled(where, resp, value); said != nil {
		return nil, said
	}
	done := resp.StatusCode >= 200 && resp.StatusCode <= 299
	if len(what.Done) > 0 {
		done = slices.Contains(what.Done, resp.StatusCode)
	}
	if !done {
		return nil, c.refusedStatus(where, resp)
	}
	if len(what.Success) > 0 && !slices.ContainsFunc(what.Success, func(conditions map[string]string) bool { return holds(value, conditions) }) {
		return nil, c.unexpected(where)
	}
	if _, object := value.(map[string]any); !object && where != catalog.AtRevoke {
		return nil, c.unexpected(where)
	}
	return value, nil
}

// prepared is the request of a call. No error of it has a value of the credential.
func (c *call) prepared(ctx context.Context, what catalog.Call) (*http.Request, error) {
	u, err := c.transport.Allowed.ExpandURL(what.URL, c.values)
	if err != nil {
		return nil, errForeign()
	}
	query, form, headers := u.Query(), url.Values{}, make(http.Header)
	headers.Set("Accept", "application/json")
	members := make(map[string]string)
	for _, part := range []struct {
		from map[string]string
		set  func(name, value string)
	}{
		{what.Headers, headers.Set},
		{what.Query, query.Set},
		{what.Form, form.Set},
		{what.JSON, func(name, value string) { members[name] = value }},
		{c.kind.Send.Headers, headers.Set},
		{c.kind.Send.Query, query.Set},
	} {
		for name, template := range part.from {
			value, err := catalog.Expand(template, c.values)
			if err != nil {
				return nil, errForeign()
			}
			part.set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	body := io.Reader(http.NoBody)
	switch {
	case len(members) > 0:
		data, _ := json.Marshal(members) // strings
		body = bytes.NewReader(data)
		headers.Set("Content-Type", "application/json")
	case len(form) > 0:
		body = strings.NewReader(form.Encode())
		headers.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	method := what.Method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errForeign()
	}
	r.Header = headers
	return r, c.authorize(r)
}

// authorize sets the header Authorization, where the credential goes there.
func (c *call) authorize(r *http.Request) error {
	if c.kind.Send.Bearer != "" {
		token, err := catalog.Expand(c.kind.Send.Bearer, c.values)
		if err != nil {
			return errForeign()
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if basic := c.kind.Send.Basic; basic != nil {
		username, err := catalog.Expand(basic.Username, c.values)
		password, errPassword := catalog.Expand(basic.Password, c.values)
		if err != nil || errPassword != nil {
			return errForeign()
		}
		r.SetBasicAuth(username, password)
	}
	return nil
}

// account reads whose account it is. Not known: the answer does not say, or says the credential itself.
func (c *call) account(value any) (account sdk.Account, known bool) {
	how := c.kind.Account
	switch how.From {
	case catalog.FromNothing:
		return account, true
	case catalog.FromInput:
		account.ID = c.values[how.ID]
	case catalog.FromAnswer:
		account.ID, account.Label = text(at(value, how.ID)), labelOf(value, how.Label)
	}
	if account.ID == "" || len(account.ID) > maxAccount || c.tells(account.ID) || strings.ContainsFunc(account.ID, unicode.IsControl) {
		return sdk.Account{}, false
	}
	if how.Authority != "" {
		account.ID = c.values[how.Authority] + "|" + account.ID
	}
	if c.tells(account.Label) {
		account.Label = ""
	}
	return account, true
}

// minSecret is the length from which a secret is looked for in a text: a short one is a part of many words.
const minSecret = 8

// tells says whether a text has a secret of the credential, as it is or hashed.
func (c *call) tells(text string) bool {
	for id, value := range c.values {
		in, _ := c.source.Input(id)
		if in.Kind != catalog.KindSecret || len(value) < minSecret {
			continue
		}
		sum := sha1.Sum([]byte(value)) //nolint:gosec // as some sources have it
		for _, form := range []string{value, url.PathEscape(value), hex.EncodeToString(sum[:])} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

// unreachable says why there is no answer.
func (c *call) unreachable(ctx context.Context, where string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	private, text := errors.Is(err, endpoint.ErrPrivate), wrongAddress(err)
	if id := c.typed(); id != "" && text != "" && (private || where == catalog.AtConnect) {
		return c.meaning(where, catalog.Rule{Code: string(sdk.InvalidInput), Field: id, Text: text})
	}
	return c.meaning(where, catalog.Rule{Code: string(sdk.SourceUnavailable), Text: text})
}

// wrongAddress says what is wrong with an address, where trying again will not help; "" otherwise.
func wrongAddress(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, endpoint.ErrPrivate):
		return "The address is not a public one. The operator can allow it."
	case errors.As(err, &name) && name.IsNotFound:
		return "There is no such host."
	case errors.As(err, &certificate):
		return "The certificate of the address is not valid."
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "The address does not answer by TLS."
	}
	return ""
}

// typed is the input that is the address of the source, or "".
func (c *call) typed() string {
	for _, id := range c.kind.Needs {
		if in, _ := c.source.Input(id); in.Kind == catalog.KindURL {
			return id
		}
	}
	return ""
}
