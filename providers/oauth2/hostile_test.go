package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// offering is a provider of sources of a test.
func offering(t *testing.T, texts ...string) (*provider, *host.Client) {
	t.Helper()
	p := newProvider()
	shipped := p.load
	p.load = func(id string) (*catalog.Source, error) {
		for _, text := range texts {
			if s, err := catalog.Parse([]byte(text)); err != nil || s.ID == id {
				return s, err
			}
		}
		return shipped(id)
	}
	return p, providertest.Wire(t, p)
}

func whole(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func starts(t *testing.T, c *host.Client, source string, values map[string]string, typed map[string]sdk.Secret) (sdk.Step, error) {
	t.Helper()
	if values == nil {
		values = make(map[string]string)
	}
	values["client_id"] = clientID
	req := &sdk.ConnectRequest{
		Source: source, Settings: sdk.Settings{Values: values}, RedirectURI: redirectURI, OAuthState: oauthState, AttemptID: attemptID,
		Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Browser: true, Form: true},
	}
	step, err := c.Connect(t.Context(), req)
	if typed == nil || err != nil {
		return step, err
	}
	req.Resume, req.Reply = host.ResumeOf(step), sdk.FormValues{Values: typed}
	return c.Connect(t.Context(), req)
}

func TestWhatIsTypedNeverLeavesItsPlaceInAnAddress(t *testing.T) {
	_, c := offering(t, whole(t))
	for _, text := range []string{
		"", " ", ".", "..", "a/b", "a#", "a@b", "a:80", "a%2fb", `a\b`, "a.b", "evil.example/", "[::1]", "::1", "127.0.0.1", "bücher", "xn--a/",
		"a?b", "a b", "a\tb", "a\nb", "-a", "a-", strings.Repeat("a", 64), "a\u2044b", "a\uff0fb", "a{b}", "{client_id}",
	} {
		step, err := starts(t, c, "whole", nil, map[string]sdk.Secret{"region": sdk.Secret(text), "practice": "p"})
		if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.InvalidInput || said.Field != "region" {
			t.Errorf("region %q: %+v, %v", text, step, err)
		}
		_, err = starts(t, c, "whole", map[string]string{"region": text + "/", "practice": "p"}, nil)
		if codeOf(err) != sdk.BadConfiguration {
			t.Errorf("a setting %q: %v", text, err)
		}
	}
	for _, text := range []string{"", "..", ".", "a/..", "a/b", "a%2e", "a?b", "a#b", "a&b", "a;b", "a..b"} {
		if _, err := starts(t, c, "whole", nil, map[string]sdk.Secret{"region": "eu", "practice": sdk.Secret(text)}); codeOf(err) != sdk.InvalidInput {
			t.Errorf("practice %q: %v", text, err)
		}
	}
	step, err := starts(t, c, "whole", nil, map[string]sdk.Secret{"region": " EU-1 ", "practice": "Dr.Who_2-x"})
	open, ok := step.(sdk.OpenURL)
	if !ok || !strings.HasPrefix(open.URL, "https://eu-1.login.whole.example/authorize/Dr.Who_2-x?") {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestWholeURLThatIsTypedIsHTTPSAndNothingElse(t *testing.T) {
	_, c := offering(t)
	variant := func() map[string]string { return map[string]string{settingVariant: "self-hosted"} }
	for _, text := range []string{
		"", "server.example.org", "http://server.example.org", "ftp://server.example.org", "https://", "https:///path", "https://a@server.example.org",
		"https://server.example.org?x=1", "https://server.example.org/#f", "https://server.example.org/a/../b", `https://server.example.org\@evil.example`,
		"https://server.example.org/{client_id}", "javascript:alert(1)", "https://bücher.example", "https://server.example.org/a b",
	} {
		_, err := starts(t, c, "medplum", variant(), map[string]sdk.Secret{"base_url": sdk.Secret(text)})
		if codeOf(err) != sdk.InvalidInput {
			t.Errorf("%q: %v", text, err)
		}
	}
	step, err := starts(t, c, "medplum", variant(), map[string]sdk.Secret{"base_url": "https://Server.example.org:8443/fhir/"})
	if open, ok := step.(sdk.OpenURL); !ok || !strings.HasPrefix(open.URL, "https://server.example.org:8443/fhir/oauth2/authorize?") {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestSourceWithTypedAddressIsAskedAtPublicAddressesAlone(t *testing.T) {
	p, _ := offering(t)
	s, err := p.load("medplum")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := s.Variant("self-hosted")
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.bind(entry, "self-hosted", map[string]string{"base_url": "https://server.example.org"}, sdk.Settings{})
	if err != nil || c.transport.By != p.public {
		t.Errorf("it goes by %T, %v", c.transport.By, err)
	}
	set := sdk.Settings{Values: map[string]string{"base_url": "https://server.example.org"}}
	if c, err = p.bind(entry, "self-hosted", set.Values, set); err != nil || c.transport.By == p.public {
		t.Errorf("an operator's own address goes by %T, %v", c.transport.By, err)
	}
	other := map[string]string{"base_url": "https://typed.example.org"} // of a connection from before the setting
	if c, err = p.bind(entry, "self-hosted", other, set); err != nil || c.transport.By != p.public {
		t.Errorf("an address that was typed goes by %T, %v", c.transport.By, err)
	}
}

func TestTestServerIsOnLoopbackAlone(t *testing.T) {
	_, c := offering(t)
	for _, text := range []string{
		"http://server.example", "https://127.0.0.1:1", "http://10.0.0.1", "http://127.0.0.1@evil.example", "http://127.0.0.1.evil.example",
		"http://127.0.0.1:1?x", "127.0.0.1:1", "http://169.254.169.254", "http://[::ffff:10.0.0.1]:1",
	} {
		_, err := starts(t, c, "strava", map[string]string{settingBase: text}, nil)
		if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.BadConfiguration || said.Setting != settingBase {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSwitchesThatNoSourceNeedsTodayWork(t *testing.T) {
	_, c := offering(t, whole(t))
	var problems []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/eu.login.whole.example/token":
			var sent map[string]string
			if json.NewDecoder(r.Body).Decode(&sent) != nil || r.Header.Get("X-Client") != clientID {
				problems = append(problems, "no JSON, or no header")
			}
			if sent["grant_type"] == "authorization_code" && (sent["auth_code"] != "c" || sent["code"] != "") {
				problems = append(problems, "the code was not renamed")
			}
			_, _ = w.Write([]byte(`{"access_token":"a","refresh_token":"r","token_type":"BearerToken"}`))
		case "/api.whole.example/userinfo":
			_, _ = w.Write([]byte(`{"user":{"id":12345678901234567890,"first":" ","last":"","mail":"anna@example.org"}}`))
		case "/api.whole.example/revoke":
			_ = r.ParseForm()
			if r.PostForm.Get("client_secret") != clientSecret || r.Header.Get("Authorization") != "" {
				problems = append(problems, "the revocation authenticates in the header")
			}
		default:
			problems = append(problems, r.URL.Path)
		}
	}))
	defer server.Close()
	req := &sdk.ConnectRequest{
		Source: "whole", RedirectURI: redirectURI, OAuthState: oauthState, Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Browser: true},
		Settings: sdk.Settings{
			Values:  map[string]string{"client_id": clientID, settingBase: server.URL, "region": "eu", "practice": "p"},
			Secrets: map[string]sdk.Secret{"client_secret": clientSecret},
		},
	}
	step, err := c.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	req.Resume, req.Reply = host.ResumeOf(step), sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}
	step, err = c.Connect(t.Context(), req)
	connected, ok := step.(sdk.Connected)
	if !ok || connected.Account != (sdk.Account{ID: "12345678901234567890", Label: "anna@example.org"}) {
		t.Fatalf("%+v, %v", step, err)
	}
	held := &sdk.CredentialRequest{Source: "whole", Settings: req.Settings, Account: connected.Account, Credential: connected.Credential}
	refreshed, err := c.Refresh(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	held.Credential = refreshed.Credential
	if err := errors.Join(c.Check(t.Context(), held), c.Disconnect(t.Context(), held)); err != nil {
		t.Error(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

func TestConnectionKeepsItsVariantAndItsTokenEndpoint(t *testing.T) {
	v := newVendor(t, factsOf(t, "oura", "legacy"), nil)
	p := newProvider()
	c := providertest.Wire(t, p)
	j := newJourney(t, c, v, "oura", "legacy")
	connected := j.connect()
	held := j.holds(connected.Credential, connected.Account)
	delete(held.Settings.Values, settingVariant) // the operator goes to the new portal
	shipped := p.load
	p.load = func(id string) (*catalog.Source, error) { // and a later catalogue has another address
		data, err := os.ReadFile("catalog/" + id + ".yaml")
		if err != nil {
			return shipped(id)
		}
		return catalog.Parse([]byte(strings.ReplaceAll(string(data), "https://api.ouraring.com/oauth/token", "https://moved.example.org/token")))
	}
	refreshed, err := c.Refresh(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	held.Credential = refreshed.Credential
	if refreshed, err = c.Refresh(t.Context(), held); err != nil {
		t.Fatalf("the second refresh: %v", err)
	}
	held.Credential = refreshed.Credential
	if err := c.Disconnect(t.Context(), held); err != nil || !v.revoked {
		t.Errorf("disconnect: %v", err)
	}
	for _, problem := range v.problems {
		t.Error(problem)
	}
}

func TestExpiredAccessIsRenewedBeforeItIsRevoked(t *testing.T) {
	v := newVendor(t, factsOf(t, "whoop", ""), nil)
	j := newJourney(t, providertest.Wire(t, newProvider()), v, "whoop", "")
	connected := j.connect()
	held := j.holds(connected.Credential, connected.Account)
	held.Credential.ExpiresAt = time.Now().Add(-time.Minute)
	v.access = "another one by now"
	if err := j.c.Disconnect(t.Context(), held); err != nil || !v.revoked {
		t.Errorf("disconnect: %v, revoked %v", err, v.revoked)
	}
	held.Credential.ExpiresAt = time.Now().Add(-time.Minute)
	if err := j.c.Disconnect(t.Context(), held); err != nil {
		t.Errorf("a grant that is gone: %v", err)
	}
}

func TestBadAnswersHaveTheirCodesWithinTheirLimits(t *testing.T) {
	huge := `{"access_token":"` + strings.Repeat("x", 10<<20) + `"}`
	serve := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		code    sdk.Code
	}{
		"a page":          {serve(200, "<html><body>log in"), sdk.SourceError},
		"10 MB":           {serve(200, huge), sdk.SourceError},
		"nothing":         {serve(200, ""), sdk.SourceError},
		"a list":          {serve(200, `["access_token"]`), sdk.SourceError},
		"a number":        {serve(200, `{"access_token":7}`), sdk.SourceError},
		"null":            {serve(200, `null`), sdk.SourceError},
		"a name twice":    {serve(200, `{"access_token":"a","access_token":"b"}`), sdk.SourceError},
		"no token":        {serve(200, `{"token_type":"bearer"}`), sdk.SourceError},
		"not implemented": {serve(501, "no"), sdk.SourceUnavailable},
		"too often":       {serve(429, "<html>"), sdk.RateLimited},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
		}, sdk.SourceError},
		"a break": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"access_token":"a`))
		}, sdk.SourceUnavailable},
		"terminal text": {serve(400, "{\"error\":\"\\u001b]0;x\\u0007\",\"error_description\":\"\\u001b[31m\"}"), sdk.SourceError},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			for _, source := range []string{"suunto", "withings", "coros", "ihealth", "huawei-health"} {
				c := providertest.Wire(t, newProvider())
				j := newJourney(t, c, &vendor{Server: server}, source, "")
				if _, err := j.reply(sdk.Start{}); err != nil {
					t.Fatal(err)
				}
				_, err := j.reply(sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "a-code-to-be-kept"}}})
				if codeOf(err) != tt.code {
					t.Errorf("%s: %v, want %s", source, err, tt.code)
				}
				if err != nil && (strings.Contains(err.Error(), "a-code-to-be-kept") || strings.ContainsAny(err.Error(), "\x1b\x07")) {
					t.Errorf("%s: the message repeats what was sent: %v", source, err)
				}
			}
		})
	}
}

