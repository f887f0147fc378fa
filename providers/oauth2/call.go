package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// call is one call of the provider: a source of the catalogue with everything that is known of it now.
type call struct {
	entry *catalog.Entry
	// given are the settings as they are, and settings those for the standard engine: without what its authentication method
	// does not use.
	given     sdk.Settings
	settings  sdk.Settings
	transport *endpoint.Transport
	pin       pin
	// values of placeholders.
	values map[string]string
	// asked are the scopes that are asked for.
	asked []string
	// callback is the authorization response, where this call has it.
	callback *sdk.Callback
	// old is the credential of a connection.
	old kept
	// granted are the scopes that the source says were granted in another place than the token response.
	granted []string
	// moved: a definition sends the tokens of a connection to another server than the one that they are of.
	moved bool
}

// pin is what a connection keeps of its beginning. It stands before the catalogue: a source that moves its endpoints keeps
// the old ones for the tokens of the old ones. A definition of the operator's stands before it, unless it is for new
// connections alone.
type pin struct {
	Variant       string            `json:"variant,omitempty"`
	Inputs        map[string]string `json:"inputs,omitempty"`
	TokenEndpoint string            `json:"token_endpoint,omitempty"`
	// Addresses that tokens are sent to, by their fields in the catalogue, inputs not filled in.
	Addresses map[string]string `json:"addresses,omitempty"`
	// Definition that it was made with.
	Definition string `json:"definition,omitempty"`
	// RedirectURI of the attempt, which some sources want again.
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Server is the issuer, where the source is known by one. The standard engine writes it.
	Server string `json:"server,omitempty"`
}

// kept is what a credential has beside the tokens.
type kept struct {
	pin
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	AccountID    string `json:"account_id,omitempty"`
	// Lifetime of an access token in seconds.
	Lifetime int64 `json:"lifetime,omitempty"`
	// ReconnectBy is when the access ends, unless the person gives it again.
	ReconnectBy *time.Time `json:"reconnect_by,omitempty"`
}

