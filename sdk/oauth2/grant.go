package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

// stored is the credential, of [sdk.MediaTypeOAuth2].
type stored struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	// Server is the one that the tokens are of, and the only one that they are ever sent to.
	Server string `json:"server,omitempty"`
}

func credentialOf(granted *oauth2.Token, scopes []string, server string) sdk.Credential {
	data, _ := json.Marshal(stored{ // strings alone
		AccessToken: granted.AccessToken, RefreshToken: granted.RefreshToken, TokenType: "Bearer",
		Scope: strings.Join(scopes, " "), Server: server,
	})
	return sdk.Credential{Data: sdk.Secret(data), MediaType: sdk.MediaTypeOAuth2, ExpiresAt: granted.Expiry.UTC()}
}

// readCredential reads a credential, and refuses one of another server than the settings lead to by now: that server is
// not to see its tokens.
func (s *Source) readCredential(req *sdk.CredentialRequest) (stored, error) {
	var have stored
	c := req.Credential
	if c.MediaType != sdk.MediaTypeOAuth2 || json.Unmarshal([]byte(c.Data.Reveal()), &have) != nil || have.AccessToken == "" {
		return stored{}, newError(sdk.SourceError, "This is not a credential of the source.")
	}
	if server, setting := s.server(req.Settings); have.Server != "" && have.Server != server {
		return stored{}, misconfigured(setting, "The credential is from another server than the one that is configured now.")
	}
	return have, nil
}

// tokenOf has the scopes as granted.
func tokenOf(granted *oauth2.Token, asked []string) (Token, error) {
	if !bearer(granted.Type()) {
		return Token{}, newError(sdk.SourceError, "The source issued a token of an unsupported type.")
	}
	scopes := grantedScopes(granted.Extra("scope"), asked)
	return Token{
		Access: sdk.Secret(granted.AccessToken), Refresh: sdk.Secret(granted.RefreshToken), Scopes: scopes, Extra: granted.Extra,
	}, nil
}

// bearer says whether a kind of token is that of RFC 6750, which some servers call BearerToken or "bearer token".
func bearer(kind string) bool {
	kind = strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(kind))
	return kind == "bearer" || kind == "bearertoken"
}

// token is what is known of a token once the source is connected.
func (have stored) token() Token {
	return Token{
		Access: sdk.Secret(have.AccessToken), Refresh: sdk.Secret(have.RefreshToken), Scopes: strings.Fields(have.Scope),
		Extra: func(string) any { return nil },
	}
}

// Refresh implements [sdk.Refresher]. A server that rotates refresh tokens gives a new one; else the old one is kept, and so is
// when it expires.
func (s *Source) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	old, err := s.readCredential(req)
	if err != nil {
		return nil, err
	}
	if old.RefreshToken == "" {
		return nil, newError(sdk.NotSupported, "The source issued no refresh token.")
	}
	endpoint, err := s.endpoint(ctx, req.Settings)
	if err != nil {
		return nil, err
	}
	said := tokenTransport{source: s, purpose: Renew, settings: req.Settings, endpoint: endpoint}
	config := s.config(req.Settings, endpoint)
	granted, err := config.TokenSource(said.in(ctx), &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		return nil, refusedToken(ctx, err, newError(sdk.Revoked, "The credential is no longer valid."), req.Settings)
	}
	token, err := tokenOf(granted, strings.Fields(old.Scope))
	if err != nil {
		return nil, err
	}
	credential := credentialOf(granted, token.Scopes, endpoint.server())
	credential.ReconnectBy = reconnectBy(said.last, time.Now())
	if credential.ReconnectBy.IsZero() && granted.RefreshToken == old.RefreshToken {
		credential.ReconnectBy = req.Credential.ReconnectBy // what is known of it still holds
	}
	return &sdk.Refreshed{Credential: credential, Scopes: token.Scopes}, nil
}

