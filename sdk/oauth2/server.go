package oauth2

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// Endpoint has the addresses of an authorization server: https, or http on loopback.
type Endpoint struct {
	AuthURL  string `json:"auth_url,omitempty"`
	TokenURL string `json:"token_url"`
	// DeviceAuthURL is the device authorization endpoint of RFC 8628.
	DeviceAuthURL string `json:"device_auth_url,omitempty"`
	// RevocationURL is that of RFC 7009. Empty: Disconnect is not_supported.
	RevocationURL string `json:"revocation_url,omitempty"`
	// Issuer is what an iss in a redirect has to be, where it is set (RFC 9207).
	Issuer string `json:"issuer,omitempty"`
	// IssuerSent says that a redirect without iss is not the server's.
	IssuerSent bool `json:"issuer_sent,omitempty"`
	// SecretInBody: the client secret is sent in the body of a request (client_secret_post), not in its header.
	SecretInBody bool `json:"secret_in_body,omitempty"`
	// PrivateKeyJWT: the client has to authenticate with its private key; see [KeySettings].
	PrivateKeyJWT bool `json:"private_key_jwt,omitempty"`
	// SigningAlgs are the algorithms that the server accepts for that. Empty: all.
	SigningAlgs []string `json:"signing_algs,omitempty"`
}

// endpoint has the addresses of the server that the settings name, and knows that they can be used.
func (s *Source) endpoint(ctx context.Context, settings sdk.Settings) (Endpoint, error) {
	endpoint, setting := s.Endpoint, ""
	if issuer, from := s.issuer(settings); issuer != "" {
		if !fit(issuer) {
			return Endpoint{}, misconfigured(from, "The issuer is not an https URL.")
		}
		var err error
		if endpoint, err = s.discover(ctx, issuer, from); err != nil {
			return Endpoint{}, err
		}
		if len(s.Endpoint.SigningAlgs) > 0 {
			endpoint.SigningAlgs = s.Endpoint.SigningAlgs
		}
		setting = from
	}
	if endpoint.TokenURL == "" {
		return Endpoint{}, misconfigured(setting, "The server has no token endpoint.")
	}
	for _, address := range []string{
		endpoint.AuthURL, endpoint.TokenURL, endpoint.DeviceAuthURL, endpoint.RevocationURL,
	} {
		if address != "" && !fit(address) {
			return Endpoint{}, misconfigured(setting, "An endpoint of the server is not an https URL.")
		}
	}
	return endpoint, nil
}

// server names the authorization server that the settings lead to, without asking it, and the setting that does.
func (s *Source) server(settings sdk.Settings) (server, setting string) {
	if issuer, from := s.issuer(settings); issuer != "" {
		return issuer, from
	}
	return s.Endpoint.server(), ""
}

// server is the issuer, where it is known, or else where the token endpoint is.
func (e Endpoint) server() string {
	if e.Issuer != "" {
		return e.Issuer
	}
	u, err := url.Parse(e.TokenURL)
	if err != nil {
		return e.TokenURL
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// issuer returns the issuer, and the setting that it is from.
func (s *Source) issuer(settings sdk.Settings) (issuer, setting string) {
	if s.IssuerSetting != "" && settings.Values[s.IssuerSetting] != "" {
		return settings.Values[s.IssuerSetting], s.IssuerSetting
	}
	return s.Issuer, s.IssuerSetting
}

// fit says whether secrets may be sent to an address: https, or http that does not leave the machine.
func fit(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback.Host(u.Hostname())
}

// metadata is what a server publishes of itself (RFC 8414 §2).
type metadata struct {
	Issuer         string   `json:"issuer"`
	Authorization  string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Device         string   `json:"device_authorization_endpoint"`
	Revocation     string   `json:"revocation_endpoint"`
	IssuerInAnswer bool     `json:"authorization_response_iss_parameter_supported"`
	AuthMethods    []string `json:"token_endpoint_auth_methods_supported"`
	SigningAlgs    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
}

// discover reads the metadata of a server where OpenID Connect Discovery has it, else where RFC 8414 has it.
func (s *Source) discover(ctx context.Context, issuer, setting string) (Endpoint, error) {
	var m metadata
	status, err := getJSON(ctx, s.limited(), strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &m)
	if status == http.StatusNotFound {
		status, err = getJSON(ctx, s.limited(), wellKnown(issuer), &m)
	}
	switch {
	case status >= 300 && status != http.StatusTooManyRequests && status < 500:
		return Endpoint{}, misconfigured(setting, "No authorization server was found at the issuer URL.")
	case err != nil:
		return Endpoint{}, err
	case m.Issuer != issuer:
		// RFC 8414 §3.3: else one server could pass for another.
		return Endpoint{}, misconfigured(setting, "The metadata of the authorization server names another issuer.")
	}
	return Endpoint{
		AuthURL: m.Authorization, TokenURL: m.Token, DeviceAuthURL: m.Device, RevocationURL: m.Revocation,
		Issuer: m.Issuer, IssuerSent: m.IssuerInAnswer,
		SecretInBody:  len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, "client_secret_basic"),
		PrivateKeyJWT: slices.Contains(m.AuthMethods, "private_key_jwt") && !slices.ContainsFunc(m.AuthMethods, withoutKey),
		SigningAlgs:   m.SigningAlgs,
	}, nil
}

// withoutKey says whether a client can use an authentication method of RFC 7591 §2 without a key.
func withoutKey(method string) bool {
	return method == "none" || method == "client_secret_basic" || method == "client_secret_post"
}

// wellKnown puts the well-known name between host and path, as RFC 8414 §3.1 does.
func wellKnown(issuer string) string {
	u, _ := url.Parse(issuer) // checked before
	u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	return u.String()
}
