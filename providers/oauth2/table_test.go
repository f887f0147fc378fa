package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// TestMain makes the test binary the provider itself where a host starts it.
func TestMain(m *testing.M) {
	handshake := host.Handshake()
	if os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		main()
		return
	}
	os.Exit(m.Run())
}

// process starts the provider as a process.
func process(t *testing.T) *host.Client {
	t.Helper()
	started := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: host.Handshake(), VersionedPlugins: host.Plugins(), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd: exec.Command(os.Args[0]), Stderr: io.Discard, Logger: hclog.NewNullLogger(),
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

// journey is the life of one connection.
type journey struct {
	t *testing.T
	c *host.Client
	v *vendor
	// request of each step.
	request sdk.ConnectRequest
}

func newJourney(t *testing.T, c *host.Client, v *vendor, id, variant string) *journey {
	t.Helper()
	settings := sdk.Settings{
		Values:  map[string]string{"client_id": clientID, settingBase: v.URL},
		Secrets: map[string]sdk.Secret{"client_secret": clientSecret},
	}
	if variant != "" {
		settings.Values[settingVariant] = variant
	}
	return &journey{t: t, c: c, v: v, request: sdk.ConnectRequest{
		Source: id, Settings: settings, AttemptID: attemptID, RedirectURI: redirectURI, OAuthState: oauthState,
		FrontEnd: sdk.FrontEnd{Browser: true, Form: true},
	}}
}

func (j *journey) reply(reply sdk.Reply) (sdk.Step, error) {
	j.t.Helper()
	j.request.Reply = reply
	step, err := j.c.Connect(j.t.Context(), &j.request)
	if err == nil {
		j.request.Resume = host.ResumeOf(step)
	}
	return step, err
}

// browse follows an address to the redirect URI, and returns the authorization response.
func (j *journey) browse(address string) sdk.Callback {
	j.t.Helper()
	request, err := http.NewRequestWithContext(j.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		j.t.Fatal(err)
	}
	request.Header.Set("User-Agent", "browser")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(request)
	if err != nil {
		j.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		j.t.Fatalf("%s answered %d (%v): %q", address, resp.StatusCode, err, j.v.problems)
	}
	var answer sdk.Callback
	for name, values := range back.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: name, Value: values[0]})
	}
	return answer
}

func (j *journey) connect() sdk.Connected {
	j.t.Helper()
	step, err := j.reply(sdk.Start{})
	if form, ok := step.(sdk.Form); ok {
		values := make(map[string]sdk.Secret)
		for _, field := range form.Fields {
			values[field.ID] = sdk.Secret(j.v.inputs[field.ID])
		}
		step, err = j.reply(sdk.FormValues{Values: values})
	}
	open, ok := step.(sdk.OpenURL)
	if !ok {
		j.t.Fatalf("step %+v, %v", step, err)
	}
	step, err = j.reply(j.browse(open.URL))
	connected, ok := step.(sdk.Connected)
	if !ok {
		j.t.Fatalf("step %+v, %v; %q", step, err, j.v.problems)
	}
	return connected
}

func (j *journey) holds(credential sdk.Credential, account sdk.Account) *sdk.CredentialRequest {
	return &sdk.CredentialRequest{Source: j.request.Source, Settings: j.request.Settings, Credential: credential, Account: account}
}

