package django_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
	"github.com/humanconnect/humanconnect/test/peers/program"
)

const (
	source      = "bluebutton"
	patient     = "-20140000008325"
	redirectURI = "http://127.0.0.1:45680/callback"
	state       = "state-of-core"
)

// bin has our programs, as they are released.
var bin string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &bin)) }

// startServer runs the server until the test ends, and returns its address. Debian's packages are for Debian's Python.
func startServer(t *testing.T) string {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import oauth2_provider").Run(); err != nil {
		t.Fatalf("%v; run: sh test/needs.sh, which installs Debian's python3-django-oauth-toolkit", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	server := exec.CommandContext(ctx, python, "server.py")
	server.Stderr = os.Stderr
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
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server says %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// provider starts the oauth2 provider as a process.
func provider(t *testing.T) *host.Client {
	t.Helper()
	started := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: host.Handshake(), VersionedPlugins: host.Plugins(), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, "humanconnect-provider-oauth2")), Stderr: io.Discard, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(started.Kill)
	protocol, err := started.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*host.Client)
}

func settings(server, secret string) sdk.Settings {
	return sdk.Settings{
		Values:  map[string]string{"client_id": "us", "endpoint_base": server},
		Secrets: map[string]sdk.Secret{"client_secret": sdk.Secret(secret)},
	}
}

// connector takes steps: the provider's process, or the SDK's engine.
type connector interface {
	Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error)
}

// connect does an attempt with a person who allows or denies.
func connect(t *testing.T, c connector, s sdk.Settings, allows bool) (sdk.Step, error) {
	t.Helper()
	req := &sdk.ConnectRequest{
		Source: source, Settings: s, AttemptID: "att_1", RedirectURI: redirectURI, OAuthState: state, Reply: sdk.Start{},
		FrontEnd: sdk.FrontEnd{Browser: true},
	}
	step, err := c.Connect(t.Context(), req)
	open, ok := step.(sdk.OpenURL)
	if !ok {
		t.Fatalf("%+v, %v", step, err)
	}
	back, err := visit(open.URL, allows)
	if err != nil || !strings.HasPrefix(back.String(), redirectURI+"?") {
		t.Fatalf("the browser ended at %v: %v", back, err)
	}
	var answer sdk.Callback
	for name, values := range back.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: name, Value: values[0]})
	}
	if answer.Get("state") != state {
		t.Errorf("the state is %q", answer.Get("state"))
	}
	req.Reply, req.Resume = answer, open.Resume
	return c.Connect(t.Context(), req)
}

func wants(t *testing.T, what string, err error, code sdk.Code, setting string) {
	t.Helper()
	if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != code || said.Setting != setting {
		t.Errorf("%s: %v, want %s %s", what, err, code, setting)
	}
}

// consentOf is when the consent ends, as the credential has it.
func consentOf(t *testing.T, c sdk.Credential) time.Time {
	t.Helper()
	var kept struct {
		ReconnectBy time.Time `json:"reconnect_by"`
	}
	if err := json.Unmarshal([]byte(c.Data.Reveal()), &kept); err != nil {
		t.Fatal(err)
	}
	return kept.ReconnectBy
}

func TestBlueButtonsLibraryConnectsRefreshesAndRevokes(t *testing.T) {
	server, p := startServer(t), provider(t)
	s := settings(server, "of-the-client")
	step, err := connect(t, p, s, true)
	connected, ok := step.(sdk.Connected)
	if !ok {
		t.Fatalf("%+v, %v", step, err)
	}
	if connected.Account.ID != patient || !slices.Contains(connected.Scopes, "patient/Coverage.rs") {
		t.Errorf("connected %+v with %v", connected.Account, connected.Scopes)
	}
	c := connected.Credential
	if left := time.Until(c.ExpiresAt); left < 9*time.Hour || left > 11*time.Hour {
		t.Errorf("the access token lasts %v", left)
	}
	if left := time.Until(consentOf(t, c)); left < 390*24*time.Hour || left > 396*24*time.Hour {
		t.Errorf("the consent lasts %v", left)
	}
	held := &sdk.CredentialRequest{Source: source, Settings: s, Account: connected.Account, Credential: c}
	if err := p.Check(t.Context(), held); err != nil {
		t.Errorf("check: %v", err)
	}
	refreshed, err := p.Refresh(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	old := *held
	held.Credential = refreshed.Credential
	if old.Credential.Data == held.Credential.Data {
		t.Error("nothing was rotated")
	}
	if err := p.Check(t.Context(), held); err != nil {
		t.Errorf("check after the refresh: %v", err)
	}
	_, err = p.Refresh(t.Context(), &old)
	wants(t, "the old refresh token", err, sdk.Revoked, "")
	again, err := p.Refresh(t.Context(), held)
	if err != nil {
		t.Fatalf("the new refresh token: %v", err)
	}
	held.Credential = again.Credential
	if err := p.Disconnect(t.Context(), held); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	wants(t, "check after the end", p.Check(t.Context(), held), sdk.Revoked, "")
	_, err = p.Refresh(t.Context(), held)
	wants(t, "refresh after the end", err, sdk.Revoked, "")
	if err := p.Disconnect(t.Context(), held); err != nil {
		t.Errorf("disconnecting again: %v", err)
	}
}

func TestRefusalsOfBlueButtonsLibraryHaveTheirCodes(t *testing.T) {
	server, p := startServer(t), provider(t)
	_, err := connect(t, p, settings(server, "of-the-client"), false)
	wants(t, "a person who denies", err, sdk.AccessDenied, "")
	_, err = connect(t, p, settings(server, "of-another-client"), true)
	wants(t, "a wrong secret", err, sdk.BadConfiguration, "client_secret")
	if err != nil && strings.Contains(err.Error(), "of-another-client") {
		t.Errorf("the secret is in %v", err)
	}
}

// The SDK's engine identifies the account by userinfo, and accepts the ID token of the library.
func TestBlueButtonsLibraryIdentifiesByUserinfo(t *testing.T) {
	base := startServer(t) + "/api.bluebutton.cms.gov/v2"
	s := &oauth2.Source{
		Endpoint: oauth2.Endpoint{AuthURL: base + "/o/authorize/", TokenURL: base + "/o/token/", RevocationURL: base + "/o/revoke_token/"},
		Scopes:   []string{"openid", "profile"},
		Account: func(ctx context.Context, client *http.Client, _ oauth2.Token) (sdk.Account, error) {
			var me struct{ Sub, Patient string }
			err := oauth2.Get(ctx, client, base+"/connect/userinfo", &me)
			return sdk.Account{ID: me.Sub, Label: me.Patient}, err
		},
	}
	step, err := connect(t, s, settings("", "of-the-client"), true)
	connected, ok := step.(sdk.Connected)
	if !ok || connected.Account != (sdk.Account{ID: "1", Label: patient}) {
		t.Fatalf("%+v, %v", step, err)
	}
	held := &sdk.CredentialRequest{Settings: settings("", "of-the-client"), Credential: connected.Credential}
	if err := s.Disconnect(t.Context(), held); err != nil {
		t.Error(err)
	}
	wants(t, "check after the end", s.Check(t.Context(), held), sdk.Revoked, "")
}