// bind makes a call of a source and what is known of it at the start.
func (p *provider) bind(entry *catalog.Entry, variant string, inputs map[string]string, settings sdk.Settings) (*call, error) {
	c := &call{entry: entry, given: settings, settings: settings, values: maps.Clone(inputs)}
	c.pin = pin{Variant: variant, Inputs: inputs, Addresses: entry.Kept()}
	if c.values == nil {
		c.values = make(map[string]string)
	}
	var err error
	if c.transport, err = p.transport(settings, typed(entry, inputs, settings)); err != nil {
		return nil, err
	}
	c.transport.Plain = entry.PlainHosts()
	if c.method() == catalog.AuthKey && settings.Secrets[oauth2.SettingPrivateKey] == "" {
		return nil, &sdk.Error{
			Code: sdk.BadConfiguration, Message: "The source needs a private key of the client.", Setting: oauth2.SettingPrivateKey,
		}
	}
	c.withoutUnusedSecrets()
	c.values["client_id"] = settings.Values[oauth2.SettingClientID]
	if entry.Issuer == "" {
		if c.pin.TokenEndpoint, err = c.address(entry.TokenEndpoint); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// typed says whether a person may have typed a part of the addresses: one that is not what the settings have.
func typed(entry *catalog.Entry, inputs map[string]string, settings sdk.Settings) bool {
	return slices.ContainsFunc(entry.Inputs, func(in catalog.Input) bool {
		set, err := in.Take(settings.Values[in.ID])
		return err != nil || set != inputs[in.ID]
	})
}

// withoutUnusedSecrets keeps from a source what its authentication method does not use.
func (c *call) withoutUnusedSecrets() {
	method := c.method()
	c.settings.Secrets = maps.Clone(c.given.Secrets)
	if method != catalog.AuthBasic && method != catalog.AuthPost {
		delete(c.settings.Secrets, oauth2.SettingClientSecret)
	}
	if method != catalog.AuthKey {
		delete(c.settings.Secrets, oauth2.SettingPrivateKey)
	}
}

// method is how the client authenticates: by its key, or as a public client without a secret, where the source has such; by its
// secret where it has no key.
func (c *call) method() string {
	usual, supported := c.entry.TokenEndpointAuthMethod, c.entry.TokenEndpointAuthMethodsSupported
	key, secret := c.given.Secrets[oauth2.SettingPrivateKey] != "", c.given.Secrets[oauth2.SettingClientSecret] != ""
	switch {
	case key && (usual == catalog.AuthKey || slices.Contains(supported, catalog.AuthKey)):
		return catalog.AuthKey
	case !secret && slices.Contains(supported, catalog.AuthNone):
		return catalog.AuthNone
	case secret && usual == catalog.AuthKey:
		for _, method := range supported {
			if method == catalog.AuthBasic || method == catalog.AuthPost {
				return method
			}
		}
	}
	return usual
}

// signingAlgs are the algorithms that the entry allows for a key; none means all.
func (c *call) signingAlgs() []string {
	if c.entry.TokenEndpointAuthSigningAlg == "" {
		return nil
	}
	return []string{c.entry.TokenEndpointAuthSigningAlg}
}

// recall makes a call of a connection.
func (p *provider) recall(req *sdk.CredentialRequest) (*call, error) {
	var old kept
	if json.Unmarshal([]byte(req.Credential.Data.Reveal()), &old) != nil {
		return nil, &sdk.Error{Code: sdk.SourceError, Message: "This is not a credential of the source."}
	}
	s, overrides, err := p.sourceOf(req, old.pin)
	if err != nil {
		return nil, err
	}
	entry, err := s.Variant(old.Variant)
	if err != nil { // one that a later catalogue does not have any more
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: "The variant of the source that the credential is of no longer exists."}
	}
	c, err := p.bind(pinned(s, entry, old, overrides), old.Variant, old.Inputs, req.Settings)
	if err != nil {
		return nil, err
	}
	c.old, c.asked = old, strings.Fields(old.Scope)
	c.pin.Definition = old.Definition
	if overrides {
		c.pin.Definition = s.Definition
		c.moved = s.Gives(old.Variant, "token_endpoint") || s.Gives(old.Variant, "issuer")
	}
	if !c.moved {
		c.pin.Server = old.Server
		if old.TokenEndpoint != "" {
			c.pin.TokenEndpoint = old.TokenEndpoint
		}
	}
	c.pin.RedirectURI, c.values["redirect_uri"] = old.RedirectURI, old.RedirectURI
	id := req.Account.ID
	if id == "" {
		id = old.AccountID
	}
	c.values["account_id"], c.values["access_token"], c.values["refresh_token"] = id, old.AccessToken, old.RefreshToken
	return c, nil
}

// request is that of the standard engine, which sends no token to another server than its own: where a definition says so, it is
// not told of the old one.
func (c *call) request(req *sdk.CredentialRequest) *sdk.CredentialRequest {
	inner := *req
	inner.Settings = c.settings
	if c.moved {
		inner.Credential = changed(inner.Credential, func(members map[string]any) { delete(members, "server") })
	}
	return &inner
}

// address is one of the source with its inputs, or "".
func (c *call) address(template string) (string, error) {
	u, err := c.parsed(template)
	if err != nil || u == nil {
		return "", err
	}
	return u.String(), nil
}

func (c *call) parsed(template string) (*url.URL, error) {
	if template == "" {
		return nil, nil
	}
	u, err := endpoint.ExpandURL(template, c.values)
	if err != nil {
		return nil, &sdk.Error{Code: sdk.SourceError, Message: "An address of the source cannot be made: " + err.Error() + "."}
	}
	return u, nil
}

// source is the standard engine for this call.
func (c *call) source() *oauth2.Source {
	e := c.entry
	s := &oauth2.Source{
		Transport: c.transport, Request: c.adapt, Answer: c.read, Account: c.account, Scopes: c.asked,
		Endpoint: oauth2.Endpoint{SigningAlgs: c.signingAlgs()},
	}
	if e.Issuer != "" {
		s.Issuer, _ = c.address(e.Issuer)
		if c.pin.Server != "" {
			s.Issuer = c.pin.Server
		}
	} else {
		s.Endpoint.TokenURL, s.Endpoint.SecretInBody = c.pin.TokenEndpoint, c.method() == catalog.AuthPost
		s.Endpoint.AuthURL, _ = c.address(e.AuthorizationEndpoint)
		s.Endpoint.RevocationURL, _ = c.address(e.RevocationEndpoint)
	}
	if e.Revocation != nil {
		s.Revoke = c.revoke
	}
	if !e.Checks() {
		s.Works = func(context.Context, *http.Client, oauth2.Token) error {
			return &sdk.Error{Code: sdk.NotSupported, Message: "The source has no way to check the credential."}
		}
	} else {
		s.Works = c.works
	}
	return s
}

// keeps adds to a credential what a later call needs.
func (c *call) keeps(credential sdk.Credential) sdk.Credential {
	credential.ReconnectBy = time.Time{} // the source's data says where it is
	if c.old.ReconnectBy != nil {
		credential.ReconnectBy = c.old.ReconnectBy.UTC()
	}
	return changed(credential, func(members map[string]any) {
		set := func(name string, value any, known bool) {
			if known {
				members[name] = value
			}
		}
		set("variant", c.pin.Variant, c.pin.Variant != "")
		set("inputs", c.pin.Inputs, len(c.pin.Inputs) > 0)
		set("token_endpoint", c.pin.TokenEndpoint, c.pin.TokenEndpoint != "")
		set("addresses", c.pin.Addresses, len(c.pin.Addresses) > 0)
		set("definition", c.pin.Definition, c.pin.Definition != "")
		set("redirect_uri", c.pin.RedirectURI, c.pin.RedirectURI != "")
		set("account_id", c.values["account_id"], c.values["account_id"] != "")
		set("lifetime", c.old.Lifetime, c.old.Lifetime > 0)
		set("reconnect_by", c.old.ReconnectBy, c.old.ReconnectBy != nil)
		if c.granted != nil {
			members["scope"] = strings.Join(c.granted, " ")
		}
	})
}

// changed is a credential with other members. One that is not the standard engine's own stays as it is.
func changed(credential sdk.Credential, change func(members map[string]any)) sdk.Credential {
	var members map[string]any
	decoder := json.NewDecoder(strings.NewReader(credential.Data.Reveal()))
	decoder.UseNumber()
	if decoder.Decode(&members) != nil {
		return credential
	}
	change(members)
	data, err := json.Marshal(members)
	if err != nil {
		return credential
	}
	credential.Data = sdk.Secret(data)
	return credential
}
