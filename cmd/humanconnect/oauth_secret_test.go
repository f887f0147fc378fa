package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/event"
)

// opensPolar connects a shipped source whose authorization server is the place's, that is zitadel/oidc.
func (p *authorizedPlace) opensPolar(secret string) (response event.Response, heard *said) {
	p.t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth.polar.com/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/oauth/token"
		p.authority.ServeHTTP(w, r)
	})
	vendor := httptest.NewServer(mux)
	defer vendor.Close()
	p.write("secret", secret)
	p.write("config.yaml", fmt.Sprintf(`version: 1
clientId: demo
sources:
  - id: polar
    clientId: sandbox-confidential
    clientSecret: { file: secret }
    settings: { endpoint_base: %q }
`, vendor.URL))
	cmd := p.command("", "open", "--token", "@"+p.token("ada"), "--connect", "polar", "--no-browser")
	heard = new(said)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, heard
	typed := starts(p.t, cmd, false)
	shown, err := url.Parse(addressIn(p.t, heard))
	if err != nil {
		p.t.Fatal(err)
	}
	query := shown.Query()
	query.Set("scope", "openid activity:read")
	if _, err := fmt.Fprintln(typed, p.consents(p.server+"/authorize?"+query.Encode(), "none")); err != nil {
		p.t.Fatal(err)
	}
	_ = cmd.Wait() // the response says how it ended
	if err := json.Unmarshal(out.Bytes(), &response); err != nil {
		p.t.Fatalf("%v\n%s\n%s", err, out.String(), heard.String())
	}
	if strings.Contains(heard.String()+out.String(), secret) {
		p.t.Error("the secret is shown")
	}
	return response, heard
}

func TestWrongClientSecretIsReportedWithItsSettingAndThePageOfTheVendor(t *testing.T) {
	t.Parallel()
	if r, heard := newAuthorizedPlace(t).opensPolar("sandbox-secret"); len(r.Failures) > 0 || len(r.CurrentConnections) != 1 {
		t.Fatalf("with the right secret: %+v\n%s", r.Failures, heard.String())
	}
	const page = "https://www.polar.com/accesslink-api"
	r, heard := newAuthorizedPlace(t).opensPolar("a-secret-of-before")
	if len(r.Failures) != 1 {
		t.Fatalf("%+v\n%s", r, heard.String())
	}
	f := r.Failures[0]
	if f.Code != "bad_configuration" || f.Source.ID != "polar" || f.Setting != "client_secret" || f.DocumentationURL != page || f.Retryable {
		t.Errorf("%+v", f)
	}
	for _, line := range []string{ // no source is named where standard error may be a log
		"warning: a setting of the source is wrong; failures in the response names the source, and its page [bad_configuration]",
		"hint: set it in the config file: sources: [{id: …, clientSecret: …}]",
	} {
		if !strings.Contains(heard.String(), line) {
			t.Errorf("%q is not in\n%s", line, heard.String())
		}
	}
}
