// Package oauth2 makes a provider of an OAuth 2.0 source out of data: the addresses of its authorization server, the
// scopes, and one function that asks the source whose account a token is for.
//
//	type tracker struct{ *oauth2.Source }
//
// Embedded so, a [Source] gives the provider its Connect, Disconnect, Refresh and Check; Describe is left. It does the
// authorization code flow with PKCE (RFC 6749, RFC 7636), the device flow (RFC 8628), refreshing, revocation
// (RFC 7009), server metadata (RFC 8414, OpenID Connect Discovery) and the check of the issuer (RFC 9207), and says no
// with the closed list of failure codes. It keeps nothing between two calls.
//
// The client's id and secret stand in the settings, as client_id and client_secret. A client can also have a private key in
// client_private_key and client_key_id: it then authenticates with a signed assertion (RFC 7523, private_key_jwt).
package oauth2

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

// The settings that a source reads.
const (
	SettingClientID     = "client_id"
	SettingClientSecret = "client_secret"
)

// ClientSettings are the settings of an installation's own client, for [sdk.Source.Settings].
func ClientSettings() []sdk.Field {
	return []sdk.Field{
		{ID: SettingClientID, Label: "Client id", Kind: sdk.KindText},
		{ID: SettingClientSecret, Label: "Client secret", Kind: sdk.KindSecret},
	}
}

// Source is an OAuth 2.0 source. It must not be changed once it is used; its methods are then safe for concurrent use.
type Source struct {
	// Endpoint has the addresses of the authorization server, unless Issuer is set; SigningAlgs are those of the source even then.
	Endpoint Endpoint
	// Issuer is the issuer of an authorization server that publishes its addresses as metadata, which is then read
	// when a call needs it.
	Issuer string
	// IssuerSetting names a setting that, where it is set, has the Issuer instead.
	IssuerSetting string
	// ClientID is the id of a client without a secret, for installations that configure none of their own.
	ClientID string
	// Scopes to ask for where a request names none.
	Scopes []string
	// Required are scopes that the source cannot do without: not granted, they are a scope_missing, and what was granted
	// is left to expire unused.
	Required []string
	// Methods to connect, the better one first: [sdk.MethodBrowser] and [sdk.MethodCode]. The first that the front end can do
	// is taken, else the first. Empty means the browser.
	Methods []sdk.Method
	// Account asks the source whose account it is. Its client carries the access token, follows no redirect, and gives
	// up after 10 s or 1 MiB; see [Get]. Where it fails with source_unavailable or rate_limited, it is called again
	// later, five times in all; if it fails for good, the grant is revoked. Without it the source cannot tell accounts
	// apart.
	Account func(ctx context.Context, client *http.Client, token Token) (sdk.Account, error)
	// Works asks the source whether a token still works. Without it Check calls Account.
	Works func(ctx context.Context, client *http.Client, token Token) error

	// The fields below are for authorization servers that do not follow the RFCs. Most sources leave them nil.

	// Request changes a request to the authorization server before it is sent: an extra parameter, another name for one,
	// parameters in the query, no PKCE. An [sdk.Error] of it ends the call.
	Request func(*Request) error
	// Answer reads a response of the authorization server before the standard engine does: it takes tokens out of an
	// envelope, renames members, or returns an [sdk.Error] that says what a refusal means. The message of that error gets
	// the code in Members["error"], cleaned.
	Answer func(*Answer) error
	// Revoke ends a grant at a server without RFC 7009. Its client carries no token. A grant that has ended already is no
	// error.
	Revoke func(ctx context.Context, client *http.Client, token Token) error
	// Transport sends every request in place of this package's own, such as one that refuses to connect to private
	// addresses. It must not follow redirects; the limits of time and size hold whatever it does.
	Transport http.RoundTripper
}

// Token is what the authorization server granted.
type Token struct {
	// Access is the access token. The client that comes with it sends it already.
	Access sdk.Secret
	// Refresh is the refresh token, where there is one.
	Refresh sdk.Secret
	// Scopes as granted.
	Scopes []string
	// Issuer is the authorization server that the token is of, where it is known by its issuer.
	Issuer string
	// Extra returns a further member of the token response, as JSON decodes it, such as "patient" or "user_id"; a number is
	// a [json.Number]. It is nil where there is none, and always nil once the source is connected.
	Extra func(name string) any
}

