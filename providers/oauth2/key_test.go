package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// keyed is a source whose clients have keys; %s is how else it knows them.
const keyed = `id: keyed
name: Keyed
group: Test
programme: {status: open}
confidence: high
authorization_endpoint: https://keyed.example/authorize
token_endpoint: https://keyed.example/token
revocation_endpoint: https://keyed.example/revoke
token_endpoint_auth_method: private_key_jwt
%s
account: {from: token_response, id: user}
`

// keyServer answers every request for a token, and keeps how each was authenticated.
type keyServer struct {
	*httptest.Server
	key  crypto.PublicKey
	alg  jose.SignatureAlgorithm
	used map[string]bool
	// seen has the path of each request, with the method of its client.
	seen []string
}

func newKeyServer(t *testing.T, key crypto.PublicKey, alg jose.SignatureAlgorithm) *keyServer {
	t.Helper()
	s := &keyServer{key: key, alg: alg, used: make(map[string]bool)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.seen = append(s.seen, strings.TrimPrefix(r.URL.Path, "/keyed.example/")+" "+s.method(r))
		answer(w, http.StatusOK, map[string]any{
			"access_token": "access-1", "refresh_token": "refresh-1", "token_type": "Bearer", "expires_in": 60, "user": "u1",
		})
	}))
	t.Cleanup(s.Close)
	return s
}

// method says how the client of a request authenticated (RFC 7523 §3), or what is wrong with that.
func (s *keyServer) method(r *http.Request) string {
	form := r.PostForm
	_, _, basic := r.BasicAuth()
	text := form.Get("client_assertion")
	switch {
	case text == "" && basic:
		return catalog.AuthBasic
	case text == "" && form.Has("client_secret"):
		return catalog.AuthPost
	case text == "":
		return catalog.AuthNone
	case basic || form.Has("client_secret") || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return "two methods at once"
	}
	token, err := josejwt.ParseSigned(text, []jose.SignatureAlgorithm{s.alg})
	if err != nil {
		return err.Error()
	}
	var claims josejwt.Claims
	if err := token.Claims(s.key, &claims); err != nil {
		return err.Error()
	}
	want := josejwt.Expected{Issuer: clientID, Subject: clientID, AnyAudience: josejwt.Audience{"https://keyed.example/token"}, Time: time.Now()}
	switch err := claims.ValidateWithLeeway(want, 0); {
	case err != nil:
		return err.Error()
	case len(claims.Audience) != 1 || s.used[claims.ID] || claims.ID == "" || claims.Expiry.Time().After(time.Now().Add(5*time.Minute)):
		return "an assertion that is used twice, or for too long"
	case token.Headers[0].ExtraHeaders[jose.HeaderType] != "JWT" || token.Headers[0].KeyID != "key-1":
		return "another header"
	}
	s.used[claims.ID] = true
	return catalog.AuthKey
}

