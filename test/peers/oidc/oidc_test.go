// Package oidc_test runs the SDK's OAuth helper against a stranger: npm oidc-provider, with its own pages.
package oidc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

const callbackAddress = "http://127.0.0.1:45679/callback"

// peer is the server as a process.
type peer struct {
	address string
	lines   *bufio.Reader
}

// startPeer runs the server until the test ends.
func startPeer(t *testing.T, args ...string) *peer {
	t.Helper()
	if _, err := os.Stat("node_modules/oidc-provider"); err != nil {
		t.Fatal("oidc-provider is not installed: run npm ci in this folder")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	server := exec.CommandContext(ctx, "node", append([]string{"server.mjs"}, args...)...)
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = server.Wait()
		cancel()
	})
	p := &peer{lines: bufio.NewReader(out)}
	p.address = p.says(t, "http://")
	return p
}

// says returns the next line of the server's that begins so; its library has notices of its own. The server ends, and with
// it the lines, after two minutes at most.
func (p *peer) says(t *testing.T, prefix string) string {
	t.Helper()
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the server never says %s…: %v", prefix, err)
		}
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
}

func source(issuer string, methods ...sdk.Method) *oauth2.Source {
	return &oauth2.Source{
		Issuer: issuer, ClientID: "us", Scopes: []string{"openid", "offline_access", "sleep"}, Required: []string{"sleep"}, Methods: methods,
		Account: func(ctx context.Context, client *http.Client, token oauth2.Token) (sdk.Account, error) {
			var me struct {
				Sub string `json:"sub"`
			}
			err := oauth2.Get(ctx, client, token.Issuer+"/userinfo", &me)
			return sdk.Account{ID: me.Sub, Label: me.Sub}, err
		},
	}
}

// connect starts an attempt, lets the person go through the pages, and gives the source the answer.
func connect(t *testing.T, s *oauth2.Source, p *person) (sdk.Step, error) {
	t.Helper()
	return connectWith(t, s, sdk.Settings{}, p)
}

func connectWith(t *testing.T, s *oauth2.Source, settings sdk.Settings, p *person) (sdk.Step, error) {
	t.Helper()
	req := &sdk.ConnectRequest{
		Settings: settings, Reply: sdk.Start{}, RedirectURI: callbackAddress, OAuthState: "state-of-core", FrontEnd: sdk.FrontEnd{Browser: true},
	}
	step, err := s.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	to, err := p.goes(step.(sdk.OpenURL).URL)
	if err != nil || to.callback == nil {
		t.Fatalf("%v; the last page is\n%s", err, to.page)
	}
	var answer sdk.Callback
	for n, values := range to.callback.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: n, Value: values[0]})
	}
	if answer.Get("state") != "state-of-core" || answer.Get("iss") == "" {
		t.Errorf("the answer has no state or issuer")
	}
	req.Reply, req.Resume = answer, host.ResumeOf(step)
	return s.Connect(t.Context(), req)
}

func refused(t *testing.T, err error, want sdk.Code) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAThirdPartyServerConnectsRefreshesAndRevokes(t *testing.T) {
	s := source(startPeer(t).address)
	step, err := connect(t, s, newPerson(callbackAddress))
	if err != nil {
		t.Fatal(err)
	}
	c := step.(sdk.Connected)
	if c.Account.ID != "anna" || !slices.Contains(c.Scopes, "sleep") || c.Credential.ExpiresAt.IsZero() {
		t.Errorf("connected %+v", c)
	}
	grant := &sdk.CredentialRequest{Account: c.Account, Credential: c.Credential}
	if err := s.Check(t.Context(), grant); err != nil {
		t.Error(err)
	}
	refreshed, err := s.Refresh(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	fresh := &sdk.CredentialRequest{Account: c.Account, Credential: refreshed.Credential}
	if refreshTokenOf(t, grant) == refreshTokenOf(t, fresh) {
		t.Error("the refresh token was not rotated")
	}
	if err := s.Disconnect(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	refused(t, s.Check(t.Context(), fresh), sdk.Revoked)
	_, err = s.Refresh(t.Context(), fresh)
	refused(t, err, sdk.Revoked)
	if err := s.Disconnect(t.Context(), fresh); err != nil {
		t.Errorf("revoking again: %v", err)
	}
}

func refreshTokenOf(t *testing.T, g *sdk.CredentialRequest) string {
	t.Helper()
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(g.Credential.Data.Reveal()), &tokens); err != nil || tokens.Refresh == "" {
		t.Fatal("there is no refresh token")
	}
	return tokens.Refresh
}

func TestAThirdPartyServerRevokesAGrantAtTokenReuse(t *testing.T) {
	s := source(startPeer(t).address)
	step, err := connect(t, s, newPerson(callbackAddress))
	if err != nil {
		t.Fatal(err)
	}
	old := &sdk.CredentialRequest{Credential: step.(sdk.Connected).Credential}
	refreshed, err := s.Refresh(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Refresh(t.Context(), old)
	refused(t, err, sdk.Revoked)
	_, err = s.Refresh(t.Context(), &sdk.CredentialRequest{Credential: refreshed.Credential})
	refused(t, err, sdk.Revoked)
}

func TestDenialAtAThirdPartyServerIsAccessDenied(t *testing.T) {
	p := newPerson(callbackAddress)
	p.denies = true
	_, err := connect(t, source(startPeer(t).address), p)
	refused(t, err, sdk.AccessDenied)
}

func TestAThirdPartyServerConnectsADevice(t *testing.T) {
	s := source(startPeer(t).address, sdk.MethodCode)
	req := &sdk.ConnectRequest{Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Code: true}}
	step, err := s.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	shown := step.(sdk.ShowCode)
	req.Reply, req.Resume = sdk.TimePassed{}, shown.Resume
	if step, err = s.Connect(t.Context(), req); err != nil || step.(sdk.ShowCode).UserCode != shown.UserCode {
		t.Fatalf("before the code is typed: %+v, %v", step, err)
	}
	p := newPerson("")
	p.userCode = shown.UserCode
	if _, err := p.goes(shown.VerificationURI); err != nil {
		t.Fatal(err)
	}
	req.Resume = host.ResumeOf(step)
	if step, err = s.Connect(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if c := step.(sdk.Connected); c.Account.ID != "anna" {
		t.Errorf("connected %+v", c)
	}
}
