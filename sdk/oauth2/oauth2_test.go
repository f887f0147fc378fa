package oauth2_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// These tests bend single responses, which no real server would give. The whole flows run against real authorization
// servers in providers/sandbox.

// bent is a server whose responses a test sets: path to handler. It keeps the forms that it was sent.
type bent struct {
	*httptest.Server
	mux   *http.ServeMux
	mu    sync.Mutex
	forms map[string][]url.Values
	basic string
}

func newBent(t *testing.T) *bent {
	t.Helper()
	b := &bent{mux: http.NewServeMux(), forms: map[string][]url.Values{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		b.mu.Lock()
		b.forms[r.URL.Path] = append(b.forms[r.URL.Path], r.PostForm)
		if id, secret, sent := r.BasicAuth(); sent {
			b.basic = id + ":" + secret
		}
		b.mu.Unlock()
		b.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *bent) responds(path string, status int, body string, header ...string) {
	b.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func (b *bent) last(path string) url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.forms[path]) == 0 {
		return nil
	}
	return b.forms[path][len(b.forms[path])-1]
}

// asked lists the paths that were asked for since forget.
func (b *bent) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.forms))
}

func (b *bent) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forms = map[string][]url.Values{}
}

func credential(tokens string) sdk.Credential {
	return sdk.Credential{Data: sdk.Secret(tokens), MediaType: sdk.MediaTypeOAuth2}
}

// tokensOf is what a credential has in it.
func tokensOf(t *testing.T, c sdk.Credential) map[string]string {
	t.Helper()
	var have map[string]string
	if err := json.Unmarshal([]byte(c.Data.Reveal()), &have); err != nil || c.MediaType != sdk.MediaTypeOAuth2 {
		t.Fatalf("credential %s: %v", c.MediaType, err)
	}
	return have
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

const good = `{"access_token":"access-1","refresh_token":"refresh-1","token_type":"bearer","expires_in":60}`

var ownClient = sdk.Settings{Values: map[string]string{"client_id": "us"}}

// described gives a source the Describe that the wire asks for.
type described struct{ *oauth2.Source }

func (described) Describe(context.Context) (*sdk.Description, error) { return &sdk.Description{}, nil }

// attempt starts a source and gives back what is needed to go on.
func attempt(t *testing.T, s *oauth2.Source, settings sdk.Settings) (*host.Client, *sdk.ConnectRequest, sdk.Step, error) {
	t.Helper()
	c := providertest.Wire(t, described{s})
	req := &sdk.ConnectRequest{
		Settings: settings, Reply: sdk.Start{}, RedirectURI: "http://127.0.0.1:1/cb", OAuthState: "st",
		FrontEnd: sdk.FrontEnd{Browser: true, Code: true},
	}
	step, err := c.Connect(t.Context(), req)
	if err == nil {
		req.Resume = host.ResumeOf(step)
	}
	return c, req, step, err
}

// callback brings an attempt by browser to its end with parameters name, value, …
func callback(t *testing.T, s *oauth2.Source, settings sdk.Settings, pairs ...string) (sdk.Step, error) {
	t.Helper()
	c, req, _, err := attempt(t, s, settings)
	if err != nil {
		return nil, err
	}
	var reply sdk.Callback
	for i := 0; i < len(pairs); i += 2 {
		reply.Parameters = append(reply.Parameters, sdk.Parameter{Name: pairs[i], Value: pairs[i+1]})
	}
	req.Reply = reply
	return c.Connect(t.Context(), req)
}

func wants(t *testing.T, err error, code sdk.Code, setting string) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != code || said.Setting != setting {
		t.Errorf("got %+v (%v), want %s %s", said, err, code, setting)
	}
}

func at(b *bent) oauth2.Endpoint {
	return oauth2.Endpoint{
		AuthURL: b.URL + "/authorize", TokenURL: b.URL + "/token", DeviceAuthURL: b.URL + "/device",
		RevocationURL: b.URL + "/revoke",
	}
}