func privatePEM(t *testing.T, key crypto.PrivateKey) sdk.Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return sdk.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestSettingsChooseHowTheClientAuthenticates(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data    string
		secrets map[string]sdk.Secret
		key     crypto.PublicKey
		alg     jose.SignatureAlgorithm
		seen    string
	}{
		"a key": {"", map[string]sdk.Secret{"client_private_key": privatePEM(t, ec)}, ec.Public(), jose.ES384, "token %[1]s, token %[1]s, revoke %[1]s, revoke %[1]s"},
		"a key before a secret": {
			"token_endpoint_auth_methods_supported: [client_secret_basic, none]",
			map[string]sdk.Secret{"client_private_key": privatePEM(t, ec), "client_secret": clientSecret},
			ec.Public(), jose.ES384,
			"token %[1]s, token %[1]s, revoke %[1]s, revoke %[1]s",
		},
		"the algorithm of the data": {
			"token_endpoint_auth_signing_alg: RS384",
			map[string]sdk.Secret{"client_private_key": privatePEM(t, rsaKey)},
			rsaKey.Public(), jose.RS384,
			"token %[1]s, token %[1]s, revoke %[1]s, revoke %[1]s",
		},
		"a secret, where the source takes one": {
			"token_endpoint_auth_methods_supported: [private_key_jwt, client_secret_post]",
			map[string]sdk.Secret{"client_secret": clientSecret},
			nil, "",
			"token client_secret_post, token client_secret_post, revoke client_secret_post, revoke client_secret_post",
		},
		"neither, where the source has public clients": {
			"token_endpoint_auth_methods_supported: [none]", nil, nil, "", "token none, token none, revoke none, revoke none",
		},
		"a revocation by another method": {
			"revocation_endpoint_auth_method: client_secret_basic",
			map[string]sdk.Secret{"client_private_key": privatePEM(t, ec), "client_secret": clientSecret},
			ec.Public(), jose.ES384,
			"token %[1]s, token %[1]s, revoke client_secret_basic, revoke client_secret_basic",
		},
		"a revocation that is no RFC 7009": {
			"revocation: {method: POST, url: \"https://keyed.example/end\", authentication: private_key_jwt, form: {t: \"{access_token}\"}}",
			map[string]sdk.Secret{"client_private_key": privatePEM(t, ec)},
			ec.Public(), jose.ES384, "token %[1]s, token %[1]s, end %[1]s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newKeyServer(t, c.key, c.alg)
			_, client := offering(t, fmt.Sprintf(keyed, c.data))
			j := &journey{t: t, c: client, request: sdk.ConnectRequest{
				Source: "keyed", RedirectURI: redirectURI, OAuthState: oauthState, FrontEnd: sdk.FrontEnd{Browser: true},
				Settings: sdk.Settings{
					Values: map[string]string{"client_id": clientID, "client_key_id": "key-1", settingBase: server.URL}, Secrets: c.secrets,
				},
			}}
			if _, err := j.reply(sdk.Start{}); err != nil {
				t.Fatal(err)
			}
			step, err := j.reply(sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "code-1"}, {Name: "state", Value: oauthState}}})
			connected, ok := step.(sdk.Connected)
			if !ok {
				t.Fatalf("%+v, %v; seen %q", step, err, server.seen)
			}
			held := j.holds(connected.Credential, connected.Account)
			if _, err := client.Refresh(t.Context(), held); err != nil {
				t.Error(err)
			}
			if err := client.Disconnect(t.Context(), held); err != nil {
				t.Error(err)
			}
			want := c.seen
			if strings.Contains(want, "%") {
				want = fmt.Sprintf(want, catalog.AuthKey)
			}
			if got := strings.Join(server.seen, ", "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestSourceThatNeedsAKeyNamesTheSetting(t *testing.T) {
	_, c := offering(t, fmt.Sprintf(keyed, "token_endpoint_auth_signing_alg: RS256"))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]sdk.Secret{"none": "", "no key": "swordfish-swordfish", "of another algorithm": privatePEM(t, ec)} {
		_, err := c.Connect(t.Context(), &sdk.ConnectRequest{
			Source: "keyed", Reply: sdk.Start{}, RedirectURI: redirectURI, OAuthState: oauthState, FrontEnd: sdk.FrontEnd{Browser: true},
			Settings: sdk.Settings{Values: map[string]string{"client_id": clientID}, Secrets: map[string]sdk.Secret{
				"client_private_key": key, "client_secret": clientSecret,
			}},
		})
		said, ok := err.(*sdk.Error) //nolint:errorlint // the wire returns it bare
		if !ok || said.Code != sdk.BadConfiguration || said.Setting != oauth2.SettingPrivateKey || strings.Contains(said.Message, "swordfish") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSourceWithKeysDeclaresTheirSettings(t *testing.T) {
	has := func(data string) bool {
		s, err := catalog.Parse([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Describe().Settings {
			if f.ID == oauth2.SettingPrivateKey {
				return f.Kind == sdk.KindSecret
			}
		}
		return false
	}
	inVariant := strings.Replace(fmt.Sprintf(keyed, "variants: {keys: {token_endpoint_auth_method: private_key_jwt}}"), "auth_method: private_key_jwt\n", "auth_method: none\n", 1)
	if !has(fmt.Sprintf(keyed, "")) || !has(inVariant) || has(strings.Replace(inVariant, "private_key_jwt", "client_secret_post", 1)) {
		t.Error("the settings of a key are not where a key can be used, or where none can")
	}
}
