package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
	"github.com/humanconnect/humanconnect/sdk"
)

// stranger is a source at a server that this provider's authors did not write: zitadel/oidc, behind the sandbox's pages.
const stranger = `id: stranger
name: Stranger
group: Test
confidence: high
authorization_endpoint: https://stranger.example/authorize
token_endpoint: https://stranger.example/oauth/token
userinfo_endpoint: https://stranger.example/userinfo
revocation_endpoint: https://stranger.example/revoke
token_endpoint_auth_method: client_secret_basic
token_endpoint_auth_methods_supported: [client_secret_basic, none]
pkce: required
scopes: {default: [openid, profile, offline_access, activity:read]}
refresh: {refresh_token: with_scope, rotation: yes}
account: {from: userinfo, id: sub, label: ["{preferred_username}"]}
`

// startStranger serves it below its host, as endpoint_base has it, and its pages at the root.
func startStranger(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	handler, err := authority.New("http://"+server.Listener.Addr().String(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/stranger.example/", http.StripPrefix("/stranger.example", handler))
	mux.Handle("/", handler)
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// visits follows redirects on the server, and returns the page that ends them, or where the browser is sent.
func visits(t *testing.T, method, address string, form url.Values) (page, at string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 6 {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			return string(body), address
		}
		if to.Host != r.URL.Host {
			return "", to.String()
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	t.Fatal("too many redirects")
	return "", ""
}

var (
	requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)
	scopeBox  = regexp.MustCompile(`name="scope" value="([^"]+)" checked`)
)

func consents(t *testing.T, address string) sdk.Callback {
	t.Helper()
	page, at := visits(t, http.MethodGet, address, nil)
	id := requestID.FindStringSubmatch(page)
	u, err := url.Parse(at)
	if id == nil || err != nil {
		t.Fatalf("no page at %s: %s", at, page)
	}
	form := url.Values{"id": {id[1]}, "username": {"demouser"}, "password": {"password"}, "fault": {"none"}, "decision": {"allow"}}
	for _, box := range scopeBox.FindAllStringSubmatch(page, -1) {
		form.Add("scope", box[1])
	}
	_, back := visits(t, http.MethodPost, "http://"+u.Host+"/consent", form)
	to, err := url.Parse(back)
	if err != nil || !strings.HasPrefix(back, redirectURI) {
		t.Fatalf("the browser ended at %s", back)
	}
	var answer sdk.Callback
	for name, values := range to.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: name, Value: values[0]})
	}
	return answer
}

func TestServerOfOthersIsConnectedFromData(t *testing.T) {
	for _, client := range []struct{ id, secret string }{{"sandbox-tracker", ""}, {"sandbox-confidential", "sandbox-secret"}} {
		t.Run(client.id, func(t *testing.T) {
			server := startStranger(t)
			_, c := offering(t, stranger)
			j := &journey{t: t, c: c, request: sdk.ConnectRequest{
				Source: "stranger", RedirectURI: redirectURI, OAuthState: oauthState, FrontEnd: sdk.FrontEnd{Browser: true},
				Settings: sdk.Settings{
					Values:  map[string]string{"client_id": client.id, settingBase: server.URL},
					Secrets: map[string]sdk.Secret{"client_secret": sdk.Secret(client.secret)},
				},
			}}
			step, err := j.reply(sdk.Start{})
			open, ok := step.(sdk.OpenURL)
			if !ok {
				t.Fatalf("%+v, %v", step, err)
			}
			step, err = j.reply(consents(t, open.URL))
			connected, ok := step.(sdk.Connected)
			if !ok || connected.Account.ID == "" || connected.Account.Label == "" || !slices.Contains(connected.Scopes, "activity:read") {
				t.Fatalf("%+v, %v", step, err)
			}
			held := j.holds(connected.Credential, connected.Account)
			if err := c.Check(t.Context(), held); err != nil {
				t.Error(err)
			}
			refreshed, err := c.Refresh(t.Context(), held)
			if err != nil {
				t.Fatal(err)
			}
			old := *held
			held.Credential = refreshed.Credential
			if err := c.Check(t.Context(), held); err != nil {
				t.Error(err)
			}
			if err := c.Disconnect(t.Context(), held); err != nil {
				t.Error(err)
			}
			if err := c.Check(t.Context(), held); codeOf(err) != sdk.Revoked {
				t.Errorf("check after the end: %v", err)
			}
			if _, err := c.Refresh(t.Context(), &old); codeOf(err) != sdk.Revoked {
				t.Errorf("an old refresh token: %v", err)
			}
		})
	}
}

func TestWrongClientSecretAtAServerOfOthersNamesTheSetting(t *testing.T) {
	const wrong = "a secret of before"
	server := startStranger(t)
	_, c := offering(t, stranger)
	j := &journey{t: t, c: c, request: sdk.ConnectRequest{
		Source: "stranger", RedirectURI: redirectURI, OAuthState: oauthState, FrontEnd: sdk.FrontEnd{Browser: true},
		Settings: sdk.Settings{
			Values:  map[string]string{"client_id": "sandbox-confidential", settingBase: server.URL},
			Secrets: map[string]sdk.Secret{"client_secret": "sandbox-secret"},
		},
	}}
	begin := func() sdk.Callback {
		step, err := j.reply(sdk.Start{})
		open, ok := step.(sdk.OpenURL)
		if !ok {
			t.Fatalf("%+v, %v", step, err)
		}
		return consents(t, open.URL)
	}
	step, err := j.reply(begin())
	connected, ok := step.(sdk.Connected)
	if !ok {
		t.Fatalf("%+v, %v", step, err)
	}
	held := j.holds(connected.Credential, connected.Account)
	j.request.Settings.Secrets = map[string]sdk.Secret{"client_secret": wrong}
	held.Settings = j.request.Settings
	_, exchange := j.reply(begin())
	_, refresh := c.Refresh(t.Context(), held)
	for at, err := range map[string]error{"exchange": exchange, "refresh": refresh} {
		var said *sdk.Error
		if !errors.As(err, &said) || said.Code != sdk.BadConfiguration || said.Setting != "client_secret" || said.Retryable {
			t.Errorf("%s: %v", at, err)
		} else if strings.Contains(said.Message, wrong) || !strings.Contains(said.Message, "(invalid_client)") {
			t.Errorf("%s: %q", at, said.Message)
		}
	}
}
