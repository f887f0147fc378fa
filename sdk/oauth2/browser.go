package oauth2

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

// openID is the scope that makes a request one of OpenID Connect.
const openID = "openid"

// startBrowser sends the person to the source, with PKCE (RFC 7636, S256 alone).
func (s *Source) startBrowser(req *sdk.ConnectRequest, at resume) (sdk.Step, error) {
	if at.Endpoint.AuthURL == "" {
		return nil, newError(sdk.NotSupported, "The source cannot be connected in a browser.")
	}
	at.Verifier = oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(at.Verifier)}
	if slices.Contains(at.Scopes, openID) {
		at.Nonce = rand.Text()
		options = append(options, oauth2.SetAuthURLParam("nonce", at.Nonce))
		if req.Locale != "" { // OpenID Connect Core §3.1.2.1
			options = append(options, oauth2.SetAuthURLParam("ui_locales", req.Locale))
		}
	}
	config := s.config(req.Settings, at.Endpoint)
	config.RedirectURL, config.Scopes = req.RedirectURI, at.Scopes
	address, err := s.adaptedURL(config.AuthCodeURL(req.OAuthState, options...))
	if err != nil {
		return nil, asSourceError(context.Background(), err)
	}
	return sdk.OpenURL{URL: address, Resume: at.bytes()}, nil
}

// callback takes the answer of the authorization endpoint. Core has checked the state.
func (s *Source) callback(
	ctx context.Context, req *sdk.ConnectRequest, answer sdk.Callback, at resume,
) (sdk.Step, error) {
	if !fromIssuer(answer, at.Endpoint) {
		return nil, newError(sdk.SourceError, "The authorization response is from another issuer.")
	}
	if code := answer.Get("error"); code != "" {
		return nil, named(refusedCallback(code), cleanCode(code, nil))
	}
	code := answer.Get("code")
	if code == "" {
		return nil, newError(sdk.SourceError, "The authorization response has no code.")
	}
	config := s.config(req.Settings, at.Endpoint)
	config.RedirectURL = req.RedirectURI
	said := tokenTransport{source: s, purpose: Exchange, settings: req.Settings, endpoint: at.Endpoint}
	granted, err := config.Exchange(said.in(ctx), code, oauth2.VerifierOption(at.Verifier))
	if err != nil {
		used := &sdk.Error{Code: sdk.SourceError, Message: "The source rejected the authorization code.", Retryable: true}
		return nil, refusedToken(ctx, err, used, req.Settings)
	}
	if at.Nonce != "" && !forThisAttempt(granted, at, config.ClientID) {
		return nil, newError(sdk.SourceError, "The ID token is not for this attempt.")
	}
	return s.finish(ctx, req, at.with(newGrant(granted, said.last)))
}

// fromIssuer checks who answered (RFC 9207 §2.4), errors included, where the server is known by its issuer.
func fromIssuer(answer sdk.Callback, endpoint Endpoint) bool {
	iss := answer.Get("iss")
	if iss == "" || endpoint.Issuer == "" {
		return !endpoint.IssuerSent
	}
	return iss == endpoint.Issuer
}

// forThisAttempt checks the ID token of an answer, where there is one, by what binds it to this attempt: nonce,
// audience and issuer. It came from the token endpoint itself, so its signature adds nothing (OpenID Connect Core
// §3.1.3.7, 6); no claim of it is used for anything else.
func forThisAttempt(granted *oauth2.Token, at resume, clientID string) bool {
	raw, sent := granted.Extra("id_token").(string)
	if !sent {
		return true
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer   string   `json:"iss"`
		Audience audience `json:"aud"`
		Nonce    string   `json:"nonce"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return false
	}
	ofIssuer := at.Endpoint.Issuer == "" || claims.Issuer == at.Endpoint.Issuer
	return ofIssuer && claims.Nonce == at.Nonce && slices.Contains(claims.Audience, clientID)
}

// audience is one string or many (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}