// resume is what a later step needs of this one.
type resume struct {
	Endpoint Endpoint `json:"endpoint"`
	Scopes   []string `json:"scopes,omitempty"`
	// Verifier of RFC 7636 and nonce of OpenID Connect, of an attempt by browser.
	Verifier string `json:"verifier,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	// Device is that of an attempt by code.
	Device *device `json:"device,omitempty"`
	// Granted is set, and nothing else of the two methods is, once there is a grant.
	Granted *grant `json:"granted,omitempty"`
}

// with is what is left of an attempt that has its grant.
func (r resume) with(g *grant) resume {
	return resume{Endpoint: r.Endpoint, Scopes: r.Scopes, Granted: g}
}

func (r resume) bytes() []byte {
	data, _ := json.Marshal(r) // strings, numbers, and an answer that was read
	return data
}

// valid says whether the state of the attempt is known: it is one of three.
func (r resume) valid() bool {
	places := 0
	for _, here := range []bool{r.Verifier != "", r.Device != nil, r.Granted != nil} {
		if here {
			places++
		}
	}
	return places == 1
}

// Connect implements [sdk.Provider].
func (s *Source) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	if _, isStart := req.Reply.(sdk.Start); isStart {
		return s.start(ctx, req)
	}
	var at resume
	if json.Unmarshal(req.Resume, &at) != nil || !at.valid() {
		return nil, newError(sdk.SourceError, "The state of the attempt is unknown.")
	}
	switch reply := req.Reply.(type) {
	case sdk.Callback:
		if at.Verifier != "" {
			return s.callback(ctx, req, reply, at)
		}
	case sdk.TimePassed:
		switch {
		case at.Device != nil:
			return s.poll(ctx, req, at)
		case at.Granted != nil:
			return s.finish(ctx, req, at)
		}
	}
	return nil, newError(sdk.SourceError, "The reply does not match the last step.")
}

func (s *Source) start(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	endpoint, err := s.endpoint(ctx, req.Settings)
	if err != nil {
		return nil, err
	}
	at := resume{Endpoint: endpoint, Scopes: req.Scopes}
	if len(at.Scopes) == 0 {
		at.Scopes = s.Scopes
	}
	if s.clientID(req.Settings) == "" {
		return nil, misconfigured(SettingClientID, "The source needs a client id.")
	}
	if err := endpoint.ready(req.Settings); err != nil {
		return nil, err
	}
	if s.method(req.FrontEnd) == sdk.MethodCode {
		return s.startDevice(ctx, req, at)
	}
	return s.startBrowser(req, at)
}

// method chooses how to connect. A front end that can do none is asked all the same: it says better than a provider what
// it lacks.
func (s *Source) method(can sdk.FrontEnd) sdk.Method {
	if len(s.Methods) == 0 {
		return sdk.MethodBrowser
	}
	for _, m := range s.Methods {
		if m == sdk.MethodBrowser && can.Browser || m == sdk.MethodCode && can.Code {
			return m
		}
	}
	return s.Methods[0]
}

func (s *Source) clientID(settings sdk.Settings) string {
	if id := settings.Values[SettingClientID]; id != "" {
		return id
	}
	return s.ClientID
}

// config is that of the library, for one request.
func (s *Source) config(settings sdk.Settings, endpoint Endpoint) *oauth2.Config {
	secret := settings.Secrets[SettingClientSecret].Reveal()
	if endpoint.hasKey(settings) {
		secret = ""
	}
	return &oauth2.Config{
		ClientID:     s.clientID(settings),
		ClientSecret: secret,
		Endpoint: oauth2.Endpoint{
			AuthURL:   endpoint.AuthURL,
			TokenURL:  endpoint.TokenURL,
			AuthStyle: authStyle(endpoint, secret),
		},
	}
}

// authStyle is how the client shows who it is. It is never tried out: an authorization code is good for one try.
func authStyle(endpoint Endpoint, secret string) oauth2.AuthStyle {
	if secret == "" || endpoint.SecretInBody {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// required says what the source cannot do without and did not get.
func (s *Source) required(token Token) error {
	for _, scope := range s.Required {
		if !slices.Contains(token.Scopes, scope) {
			return newError(sdk.ScopeMissing, "A required scope was not granted.")
		}
	}
	return nil
}