// Check implements [sdk.Checker]: it asks the source by Works, or else Account.
func (s *Source) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	have, err := s.readCredential(req)
	if err != nil {
		return err
	}
	if over := req.Credential.ExpiresAt; !over.IsZero() && !over.After(time.Now()) {
		return &sdk.Error{
			Code: sdk.NotSupported, Message: "The access token has expired: refresh it before the check.", Retryable: true,
		}
	}
	token := have.token()
	if token.Issuer, _ = s.issuer(req.Settings); token.Issuer == "" {
		token.Issuer = s.Endpoint.Issuer
	}
	switch {
	case s.Works != nil:
		err = s.Works(ctx, s.authorized(token.Access), token)
	case s.Account != nil:
		_, err = s.Account(ctx, s.authorized(token.Access), token)
	default:
		return newError(sdk.NotSupported, "The source has no way to check the credential.")
	}
	if err != nil {
		return asSourceError(ctx, err)
	}
	return nil
}

// Disconnect implements [sdk.Provider] by RFC 7009: the refresh token first, which at most servers ends the whole
// grant, then the access token, where it does not.
func (s *Source) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	have, err := s.readCredential(req)
	if err != nil {
		return err
	}
	if s.Revoke != nil {
		if err := s.Revoke(ctx, s.limited(), have.token()); err != nil {
			return asSourceError(ctx, err)
		}
		return nil
	}
	endpoint, err := s.endpoint(ctx, req.Settings)
	if err != nil {
		return err
	}
	if endpoint.RevocationURL == "" {
		return newError(sdk.NotSupported, "The source has no revocation endpoint.")
	}
	return s.revokeAll(ctx, req.Settings, endpoint, have)
}

func (s *Source) revokeAll(ctx context.Context, settings sdk.Settings, endpoint Endpoint, have stored) error {
	if have.RefreshToken != "" {
		form := url.Values{"token": {have.RefreshToken}, "token_type_hint": {"refresh_token"}}
		if _, err := s.revoke(ctx, settings, endpoint, form); err != nil {
			return err
		}
	}
	form := url.Values{"token": {have.AccessToken}, "token_type_hint": {"access_token"}}
	code, err := s.revoke(ctx, settings, endpoint, form)
	if code == "unsupported_token_type" && have.RefreshToken != "" {
		return nil
	}
	return err
}

// revoke returns the server's error code beside the error. A token that it does not know is as good as revoked
// (RFC 7009 §2.2).
func (s *Source) revoke(ctx context.Context, settings sdk.Settings, e Endpoint, form url.Values) (string, error) {
	resp, err := s.post(ctx, Revoke, settings, e, e.RevocationURL, form)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return "", nil
	}
	code := codeOf(resp)
	switch code {
	case "invalid_token", "invalid_grant":
		return "", nil
	case "unsupported_token_type":
		return code, newError(sdk.NotSupported, "The source cannot revoke tokens of this type.")
	}
	return code, refusedWith(code, resp, settings)
}

// post sends a form to an endpoint that the client authenticates at. The answer is the caller's to close.
func (s *Source) post(
	ctx context.Context, purpose Purpose, settings sdk.Settings, e Endpoint, address string, form url.Values,
) (*http.Response, error) {
	config := s.config(settings, e)
	if config.Endpoint.AuthStyle == oauth2.AuthStyleInParams {
		form.Set("client_id", config.ClientID)
		if config.ClientSecret != "" {
			form.Set("client_secret", config.ClientSecret)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, newError(sdk.SourceError, "The URL of the request is invalid.")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if config.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
		// RFC 6749 §2.3.1 has both form-encoded first.
		req.SetBasicAuth(url.QueryEscape(config.ClientID), url.QueryEscape(config.ClientSecret))
	}
	said := tokenTransport{source: s, purpose: purpose, settings: settings, endpoint: e}
	resp, err := said.client().Do(req)
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return nil, said
	}
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	return resp, nil
}

func refusedAnswer(resp *http.Response, settings sdk.Settings) *sdk.Error {
	return refusedWith(codeOf(resp), resp, settings)
}

// refusedWith says what an error code and the status that it came with mean.
func refusedWith(code string, resp *http.Response, settings sdk.Settings) *sdk.Error {
	if code == "" || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		if resp.StatusCode == http.StatusUnauthorized {
			return refusedClient("invalid_client", settings)
		}
		return refusedStatus(resp)
	}
	return named(refusedClient(code, settings), code)
}

// codeOf reads the error code of an answer, or "".
func codeOf(resp *http.Response) string {
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer) // a body that is no document has no code
	return answer.Error
}
