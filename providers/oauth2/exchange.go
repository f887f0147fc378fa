package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// adapt makes a request of the standard engine one of the source.
func (c *call) adapt(r *oauth2.Request) error {
	switch r.Purpose {
	case oauth2.Authorize:
		return c.adaptAuthorization(r)
	case oauth2.Exchange:
		if c.entry.PKCE == catalog.PKCEUnsupported {
			r.Form.Del("code_verifier")
		}
		c.values["scope"] = strings.Join(c.asked, c.separator())
		return c.adaptToken(r, c.entry.TokenRequest)
	case oauth2.Renew:
		return c.adaptRefresh(r)
	case oauth2.Revoke:
		if method := c.entry.RevocationEndpointAuthMethod; method != "" {
			return c.authenticate(method, r.Header, r.Form)
		}
	}
	return nil
}

func (c *call) separator() string {
	if c.entry.Scopes.Separator != "" {
		return c.entry.Scopes.Separator
	}
	return " "
}

func (c *call) adaptAuthorization(r *oauth2.Request) error {
	asked := strings.Join(c.asked, c.separator())
	r.Query.Del("scope")
	if name := c.entry.Scopes.Parameter; asked != "" && !c.entry.Scopes.Omit {
		if name == "" {
			name = "scope"
		}
		r.Query.Set(name, asked)
	}
	c.values["scope"] = asked
	if c.entry.PKCE == catalog.PKCEUnsupported {
		r.Query.Del("code_challenge")
		r.Query.Del("code_challenge_method")
	}
	return c.parameters(r.Query, c.entry.Authorization)
}

func (c *call) adaptRefresh(r *oauth2.Request) error {
	how := c.entry.Refresh.TokenRequest
	if how.Method == "" {
		how.Method = c.entry.TokenRequest.Method
	}
	if how.In == "" {
		how.In = c.entry.TokenRequest.In
	}
	if how.Headers == nil {
		how.Headers = c.entry.TokenRequest.Headers
	}
	if at, err := c.parsed(c.entry.Refresh.Endpoint); err != nil {
		return err
	} else if at != nil {
		r.URL = at
	}
	c.values["scope"] = strings.Join(c.asked, c.separator())
	return c.adaptToken(r, how)
}

// adaptToken adds, renames, leaves out and moves the parameters of a request for a token.
func (c *call) adaptToken(r *oauth2.Request, how catalog.TokenRequest) error {
	if err := c.parameters(r.Form, how.Parameters); err != nil {
		return err
	}
	for _, name := range how.Omit {
		r.Form.Del(name)
	}
	for name, value := range how.Headers {
		value, err := endpoint.Expand(value, c.values)
		if err != nil {
			return impossible(err)
		}
		r.Header.Set(name, value)
	}
	if how.Method != "" {
		r.Method = how.Method
	}
	switch {
	case how.In == "query" || r.Method == http.MethodGet:
		maps.Copy(r.Query, r.Form)
		r.Form = url.Values{}
	case how.In == "json":
		r.JSON = true
	}
	return nil
}

// parameters renames those that are there, and adds further ones.
func (c *call) parameters(into url.Values, p catalog.Parameters) error {
	for from, to := range p.Rename {
		if into.Has(from) {
			into[to] = into[from]
			into.Del(from)
		}
	}
	for name, value := range p.Extra {
		value, err := endpoint.Expand(value, c.values)
		if err != nil {
			return impossible(err)
		}
		into.Set(name, value)
	}
	return nil
}

func impossible(err error) error {
	return &sdk.Error{Code: sdk.SourceError, Message: "The request cannot be made: " + err.Error() + "."}
}

// authenticate shows who the client is, in place of how the standard engine did it.
func (c *call) authenticate(method string, header http.Header, form url.Values) error {
	id, secret := c.given.Values[oauth2.SettingClientID], c.given.Secrets[oauth2.SettingClientSecret].Reveal()
	header.Del("Authorization")
	for _, name := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(name)
	}
	switch method {
	case catalog.AuthBasic:
		r := &http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) // RFC 6749 §2.3.1
	case catalog.AuthPost:
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	case catalog.AuthNone:
		form.Set("client_id", id)
	case catalog.AuthKey:
		server := c.pin.TokenEndpoint
		if server == "" {
			server = c.source().Issuer
		}
		return oauth2.Assert(form, c.given, server, c.signingAlgs()...)
	}
	return nil
}

// read makes an answer of the source one of RFC 6749.
func (c *call) read(a *oauth2.Answer) error {
	where := map[oauth2.Purpose]string{
		oauth2.Exchange: catalog.AtExchange, oauth2.Renew: catalog.AtRefresh, oauth2.Revoke: catalog.AtRevoke,
	}[a.Purpose]
	value := valueOf(a)
	if said := c.ruled(where, a.Status, value); said != nil {
		c.nameError(a, value)
		return said
	}
	if where == catalog.AtRevoke || a.Status >= http.StatusBadRequest {
		c.nameError(a, value)
		return nil
	}
	if !c.succeeded(value) {
		c.nameError(a, value)
		return &sdk.Error{Code: sdk.SourceError, Message: sentences()[sdk.SourceError]}
	}
	c.unwrap(a, value)
	if where == catalog.AtRefresh && c.entry.Refresh.Extends && a.Members["access_token"] == nil {
		a.Members = map[string]json.RawMessage{
			"access_token": encoded(c.old.AccessToken), "refresh_token": encoded(c.old.RefreshToken),
		}
		if c.old.Lifetime > 0 {
			a.Members["expires_in"] = json.RawMessage(strconv.FormatInt(c.old.Lifetime, 10))
		}
	}
	if a.Members != nil && a.Members["error"] == nil {
		c.readTimes(a)
		c.readCallback(a)
	}
	return nil
}