func TestExampleConnects(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	b.responds("/me", 200, `{"id":"7","email":"anna@example.org"}`)
	step, err := callback(t, newRing(b.URL).Source, ownClient, "code", "c")
	if err != nil {
		t.Fatal(err)
	}
	if c := step.(sdk.Connected); c.Account != (sdk.Account{ID: "7", Label: "anna@example.org"}) || !slices.Equal(c.Scopes, []string{"sleep", "offline"}) {
		t.Errorf("connected %+v", c)
	}
	sent := b.last("/token")
	if sent.Get("code_verifier") == "" || sent.Get("redirect_uri") != "http://127.0.0.1:1/cb" || sent.Get("client_id") != "us" {
		t.Errorf("sent %v", sent)
	}
}

func TestErrorsOfTheRedirectHaveTheirCodes(t *testing.T) {
	b := newBent(t)
	for code, want := range map[string]sdk.Code{
		"access_denied": sdk.AccessDenied, "login_required": sdk.AccessDenied, "temporarily_unavailable": sdk.SourceUnavailable,
		"invalid_scope": sdk.ScopeMissing, "server_error": sdk.SourceError, "made_up": sdk.SourceError,
	} {
		_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "error", code, "error_description", "token-in-here")
		wants(t, err, want, "")
		if strings.Contains(err.Error(), "token-in-here") {
			t.Errorf("%s: the server's words are shown: %v", code, err)
		}
	}
	_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "error", "unauthorized_client")
	wants(t, err, sdk.BadConfiguration, "client_id")
	_, err = callback(t, &oauth2.Source{Endpoint: at(b)}, sdk.Settings{}, "code", "c")
	wants(t, err, sdk.BadConfiguration, "client_id")
}

func TestAnswersOfTheTokenEndpointHaveTheirCodes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   sdk.Code
	}{
		{"another kind of token", 200, `{"access_token":"x","token_type":"mac"}`, sdk.SourceError},
		{"no token", 200, `{"token_type":"bearer"}`, sdk.SourceError},
		{"an error in a 200", 200, `{"error":"invalid_scope"}`, sdk.ScopeMissing},
		{"half an answer", 200, `{"access_token":"x`, sdk.SourceError},
		{"no object", 200, `null`, sdk.SourceError},
		{"too long", 200, `{"access_token":"` + strings.Repeat("x", 1<<20) + `"}`, sdk.SourceError},
		{"closed", 502, `<html>`, sdk.SourceUnavailable},
		{"an error of its own", 400, `{"error":"invalid_request"}`, sdk.SourceError},
		{"a used code", 400, `{"error":"invalid_grant"}`, sdk.SourceError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBent(t)
			b.responds("/token", tt.status, tt.body)
			_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c")
			wants(t, err, tt.want, "")
		})
	}
}

// accounts is a source whose account is asked for at /me.
// waits lets time pass until the attempt is over, and returns how long each wait was to be.
// granted has an attempt that has just got its grant.
func TestTheSecretOfAClientGoesWhereTheServerWantsIt(t *testing.T) {
	settings := sdk.Settings{
		Values: map[string]string{"client_id": "us"}, Secrets: map[string]sdk.Secret{"client_secret": "s&1"},
	}
	b := newBent(t)
	b.responds("/token", 200, good)
	if _, err := callback(t, &oauth2.Source{Endpoint: at(b)}, settings, "code", "c"); err != nil {
		t.Fatal(err)
	}
	if b.basic != "us:s%261" || b.last("/token").Has("client_secret") {
		t.Errorf("sent %q and %v", b.basic, b.last("/token"))
	}
	b = newBent(t)
	b.responds("/token", 200, good)
	endpoint := at(b)
	endpoint.SecretInBody = true
	if _, err := callback(t, &oauth2.Source{Endpoint: endpoint}, settings, "code", "c"); err != nil {
		t.Fatal(err)
	}
	if b.basic != "" || b.last("/token").Get("client_secret") != "s&1" {
		t.Errorf("sent %q and %v", b.basic, b.last("/token"))
	}
}

func TestAnotherIssuerIsNoAnswer(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	endpoint := at(b)
	endpoint.Issuer = "https://right.example"
	for _, required := range []bool{true, false} {
		endpoint.IssuerSent = required
		s := &oauth2.Source{Endpoint: endpoint}
		_, err := callback(t, s, ownClient, "code", "c", "iss", "https://wrong.example")
		wants(t, err, sdk.SourceError, "")
		_, err = callback(t, s, ownClient, "error", "access_denied", "iss", "https://wrong.example")
		wants(t, err, sdk.SourceError, "")
		if _, err = callback(t, s, ownClient, "code", "c", "iss", "https://right.example"); err != nil {
			t.Error(err)
		}
		if _, err = callback(t, s, ownClient, "code", "c"); (err != nil) != required {
			t.Errorf("without iss, required %v: %v", required, err)
		}
	}
}

