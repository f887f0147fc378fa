package authority

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client implements [op.Client] and [op.HasRedirectGlobs].
type client struct {
	id     string
	name   string
	secret string
	// scopes beyond those of OpenID Connect.
	scopes []string
	grants []oidc.GrantType
}

// clients lists all clients. The last one has a secret.
func clients() []*client {
	code, device, refresh := oidc.GrantTypeCode, oidc.GrantTypeDeviceCode, oidc.GrantTypeRefreshToken
	return []*client{
		{
			id: "sandbox-tracker", name: "Sandbox Tracker", scopes: []string{"activity:read"},
			grants: []oidc.GrantType{code, refresh},
		},
		{
			id: "sandbox-scale", name: "Sandbox Scale", scopes: []string{"weight:read"},
			grants: []oidc.GrantType{device, refresh},
		},
		{
			id: "sandbox-confidential", name: "Sandbox Confidential", secret: "sandbox-secret",
			scopes: []string{"activity:read", "weight:read"}, grants: []oidc.GrantType{code, device, refresh},
		},
	}
}

func (c *client) GetID() string                    { return c.id }
func (c *client) RedirectURIs() []string           { return nil }
func (c *client) PostLogoutRedirectURIs() []string { return nil }

// RedirectURIGlobs allow any loopback address; [Authority.onlyLoopback] has checked what matches.
func (c *client) RedirectURIGlobs() []string {
	return []string{"http://127.0.0.1:*/**", "http://localhost:*/**", `http://\[::1\]:*/**`}
}
func (c *client) PostLogoutRedirectURIGlobs() []string { return nil }

func (c *client) ApplicationType() op.ApplicationType {
	if c.secret == "" {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c *client) AuthMethod() oidc.AuthMethod {
	if c.secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c *client) GrantTypes() []oidc.GrantType        { return c.grants }
func (c *client) LoginURL(id string) string           { return pathConsent + "?id=" + id }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c *client) IDTokenLifetime() time.Duration      { return accessLife }
func (c *client) DevMode() bool                       { return false }

func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive // the library's name
	return func(scopes []string) []string { return scopes }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c *client) IsScopeAllowed(scope string) bool     { return slices.Contains(c.scopes, scope) }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c *client) ClockSkew() time.Duration             { return 0 }