func TestBadAnswersAboutTheAccountHaveTheirCodes(t *testing.T) {
	for body, want := range map[string]sdk.Code{
		"<html>": sdk.SourceError, "": sdk.SourceError, "[]": sdk.SourceError, `{"user_id":null}`: sdk.SourceError, `{"user_id":{}}`: sdk.SourceError,
		`{"user_id":""}`: sdk.SourceError, strings.Repeat(" ", 2<<20): sdk.SourceError, "\ufeff" + `{"user_id":7}`: "",
	} {
		v := newVendor(t, factsOf(t, "whoop", ""), nil)
		v.recorded = &recorded{At: "account", Status: 200, Body: body}
		j := newJourney(t, providertest.Wire(t, newProvider()), v, "whoop", "")
		_, err := j.tries()
		if codeOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%.20q: %v, want %q", body, err, want)
		}
		if want != "" && !v.revoked {
			t.Errorf("%.20q: the grant was not given back", body)
		}
	}
}

func TestSourceThatDripsIsGivenUpInTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}))
	defer server.Close()
	p := newProvider()
	s, err := p.load("whoop")
	if err != nil {
		t.Fatal(err)
	}
	held := &sdk.CredentialRequest{
		Source: "whoop", Settings: sdk.Settings{Values: map[string]string{"client_id": clientID, settingBase: server.URL}},
		Credential: sdk.Credential{Data: `{"access_token":"a","server":"https://api.prod.whoop.com"}`, MediaType: sdk.MediaTypeOAuth2},
	}
	began := time.Now()
	if err := p.Check(ctx, held); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v", s.ID, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestServerWithAnotherCertificateIsNotAsked(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshake that fails
	server.StartTLS()
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, c := offering(t, strings.NewReplacer("https://{region}.login.whole.example", "https://"+u.Host, "{practice}", "p").Replace(whole(t)))
	_, err = c.Refresh(t.Context(), &sdk.CredentialRequest{
		Source: "whole", Settings: sdk.Settings{Values: map[string]string{"client_id": clientID, "region": "eu", "practice": "p"}},
		Credential: sdk.Credential{Data: sdk.Secret(`{"access_token":"a","refresh_token":"r","server":"` + server.URL + `"}`), MediaType: sdk.MediaTypeOAuth2},
	})
	if codeOf(err) != sdk.SourceUnavailable {
		t.Errorf("got %v", err)
	}
}
