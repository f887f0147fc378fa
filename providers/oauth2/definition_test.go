package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func all(text string) *sdk.Definition { return &sdk.Definition{JSON: []byte(text)} }

func onlyNew(text string) *sdk.Definition { return &sdk.Definition{JSON: []byte(text), NewOnly: true} }

// keptOf is what a credential has beside its tokens.
func keptOf(t *testing.T, c sdk.Credential) kept {
	t.Helper()
	var out kept
	if err := json.Unmarshal([]byte(c.Data.Reveal()), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	ouraToken  = "https://moi.ouraring.com/oauth/v2/ext/oauth-token"
	movedToken = "https://moved.example.org/token"
	moved      = `{"token_endpoint": "` + movedToken + `"}`
)

// life is one connection that is refreshed by and by.
type life struct {
	*journey
	held *sdk.CredentialRequest
}

func (v *vendor) lives(t *testing.T, c *host.Client, id string, by *sdk.Definition) *life {
	t.Helper()
	j := newJourney(t, c, v, id, "")
	j.request.Definition = by
	connected := j.connect()
	return &life{j, j.holds(connected.Credential, connected.Account)}
}

// refreshesAt refreshes with a definition, at a server that is at this address alone.
func (l *life) refreshesAt(endpoint string, by *sdk.Definition) {
	l.t.Helper()
	l.v.mu.Lock()
	l.v.facts["token_endpoint"] = endpoint
	l.v.mu.Unlock()
	l.held.Definition = by
	refreshed, err := l.c.Refresh(l.t.Context(), l.held)
	if err != nil {
		l.t.Fatalf("not refreshed at %s: %v", endpoint, err)
	}
	l.held.Credential = refreshed.Credential
	if at := keptOf(l.t, refreshed.Credential).TokenEndpoint; at != endpoint {
		l.t.Errorf("it keeps %s, want %s", at, endpoint)
	}
}

// TestDefinitionStandsBeforeThePinUnlessItIsForNewConnections: what the operator says of an endpoint counts, and what a
// catalogue says does not.
func TestDefinitionStandsBeforeThePinUnlessItIsForNewConnections(t *testing.T) {
	c := providertest.Wire(t, newProvider())
	start := func(by *sdk.Definition, endpoint string) *life {
		v := newVendor(t, factsOf(t, "oura", ""), nil)
		v.facts["token_endpoint"] = endpoint
		return v.lives(t, c, "oura", by)
	}
	t.Run("all", func(t *testing.T) {
		l := start(nil, ouraToken)
		l.refreshesAt(ouraToken, all(`{"name": "Renamed"}`)) // says nothing of it
		l.refreshesAt(movedToken, all(moved))
		l.refreshesAt(movedToken, nil) // its tokens are of the new server now
		l.refreshesAt(ouraToken, all(`{"token_endpoint": "`+ouraToken+`"}`))
	})
	t.Run("new", func(t *testing.T) {
		l := start(nil, ouraToken)
		l.refreshesAt(ouraToken, onlyNew(moved))
		l.refreshesAt(ouraToken, onlyNew(moved)) // nor does a refresh make it one of the definition
		l.refreshesAt(movedToken, all(moved))
	})
	t.Run("made with it", func(t *testing.T) {
		l := start(onlyNew(moved), movedToken)
		l.refreshesAt(movedToken, onlyNew(moved))
		l.refreshesAt(movedToken, onlyNew(`{"token_endpoint": "https://third.example.org/token"}`))
		l.refreshesAt(movedToken, nil)
	})
	t.Run("a variant of it", func(t *testing.T) {
		l := start(nil, ouraToken)
		l.refreshesAt(ouraToken, all(`{"variants": {"legacy": {"token_endpoint": "`+movedToken+`"}}}`))
	})
}

func TestConnectionRemembersItsDefinition(t *testing.T) {
	c := providertest.Wire(t, newProvider())
	v := newVendor(t, factsOf(t, "oura", ""), nil)
	l := v.lives(t, c, "oura", onlyNew(`{"notes": ["x"]}`))
	first := keptOf(t, l.held.Credential).Definition
	l.refreshesAt(ouraToken, onlyNew(`{"notes": ["y"]}`))
	if second := keptOf(t, l.held.Credential).Definition; first == "" || second != first {
		t.Errorf("it remembers %q, then %q", first, second)
	}
	l.refreshesAt(ouraToken, all(`{"notes": ["y"]}`))
	if third := keptOf(t, l.held.Credential).Definition; third == "" || third == first {
		t.Errorf("with another one for all it remembers %q", third)
	}
}

// TestLaterCatalogueSendsNoCredentialToANewHost: every address of the source has moved.
func TestLaterCatalogueSendsNoCredentialToANewHost(t *testing.T) {
	v := newVendor(t, factsOf(t, "oura", ""), nil)
	p := newProvider()
	c := providertest.Wire(t, p)
	l := v.lives(t, c, "oura", nil)
	shipped := p.load
	p.load = func(id string) (*catalog.Source, error) {
		data, err := os.ReadFile("catalog/" + id + ".yaml")
		if err != nil {
			return shipped(id)
		}
		return catalog.Parse([]byte(strings.ReplaceAll(string(data), ".ouraring.com", ".moved.example.org")))
	}
	l.refreshesAt(ouraToken, nil)
	l.refreshesAt(ouraToken, nil)
	if err := c.Check(t.Context(), l.held); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := c.Disconnect(t.Context(), l.held); err != nil || !v.revoked {
		t.Errorf("disconnect: %v, revoked %v", err, v.revoked)
	}
	for _, problem := range v.problems {
		t.Error(problem)
	}
}

func TestDefinitionThatChangesInAnAttemptEndsIt(t *testing.T) {
	c := providertest.Wire(t, newProvider())
	v := newVendor(t, factsOf(t, "oura", ""), nil)
	j := newJourney(t, c, v, "oura", "")
	step, err := j.reply(sdk.Start{})
	open, ok := step.(sdk.OpenURL)
	if !ok {
		t.Fatalf("%+v, %v", step, err)
	}
	answer := j.browse(open.URL)
	j.request.Definition = all(moved)
	if _, err := j.reply(answer); codeOf(err) != sdk.AttemptExpired {
		t.Errorf("%v", err)
	}
}

func describes(t *testing.T, c *host.Client, id string, by *sdk.Definition) (*sdk.Description, error) {
	t.Helper()
	return c.DescribeSource(t.Context(), &sdk.DescribeRequest{Source: id, Definition: by})
}

func TestSourceIsDescribedAsItIsDefined(t *testing.T) {
	c := providertest.Wire(t, newProvider())
	whole, err := c.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(whole.Sources, func(s sdk.Source) bool { return s.ID == "oura" })
	one, err := describes(t, c, "oura", nil)
	if err != nil || len(one.Sources) != 1 || one.DefinitionSchema != whole.DefinitionSchema || one.DefinitionSchema == "" {
		t.Fatalf("%+v, %v", one, err)
	}
	if diff := cmp.Diff(whole.Sources[at], one.Sources[0]); diff != "" {
		t.Error(diff)
	}
	none, err := describes(t, c, "ours", nil)
	if err != nil || len(none.Sources) != 0 || !strings.Contains(none.DefinitionSchema, `"required":["name","group"`) || none.DefinitionSchema == one.DefinitionSchema {
		t.Errorf("an unknown source is %+v, %v", none, err)
	}
	over, err := describes(t, c, "oura", all(moved))
	if err != nil || len(over.Sources) != 1 || !slices.Contains(over.Sources[0].Hosts, "moved.example.org") {
		t.Errorf("%+v, %v", over, err)
	}
	// Connections of before still need what they needed.
	bare := `{"authorization_endpoint": "https://a.example/a", "token_endpoint": "https://a.example/t", "account": {"from": "nothing"}, "revocation": null, ` +
		`"revocation_endpoint": null, "check": null, "refresh": {"refresh_token": "never"}, "variants": null}`
	for _, row := range []struct {
		by    *sdk.Definition
		hosts bool
		can   int
	}{{all(bare), false, 0}, {onlyNew(bare), true, 3}} {
		d, err := describes(t, c, "oura", row.by)
		if err != nil {
			t.Fatal(err)
		}
		s := d.Sources[0]
		variant := slices.ContainsFunc(s.Settings, func(f sdk.Field) bool { return f.ID == settingVariant })
		if slices.Contains(s.Hosts, "moi.ouraring.com") != row.hosts || len(s.Capabilities) != row.can || variant != row.hosts || s.Hosts[0] != "a.example" {
			t.Errorf("new connections only: %v: %+v", row.by.NewOnly, s)
		}
	}
	own := `{"name": "Ours", "group": "Own", "issuer": "http://127.0.0.1:8778", "token_endpoint_auth_method": "none", "account": {"from": "id_token", "id": "sub"}}`
	ours, err := describes(t, c, "ours", all(own))
	if err != nil || len(ours.Sources) != 1 || ours.Sources[0].ID != "ours" || ours.Sources[0].Name != "Ours" || !slices.Equal(ours.Sources[0].Hosts, []string{"127.0.0.1:8778"}) {
		t.Errorf("%+v, %v", ours, err)
	}
	_, err = describes(t, c, "oura", all(`{"account": {"url": "https://{region}.a.example/"}}`))
	if codeOf(err) != sdk.BadConfiguration || err.(*sdk.Error).Setting != "/account/url" { //nolint:errorlint // the code is an *sdk.Error's
		t.Errorf("%v", err)
	}
}

// TestPlainHTTPIsForTheHostsOfADefinition: the metadata of a server on loopback may name another one.
func TestPlainHTTPIsForTheHostsOfADefinition(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"issuer": server.URL, "authorization_endpoint": server.URL + "/a", "token_endpoint": other.URL + "/t"})
	}))
	defer server.Close()
	c := providertest.Wire(t, newProvider())
	req := &sdk.ConnectRequest{
		Source: "ours", Settings: sdk.Settings{Values: map[string]string{"client_id": clientID}}, RedirectURI: redirectURI, OAuthState: oauthState,
		AttemptID: attemptID, Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Browser: true},
		Definition: all(`{"name": "Ours", "group": "Own", "issuer": "` + server.URL + `", "token_endpoint_auth_method": "none", "account": {"from": "nothing"}}`),
	}
	step, err := c.Connect(t.Context(), req)
	open, ok := step.(sdk.OpenURL)
	if !ok || !strings.HasPrefix(open.URL, server.URL+"/a?") {
		t.Fatalf("%+v, %v", step, err)
	}
	req.Resume, req.Reply = open.Resume, sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}, {Name: "state", Value: oauthState}}}
	if _, err := c.Connect(t.Context(), req); codeOf(err) != sdk.SourceUnavailable || asked {
		t.Errorf("%v; the other server was asked: %v", err, asked)
	}
}