func TestAnIDTokenOfAnotherAttemptIsRefused(t *testing.T) {
	for _, wrong := range []string{"", "nonce", "aud", "form"} {
		b := newBent(t)
		var nonce string
		b.mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
			claims := map[string]any{"nonce": nonce, "aud": []string{"us", "them"}}
			if wrong == "nonce" || wrong == "aud" {
				claims[wrong] = "another"
			}
			payload, _ := json.Marshal(claims)
			token := "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".x"
			if wrong == "form" {
				token = "e30"
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"access_token":"a","token_type":"Bearer","id_token":%q}`, token)
		})
		c, req, step, err := attempt(t, &oauth2.Source{Endpoint: at(b), Scopes: []string{"openid"}}, ownClient)
		if err != nil {
			t.Fatal(err)
		}
		asked, _ := url.Parse(step.(sdk.OpenURL).URL)
		nonce = asked.Query().Get("nonce")
		req.Reply = sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}
		if _, err = c.Connect(t.Context(), req); (err != nil) != (wrong != "") {
			t.Errorf("wrong %q: %v", wrong, err)
		}
	}
}

func TestSourceOfOpenIDConnectIsAskedInThePersonsLanguage(t *testing.T) {
	for scope, want := range map[string]string{"openid": "de-AT", "activity": ""} {
		b := newBent(t)
		c, req, _, err := attempt(t, &oauth2.Source{Endpoint: at(b), Scopes: []string{scope}}, ownClient)
		if err != nil {
			t.Fatal(err)
		}
		for _, locale := range []string{"", "de-AT"} {
			req.Reply, req.Resume, req.Locale = sdk.Start{}, nil, locale
			step, err := c.Connect(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			asked, _ := url.Parse(step.(sdk.OpenURL).URL)
			if got := asked.Query().Get("ui_locales"); locale == "" && got != "" || locale != "" && got != want {
				t.Errorf("%s in %q: asked for %q", scope, locale, got)
			}
		}
	}
}

func TestSecretsGoNowhereButToHTTPSAndLoopback(t *testing.T) {
	for _, address := range []string{
		"http://example.org/token", "https://user@example.org/token", "file:///token", "https:///token",
		"http://127.0.0.1.example.org/token",
	} {
		good := oauth2.Endpoint{AuthURL: "https://example.org", TokenURL: "https://example.org"}
		for _, place := range []func(*oauth2.Endpoint) *string{
			func(e *oauth2.Endpoint) *string { return &e.AuthURL }, func(e *oauth2.Endpoint) *string { return &e.TokenURL },
			func(e *oauth2.Endpoint) *string { return &e.DeviceAuthURL }, func(e *oauth2.Endpoint) *string { return &e.RevocationURL },
		} {
			endpoint := good
			*place(&endpoint) = address
			_, _, _, err := attempt(t, &oauth2.Source{Endpoint: endpoint}, ownClient)
			wants(t, err, sdk.BadConfiguration, "")
			err = (&oauth2.Source{Endpoint: endpoint, ClientID: "us"}).Disconnect(t.Context(), &sdk.CredentialRequest{Credential: credential(`{"access_token":"a"}`)})
			wants(t, err, sdk.BadConfiguration, "")
		}
		s := &oauth2.Source{Issuer: "https://example.org", IssuerSetting: "server"}
		settings := sdk.Settings{Values: map[string]string{"client_id": "us", "server": address}}
		_, _, _, err := attempt(t, s, settings)
		wants(t, err, sdk.BadConfiguration, "server")
	}
}

func TestMetadataIsFoundWhereEachStandardHasIt(t *testing.T) {
	const document = `{"issuer":%q,"authorization_endpoint":"https://x.example/a","token_endpoint":"https://x.example/t"}`
	for _, path := range []string{
		"/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant",
	} {
		b := newBent(t)
		b.responds(path, 200, fmt.Sprintf(document, b.URL+"/tenant"))
		_, _, step, err := attempt(t, &oauth2.Source{Issuer: b.URL + "/tenant"}, ownClient)
		if err != nil || !strings.HasPrefix(step.(sdk.OpenURL).URL, "https://x.example/a?") {
			t.Errorf("%s: %v, %v", path, step, err)
		}
	}
	b := newBent(t)
	b.responds("/.well-known/openid-configuration", 200, fmt.Sprintf(document, "https://another.example"))
	_, _, _, err := attempt(t, &oauth2.Source{Issuer: b.URL}, ownClient)
	wants(t, err, sdk.BadConfiguration, "")
	_, _, _, err = attempt(t, &oauth2.Source{Issuer: newBent(t).URL}, ownClient)
	wants(t, err, sdk.BadConfiguration, "")
}

func TestTheFrontEndChoosesTheMethod(t *testing.T) {
	b := newBent(t)
	b.responds("/device", 200, `{"device_code":"d","user_code":"U","verification_uri":"https://x.example/v","expires_in":600}`)
	for _, tt := range []struct {
		methods []sdk.Method
		can     sdk.FrontEnd
		code    bool
	}{
		{nil, sdk.FrontEnd{Code: true}, false},
		{[]sdk.Method{sdk.MethodBrowser, sdk.MethodCode}, sdk.FrontEnd{Browser: true, Code: true}, false},
		{[]sdk.Method{sdk.MethodBrowser, sdk.MethodCode}, sdk.FrontEnd{Code: true}, true},
		{[]sdk.Method{sdk.MethodBrowser, sdk.MethodCode}, sdk.FrontEnd{}, false},
		{[]sdk.Method{sdk.MethodCode}, sdk.FrontEnd{Browser: true}, true},
	} {
		s := described{&oauth2.Source{Endpoint: at(b), ClientID: "us", Methods: tt.methods}}
		step, err := s.Connect(t.Context(), &sdk.ConnectRequest{Reply: sdk.Start{}, FrontEnd: tt.can})
		if err != nil {
			t.Fatal(err)
		}
		shown, isCode := step.(sdk.ShowCode)
		if isCode != tt.code {
			t.Errorf("%v at %+v: %T", tt.methods, tt.can, step)
		}
		if isCode && shown.PollAfter != 5*time.Second {
			t.Errorf("without an interval it is asked after %v", shown.PollAfter)
		}
	}
}

func TestRevocationAsksForTheRefreshTokenFirst(t *testing.T) {
	credential := sdk.Credential{Data: sdk.Secret(good), MediaType: sdk.MediaTypeOAuth2}
	for _, tt := range []struct {
		status int
		body   string
		want   sdk.Code
	}{
		{200, ``, ""},
		{400, `{"error":"invalid_token"}`, ""},
		{400, `{"error":"unsupported_token_type"}`, sdk.NotSupported},
		{401, ``, sdk.BadConfiguration},
		{503, ``, sdk.SourceUnavailable},
	} {
		b := newBent(t)
		b.responds("/revoke", tt.status, tt.body)
		s := &oauth2.Source{Endpoint: at(b), ClientID: "us"}
		err := s.Disconnect(t.Context(), &sdk.CredentialRequest{Credential: credential})
		if first := b.forms["/revoke"][0]; first.Get("token") != "refresh-1" || first.Get("client_id") != "us" {
			t.Errorf("sent %v", first)
		}
		if said := (*sdk.Error)(nil); tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &said) || said.Code != tt.want) {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
		if tt.want == "" && b.last("/revoke").Get("token") != "access-1" {
			t.Error("the access token was not revoked")
		}
	}
	s := &oauth2.Source{Endpoint: oauth2.Endpoint{TokenURL: "https://x.example"}}
	wants(t, s.Disconnect(t.Context(), &sdk.CredentialRequest{Credential: credential}), sdk.NotSupported, "")
}

func TestAnAnswerThatIsTooLongOrARedirectCarriesNoTokenAway(t *testing.T) {
	b := newBent(t)
	stolen := false
	b.mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { stolen = true })
	b.responds("/away", 302, "", "Location", b.URL+"/elsewhere")
	b.responds("/long", 200, `{"id":"`+strings.Repeat("x", 1<<20)+`"}`)
	b.responds("/busy", 429, "", "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	b.responds("/gone", 401, "")
	b.responds("/no", 403, "")
	for path, want := range map[string]sdk.Code{
		"/away": sdk.SourceError, "/long": sdk.SourceError, "/busy": sdk.RateLimited, "/gone": sdk.Revoked,
		"/no": sdk.ScopeMissing,
	} {
		s := &oauth2.Source{Endpoint: at(b), Works: func(ctx context.Context, client *http.Client, token oauth2.Token) error {
			if token.Access != "access-1" {
				t.Error("the token is not the credential's")
			}
			var into any
			return oauth2.Get(ctx, client, b.URL+path, &into)
		}}
		credential := sdk.Credential{Data: sdk.Secret(good), MediaType: sdk.MediaTypeOAuth2}
		err := s.Check(t.Context(), &sdk.CredentialRequest{Credential: credential})
		wants(t, err, want, "")
		if said := (*sdk.Error)(nil); path == "/busy" && errors.As(err, &said) && said.RetryAfter < 50*time.Minute {
			t.Errorf("try again after %v", said.RetryAfter)
		}
	}
	if stolen {
		t.Error("a redirect was followed")
	}
}

func TestACallersEndIsNotTheSourcesFailure(t *testing.T) {
	b := newBent(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.mux.HandleFunc("/token", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	s := &oauth2.Source{Endpoint: at(b), ClientID: "us"}
	credential := sdk.Credential{Data: sdk.Secret(good), MediaType: sdk.MediaTypeOAuth2}
	if _, err := s.Refresh(ctx, &sdk.CredentialRequest{Credential: credential}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAStrayReplyIsAnErrorNotACrash(t *testing.T) {
	s := &oauth2.Source{Endpoint: oauth2.Endpoint{TokenURL: "https://x.example", AuthURL: "https://x.example"}, ClientID: "us"}
	for _, resume := range []string{
		"", "x", "{}", `{"verifier":"v"}`, `{"device":{}}`, `{"verifier":"v","device":{}}`, `{"verifier":"v","granted":{}}`,
	} {
		for _, reply := range []sdk.Reply{sdk.FormValues{}, sdk.TimePassed{}, sdk.Callback{}} {
			if resume == `{"device":{}}` && reply == (sdk.TimePassed{}) {
				continue // that one is asked of the server
			}
			_, err := s.Connect(t.Context(), &sdk.ConnectRequest{Resume: []byte(resume), Reply: reply})
			wants(t, err, sdk.SourceError, "")
		}
	}
}

// RFC 7636 §4.1 and §4.2: the verifier is random, the attempt's own, and is in no URL.
func TestEachAttemptHasAVerifierOfItsOwn(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	unreserved := regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	seen := map[string]bool{}
	for range 3 {
		c, req, step, err := attempt(t, &oauth2.Source{Endpoint: at(b)}, ownClient)
		if err != nil {
			t.Fatal(err)
		}
		address := step.(sdk.OpenURL).URL
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		req.Reply = sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}
		if _, err := c.Connect(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		verifier := b.last("/token").Get("code_verifier")
		digest := sha256.Sum256([]byte(verifier))
		if u.Query().Get("code_challenge") != base64.RawURLEncoding.EncodeToString(digest[:]) || u.Query().Get("code_challenge_method") != "S256" {
			t.Errorf("the challenge at %s is not that of %s", address, verifier)
		}
		if !unreserved.MatchString(verifier) || strings.Contains(address, verifier) || seen[verifier] {
			t.Errorf("verifier %q at %s", verifier, address)
		}
		seen[verifier] = true
	}
}

// RFC 9700 §2.1.2: there is no implicit grant. A token that comes with a redirect is nobody's.
func TestTokenInARedirectIsNotTaken(t *testing.T) {
	b := newBent(t)
	_, _, step, err := attempt(t, &oauth2.Source{Endpoint: at(b)}, ownClient)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(step.(sdk.OpenURL).URL); err != nil || u.Query().Get("response_type") != "code" {
		t.Errorf("asked for %v, %v", u, err)
	}
	_, err = callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "access_token", "a", "token_type", "bearer", "state", "st")
	wants(t, err, sdk.SourceError, "")
	if asked := b.asked(); len(asked) > 0 {
		t.Errorf("asked %v", asked)
	}
}