// valueOf is an answer as one value, where it is JSON, or a form that was read as members.
func valueOf(a *oauth2.Answer) any {
	if a.Members == nil {
		return nil
	}
	data, err := json.Marshal(a.Members)
	if err != nil {
		return nil
	}
	return decoded(data)
}

func encoded(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a string
	return data
}

// nameError puts the source's error code where RFC 6749 has it.
func (c *call) nameError(a *oauth2.Answer, value any) {
	if len(c.entry.ErrorCode) == 0 || a.Members == nil {
		return
	}
	var parts []string
	for _, path := range c.entry.ErrorCode {
		if part := text(at(value, path)); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) > 0 {
		a.Members["error"] = encoded(strings.Join(parts, "/"))
	}
}

// succeeded says whether an answer is one of success. A member that is not there says nothing.
func (c *call) succeeded(value any) bool {
	for path, want := range c.entry.TokenResponse.Success {
		if got := text(at(value, path)); got != "" && got != want {
			return false
		}
	}
	return true
}

// unwrap takes the members out of their envelope, and gives them the names of RFC 6749.
func (c *call) unwrap(a *oauth2.Answer, value any) {
	how := c.entry.TokenResponse
	if how.Root != "" {
		inner, _ := at(value, how.Root).(map[string]any)
		a.Members = make(map[string]json.RawMessage, len(inner))
		for name, v := range inner {
			a.Members[name], _ = json.Marshal(v) // it was decoded
		}
	}
	for name, others := range how.Members {
		for _, other := range others {
			if a.Members[name] == nil && a.Members[other] != nil {
				a.Members[name] = a.Members[other]
			}
		}
	}
}

// readTimes reads when the access token expires, and when the person has to connect again.
func (c *call) readTimes(a *oauth2.Answer) {
	how, value, now := c.entry.TokenResponse, valueOf(a), time.Now()
	if end := instantOf(at(value, how.ExpiresAt)); how.ExpiresAt != "" && a.Members["expires_in"] == nil && end != nil {
		left := max(int64(end.Sub(now)/time.Second), 1) // one that has passed is not one that never comes
		a.Members["expires_in"] = json.RawMessage(strconv.FormatInt(left, 10))
	}
	delete(a.Members, memberLifetime)
	delete(a.Members, memberReconnect)
	if n := secondsOf(at(valueOf(a), "expires_in")); n > 0 {
		a.Members[memberLifetime] = json.RawMessage(strconv.FormatInt(n, 10))
		c.old.Lifetime = n
	}
	members, _ := value.(map[string]any)
	_, consent := members[how.ConsentExpiresAt]
	_, rotated := a.Members["refresh_token"]
	end := reconnectBy(how, value, now)
	if end != nil {
		a.Members[memberReconnect] = encoded(end.Format(time.RFC3339))
	}
	if end != nil || consent || rotated && how.ConsentExpiresAt == "" {
		c.old.ReconnectBy = end // else the old date holds for what is still the same
	}
}

// The members that an answer gets for a later step of the attempt.
const (
	memberLifetime  = "lifetime"
	memberReconnect = "reconnect_by"
)

// reconnectBy is the sooner of the end of the refresh token and that of the consent.
func reconnectBy(how catalog.TokenResponse, value any, now time.Time) *time.Time {
	var end *time.Time
	name := how.RefreshExpiresIn
	if name == "" {
		name = "refresh_token_expires_in"
	}
	if n := secondsOf(at(value, name)); n > 0 {
		at := now.Add(time.Duration(min(n, 100*365*24*60*60)) * time.Second).UTC().Truncate(time.Second)
		end = &at
	}
	if how.ConsentExpiresAt == "" {
		return end
	}
	if consent := instantOf(at(value, how.ConsentExpiresAt)); consent != nil && (end == nil || consent.Before(*end)) {
		end = consent
	}
	return end
}

// readCallback takes the granted scopes from the authorization response, where the source says them there. Where it says
// them elsewhere than in its token responses, a refresh changes nothing.
func (c *call) readCallback(a *oauth2.Answer) {
	if c.entry.Granted.From == "" {
		return
	}
	delete(a.Members, "scope") // what the client may do, and not what the person granted
	if c.entry.Granted.From != catalog.FromCallback || c.callback == nil {
		return
	}
	if scopes := scopesOf(c.callback.Get("scope")); len(scopes) > 0 {
		a.Members["scope"] = encoded(strings.Join(scopes, " "))
	}
}