func codeOf(err error) sdk.Code {
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// typedInputs are what a person types for inputs of the catalogue.
func typedInputs(s *catalog.Source) map[string]string {
	out := make(map[string]string)
	for _, field := range s.Describe().Fields {
		out[field.ID] = "one-label"
		if field.Kind == sdk.KindURL {
			out[field.ID] = "https://server.example.org/below"
		}
	}
	return out
}

func TestEverySourceConnectsRefreshesAndEndsAsItsDataSays(t *testing.T) {
	c := process(t)
	described, err := c.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range described.Sources {
		s, err := catalog.Load(source.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range append([]string{""}, choices(source)...) {
			t.Run(strings.TrimSuffix(source.ID+"/"+variant, "/"), func(t *testing.T) {
				f := factsOf(t, source.ID, variant)
				v := newVendor(t, f, typedInputs(s))
				j := newJourney(t, c, v, source.ID, variant)
				if f.at("programme").text("status") == "retired" {
					if _, err := j.reply(sdk.Start{}); codeOf(err) != sdk.NotSupported {
						t.Errorf("a retired source answered %v", err)
					}
					return
				}
				j.live(source)
				for _, problem := range v.problems {
					t.Error(problem)
				}
			})
		}
	}
}

func choices(source sdk.Source) (names []string) {
	for _, f := range source.Settings {
		if f.ID == settingVariant {
			for _, c := range f.Choices {
				names = append(names, c.Value)
			}
		}
	}
	return names
}

// live goes through the life of a connection.
func (j *journey) live(source sdk.Source) {
	j.t.Helper()
	t, v, f := j.t, j.v, j.v.facts
	connected := j.connect()
	v.expects(t, connected)
	held := j.holds(connected.Credential, connected.Account)
	j.checks(held, "")
	if f.at("refresh").text("refresh_token") == "never" {
		if _, err := j.c.Refresh(t.Context(), held); codeOf(err) != sdk.NotSupported {
			t.Errorf("refresh without a refresh token: %v", err)
		}
	} else {
		held = j.refreshes(held, connected)
	}
	hasRevocation := f["revocation"] != nil || f["revocation_endpoint"] != nil || f["issuer"] != nil
	err := j.c.Disconnect(t.Context(), held)
	switch {
	case !hasRevocation:
		if codeOf(err) != sdk.NotSupported {
			t.Errorf("disconnect without a revocation: %v", err)
		}
	case err != nil || !v.revoked:
		t.Errorf("disconnect: %v, revoked %v", err, v.revoked)
	default:
		j.checks(held, sdk.Revoked)
		if f.at("refresh").text("refresh_token") != "never" {
			if _, err := j.c.Refresh(t.Context(), held); codeOf(err) != sdk.Revoked || strings.Contains(err.Error(), v.refresh) {
				t.Errorf("refresh after the end: %v", err)
			}
		}
	}
	for name, has := range map[sdk.Capability]bool{
		sdk.CapabilityRevoke: hasRevocation, sdk.CapabilityRefresh: f.at("refresh").text("refresh_token") != "never",
	} {
		if has && !slices.Contains(source.Capabilities, name) {
			t.Errorf("%s is not among the capabilities %q", name, source.Capabilities)
		}
	}
}

// expects compares a connection with what the vendor granted.
func (v *vendor) expects(t *testing.T, c sdk.Connected) {
	t.Helper()
	want := accountNumber
	if v.facts.at("account").text("from") == "nothing" {
		want = ""
	}
	if authority := v.facts.at("account").text("authority"); authority != "" {
		want = authority + "|" + want
	}
	if c.Account.ID != want {
		t.Errorf("the account is %q, want %q", c.Account.ID, want)
	}
	scopes := v.scopes
	if v.facts.at("granted_scopes").text("from") == "endpoint" {
		scopes = []string{"GRANTED_ONE", "GRANTED_TWO"}
	}
	if !slices.Equal(c.Scopes, scopes) {
		t.Errorf("the scopes are %q, want %q", c.Scopes, scopes)
	}
	if left := time.Until(c.Credential.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		t.Errorf("the access expires in %v", left)
	}
	if v.facts["after_connect"] != nil && !v.registered {
		t.Error("the call after connecting was not made")
	}
	var have map[string]any
	if err := json.Unmarshal([]byte(c.Credential.Data.Reveal()), &have); err != nil || have["access_token"] != v.access || c.Credential.MediaType != sdk.MediaTypeOAuth2 {
		t.Errorf("the credential is not that of the vendor (%v)", err)
	}
	if v.facts.at("token_response").text("consent_expires_at") != "" && have["reconnect_by"] != "2099-09-05T19:17:53Z" {
		t.Errorf("reconnect by %v", have["reconnect_by"])
	}
}

// checks asks whether a credential works, where the source can be asked.
func (j *journey) checks(held *sdk.CredentialRequest, want sdk.Code) {
	j.t.Helper()
	from := j.v.facts.at("account").text("from")
	err := j.c.Check(j.t.Context(), held)
	if j.v.facts["check"] == nil && from != "endpoint" && from != "userinfo" {
		if codeOf(err) != sdk.NotSupported {
			j.t.Errorf("check of a source that cannot be checked: %v", err)
		}
		return
	}
	if (err == nil) != (want == "") || codeOf(err) != want {
		j.t.Errorf("check: %v, want %q", err, want)
	}
}

// refreshes renews a credential, and checks that the old refresh token is no longer accepted where the source rotates.
func (j *journey) refreshes(held *sdk.CredentialRequest, connected sdk.Connected) *sdk.CredentialRequest {
	j.t.Helper()
	old := j.v.access
	refreshed, err := j.c.Refresh(j.t.Context(), held)
	if err != nil {
		j.t.Fatalf("refresh: %v; %q", err, j.v.problems)
	}
	if j.v.facts.at("refresh").text("extends") != "true" && j.v.access == old {
		j.t.Error("nothing was refreshed")
	}
	if left := time.Until(refreshed.Credential.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		j.t.Errorf("the renewed access expires in %v", left)
	}
	if !slices.Equal(refreshed.Scopes, connected.Scopes) {
		j.t.Errorf("the scopes became %q", refreshed.Scopes)
	}
	var have map[string]any
	if err := json.Unmarshal([]byte(refreshed.Credential.Data.Reveal()), &have); err != nil || have["access_token"] != j.v.access || have["refresh_token"] != j.v.refresh {
		j.t.Errorf("the renewed credential is not that of the vendor (%v)", err)
	}
	if end, _ := have["reconnect_by"].(string); (end == "") != refreshed.Credential.ReconnectBy.IsZero() || end != "" && refreshed.Credential.ReconnectBy.Format(time.RFC3339) != end {
		j.t.Errorf("core gets reconnect by %v, and not %s", refreshed.Credential.ReconnectBy, end)
	}
	if j.v.facts.at("refresh").text("rotation") == "yes" {
		if _, err := j.c.Refresh(j.t.Context(), held); codeOf(err) != sdk.Revoked {
			j.t.Errorf("a refresh token that was used: %v", err)
		}
	}
	renewed := j.holds(refreshed.Credential, connected.Account)
	j.checks(renewed, "")
	return renewed
}
