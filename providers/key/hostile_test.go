package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// theKey is a secret that no error, label or account may have.
const theKey = "reader-0123456789abcdef"

// leaks says whether an error has what was typed.
func leaks(err error) bool {
	return err != nil && (strings.Contains(err.Error(), theKey) || strings.ContainsAny(err.Error(), "\x1b\x07\n"))
}

func TestAddressThatIsTypedIsHTTPSAndNothingElse(t *testing.T) {
	_, c := offering(t)
	for _, text := range []string{
		"", " ", "ns.example.org", "http://ns.example.org", "ftp://ns.example.org", "https://", "https:///x", "https://a@ns.example.org",
		"https://ns.example.org?token=x", "https://ns.example.org/#x", "https://ns.example.org/a/../b", "https://ns.example.org/%2e%2e", `https://ns.example.org\@evil.example`,
		"https://ns.example.org/{token}", "javascript:alert(1)", "https://bücher.example", "https://ns.example.org/a b", "https://ns.example.org\x00", "https://ns\u202e.example",
		"https://" + strings.Repeat("a", 5000), "https://[::1", "https://ns.example.org:port",
	} {
		_, err := connects(t, c, "nightscout", sdk.Settings{}, map[string]string{"url": text, "token": theKey})
		if said := refusal(err); said.Code != sdk.InvalidInput || said.Field != "url" || leaks(err) {
			t.Errorf("%.60q: %+v", text, said)
		}
	}
}

func TestAddressThatIsNotPublicIsAWrongInputAndIsNotReached(t *testing.T) {
	var reached atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	_, c := offering(t)
	for _, host := range []string{"127.0.0.1:" + port, "localhost:" + port, "127.1.2.3:" + port, "10.1.2.3", "192.168.1.1", "169.254.169.254", "[::1]:" + port, "[fd00:ec2::254]", "0.0.0.0:" + port, "[::ffff:127.0.0.1]:" + port} {
		typed := map[string]string{"url": "https://" + host, "token": theKey}
		_, err := connects(t, c, "nightscout", sdk.Settings{}, typed)
		if said := refusal(err); said.Code != sdk.InvalidInput || said.Field != "url" || !strings.Contains(said.Message, "not a public one") {
			t.Errorf("%s: %+v", host, said)
		}
		held := &sdk.CredentialRequest{Source: "nightscout", Credential: sdk.Credential{
			MediaType: sdk.MediaTypeFields, Data: sdk.Secret(`{"url":"https://` + host + `","token":"` + theKey + `"}`),
		}}
		if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceError || said.Retryable {
			t.Errorf("%s, of a connection from before: %+v", host, said)
		}
	}
	if reached.Load() {
		t.Error("the server was reached")
	}
}

// site is a Nightscout on loopback, without encryption.
func site(t *testing.T, answer http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func reader(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"sub":"reader"}`)) }

func TestOperatorAllowsAnAddressByListingOrBySettingIt(t *testing.T) {
	_, c := offering(t)
	address := site(t, reader)
	host := strings.TrimPrefix(address, "http://")
	allowing := func(text string) sdk.Settings {
		return sdk.Settings{Values: map[string]string{endpoint.SettingAllowedHosts: text}}
	}
	typed := map[string]string{"url": address + "/", "token": theKey}
	connected, err := connects(t, c, "nightscout", allowing(address), typed)
	if err != nil || connected.Account.ID != address+"|reader" {
		t.Fatalf("%+v, %v", connected.Account, err)
	}
	held := &sdk.CredentialRequest{Source: "nightscout", Settings: allowing(address), Credential: connected.Credential}
	if err := c.Check(t.Context(), held); err != nil {
		t.Error(err)
	}
	held.Settings = sdk.Settings{} // the operator takes the exception back
	if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceError {
		t.Errorf("without the exception: %+v", said)
	}
	for _, list := range []string{host, "127.0.0.1", "http://127.0.0.1:1", "http://localhost"} {
		if _, err := connects(t, c, "nightscout", allowing(list), typed); refusal(err).Field != "url" {
			t.Errorf("%s: %v", list, err)
		}
	}
	if _, err := connects(t, c, "nightscout", allowing("https://a@b"), typed); refusal(err).Setting != endpoint.SettingAllowedHosts {
		t.Errorf("a list that cannot be read: %v", err)
	}
	own := sdk.Settings{Values: map[string]string{"url": address}}
	if _, err := connects(t, c, "nightscout", own, map[string]string{"token": theKey}); err != nil {
		t.Errorf("an address of the operator's own: %v", err)
	}
	own = sdk.Settings{Values: map[string]string{"url": "http://127.0.0.1:1"}}
	held.Settings = own
	if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceError {
		t.Errorf("another address than the operator's own: %+v", said)
	}
}

func TestAddressOfTheOperatorAllowsNoOtherOne(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(reader))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshake that fails
	server.StartTLS()
	defer server.Close()
	plain := site(t, reader)
	_, c := offering(t)
	for own, other := range map[string]string{plain: plain + "/below", server.URL: server.URL + "/below"} {
		held := &sdk.CredentialRequest{
			Source: "nightscout", Settings: sdk.Settings{Values: map[string]string{"url": own}},
			Credential: sdk.Credential{MediaType: sdk.MediaTypeFields, Data: sdk.Secret(`{"url":"` + other + `","token":"` + theKey + `"}`)},
		}
		if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceError {
			t.Errorf("%s: %+v", other, said)
		}
	}
}

func TestWhatASettingHasWrongIsABadConfiguration(t *testing.T) {
	_, c := offering(t)
	address := site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	for name, tt := range map[string]struct {
		settings sdk.Settings
		setting  string
	}{
		"an address that is none":     {sdk.Settings{Values: map[string]string{"url": "ns"}}, "url"},
		"an address without a site":   {sdk.Settings{Values: map[string]string{"url": address}}, "url"},
		"a token with a separator":    {sdk.Settings{Secrets: map[string]sdk.Secret{"token": "a/b"}}, "token"},
		"a test server that is none":  {testServer("https://127.0.0.1:1"), endpoint.SettingTestServer},
		"a test server somewhere":     {testServer("http://192.168.1.1"), endpoint.SettingTestServer},
		"a test server with a suffix": {testServer("http://127.0.0.1.evil.example"), endpoint.SettingTestServer},
	} {
		_, err := connects(t, c, "nightscout", tt.settings, map[string]string{"url": "https://ns.example.org", "token": theKey})
		if said := refusal(err); said.Code != sdk.BadConfiguration || said.Setting != tt.setting || said.Field != "" {
			t.Errorf("%s: %+v", name, said)
		}
	}
}

func TestCredentialThatSettingsHaveConnectsAtOnce(t *testing.T) {
	file := fileOf(t, "catalog/junction.yaml")
	v := newVendor(t, file, kindsOf(file)[0])
	settings := testServer(v.URL)
	settings.Values["environment"] = "us"
	settings.Secrets = map[string]sdk.Secret{"api_key": theKey}
	_, c := offering(t)
	if _, err := connects(t, c, "junction", settings, nil); err != nil {
		t.Error(err)
	}
	for _, problem := range v.problems {
		t.Error(problem)
	}
	v.known = false
	if _, err := connects(t, c, "junction", settings, nil); refusal(err).Setting != "api_key" {
		t.Errorf("a key that is not valid: %v", err)
	}
}

func TestSecretIsSentToItsHostAlone(t *testing.T) {
	var reached atomic.Bool
	other := site(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		address := site(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other+"/x", status) })
		_, c := offering(t)
		settings := sdk.Settings{Values: map[string]string{endpoint.SettingAllowedHosts: address + " " + other}}
		_, err := connects(t, c, "nightscout", settings, map[string]string{"url": address, "api_secret": theKey})
		if said := refusal(err); said.Code != sdk.InvalidInput || said.Field != "url" {
			t.Errorf("%d: %+v", status, said)
		}
		_, err = connects(t, c, "hevy", testServer(address), map[string]string{"api_key": theKey})
		if said := refusal(err); said.Code != sdk.SourceError {
			t.Errorf("%d: %+v", status, said)
		}
	}
	if reached.Load() {
		t.Error("a redirect was followed")
	}
}

func TestInputsThatCannotBeAreRefusedWithTheirField(t *testing.T) {
	_, c := offering(t, whole(t))
	server := testServer(site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, tt := range []struct {
		source, field string
		typed         map[string]string
	}{
		{"hevy", "api_key", map[string]string{"api_key": ""}},
		{"hevy", "api_key", map[string]string{"api_key": "a\r\nx-admin: 1"}},
		{"hevy", "api_key", map[string]string{"api_key": "a\x00b"}},
		{"hevy", "api_key", map[string]string{"api_key": strings.Repeat("a", 5000)}},
		{"nightscout", "token", map[string]string{"url": "https://ns.example.org"}},
		{"nightscout", "token", map[string]string{"url": "https://ns.example.org", "token": ".."}},
		{"nightscout", "token", map[string]string{"url": "https://ns.example.org", "token": "a/../../admin"}},
		{"nightscout", "token", map[string]string{"url": "https://ns.example.org", "token": "a?b"}},
		{"nightscout", "token", map[string]string{"url": "https://ns.example.org", "token": "a%2fb"}},
		{"junction", "environment", map[string]string{"environment": "evil.example/", "api_key": theKey}},
		{"whole", "user", map[string]string{"user": "A@b.c", "token": theKey}},
	} {
		_, err := connects(t, c, tt.source, server, tt.typed)
		if said := refusal(err); said.Code != sdk.InvalidInput || said.Field != tt.field || leaks(err) {
			t.Errorf("%s: %.60q: %+v", tt.source, tt.typed, said)
		}
	}
}

func TestBadAnswersHaveTheirCodesWithinTheirLimits(t *testing.T) {
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
		"a page":                   {serve(200, "<html><body>log in"), sdk.SourceError},
		"10 MB":                    {serve(200, `{"data":{"id":"1"},"more":"`+strings.Repeat("x", 10<<20)+`"}`), sdk.SourceError},
		"nothing":                  {serve(200, ""), sdk.SourceError},
		"204":                      {serve(204, ""), sdk.SourceError},
		"a list":                   {serve(200, `[{"data":{"id":"1"}}]`), sdk.SourceError},
		"null":                     {serve(200, `null`), sdk.SourceError},
		"more than one value":      {serve(200, `{"data":{"id":"1"}}{"data":{"id":"2"}}`), sdk.SourceError},
		"an object as an id":       {serve(200, `{"data":{"id":{}}}`), sdk.SourceError},
		"no id":                    {serve(200, `{"data":{"name":"Ada"}}`), sdk.SourceError},
		"an id of another type":    {serve(200, `{"data":"id"}`), sdk.SourceError},
		"an id that is very long":  {serve(200, `{"data":{"id":"`+strings.Repeat("x", 600)+`"}}`), sdk.SourceError},
		"an id for terminals":      {serve(200, `{"data":{"id":"\u001b]0;x\u0007"}}`), sdk.SourceError},
		"an id that is the key":    {serve(200, `{"data":{"id":"`+theKey+`"}}`), sdk.SourceError},
		"an error that has it":     {serve(400, `{"error":"no `+theKey+"\u001b[31m"+`"}`), sdk.SourceError},
		"a refusal that has it":    {serve(401, `{"error":"no `+theKey+`"}`), sdk.InvalidInput},
		"not allowed":              {serve(403, `no`), sdk.InvalidInput},
		"not implemented":          {serve(501, "no"), sdk.SourceUnavailable},
		"too often":                {serve(429, "<html>"), sdk.RateLimited},
		"a mark of the byte order": {serve(200, "\ufeff"+`{"data":{"id":7}}`), ""},
		"a redirect to itself": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
		}, sdk.SourceError},
		"a break": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"data":`))
		}, sdk.SourceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := offering(t)
			_, err := connects(t, c, "hevy", testServer(site(t, tt.handler)), map[string]string{"api_key": theKey})
			if said := refusal(err); said.Code != tt.code || leaks(err) {
				t.Errorf("got %+v (%v), want %s", said, err, tt.code)
			}
		})
	}
}

func TestLabelNeverHasTheKeyNorWritesToTerminals(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"id":1,"name":"Ada\u001b[31m\u202e \t\n Lovelace "}}`: "Ada[31m Lovelace",
		`{"data":{"id":1,"name":"` + theKey + `"}}`:                     "",
		`{"data":{"id":1,"name":["Ada"]}}`:                              "",
		`{"data":{"id":1}}`:                                             "",
	} {
		_, c := offering(t)
		server := site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		connected, err := connects(t, c, "hevy", testServer(server), map[string]string{"api_key": theKey})
		if err != nil || connected.Account != (sdk.Account{ID: "1", Label: want}) {
			t.Errorf("%s: %+v, %v", body, connected.Account, err)
		}
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "x": 0, "999999999": 24 * time.Hour, "": 0} {
		_, c := offering(t)
		server := site(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := connects(t, c, "hevy", testServer(server), map[string]string{"api_key": theKey})
		if said := refusal(err); said.Code != sdk.RateLimited || said.RetryAfter != want || !said.Retryable {
			t.Errorf("%q: %+v", header, said)
		}
	}
}

func TestRulesOfTheDataAreFollowed(t *testing.T) {
	for i, tt := range []struct {
		status int
		body   string
		code   sdk.Code
		field  string
		check  sdk.Code
	}{
		{402, ``, sdk.AccessDenied, "", sdk.AccessDenied},
		{409, ``, sdk.InvalidInput, "user", sdk.SourceError},
		{400, `{"error":{"code":17}}`, sdk.RateLimited, "", sdk.RateLimited},
		{200, `{"error":{"code":"17"}}`, sdk.RateLimited, "", sdk.RateLimited},
		{200, `{"error":{"code":"18"}}`, "", "", ""},
		{403, ``, sdk.AccessDenied, "", sdk.AccessDenied},
		{410, ``, sdk.SourceError, "", sdk.Revoked},
		{401, ``, sdk.InvalidInput, "token", sdk.Revoked},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			_, c := offering(t, whole(t))
			server := testServer(site(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			_, err := connects(t, c, "whole", server, map[string]string{"user": "ada", "token": theKey})
			if said := refusal(err); said.Code != tt.code || said.Field != tt.field {
				t.Errorf("got %+v, want %s %s", said, tt.code, tt.field)
			}
			held := &sdk.CredentialRequest{Source: "whole", Settings: server, Credential: sdk.Credential{
				MediaType: sdk.MediaTypeFields, Data: `{"user":"ada","token":"` + theKey + `"}`,
			}}
			if said := refusal(c.Check(t.Context(), held)); said.Code != tt.check {
				t.Errorf("check: %+v, want %s", said, tt.check)
			}
		})
	}
}

func TestForeignCredentialsAreRefused(t *testing.T) {
	_, c := offering(t)
	for _, credential := range []sdk.Credential{
		{},
		{MediaType: sdk.MediaTypeFields, Data: "\x00\xff"},
		{MediaType: sdk.MediaTypeFields, Data: `{"api_key":{}}`},
		{MediaType: sdk.MediaTypeFields, Data: `{}`},
		{MediaType: sdk.MediaTypeFields, Data: `{"api_key":"a\r\nb"}`},
		{MediaType: sdk.MediaTypeOAuth2, Data: `{"api_key":"a"}`},
		{MediaType: sdk.MediaTypeFields, Data: `null`},
	} {
		held := &sdk.CredentialRequest{Source: "hevy", Credential: credential}
		if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceError {
			t.Errorf("%+v: %+v", credential, said)
		}
	}
}

func TestSourceThatDripsIsGivenUpInTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	server := site(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	held := &sdk.CredentialRequest{Source: "hevy", Settings: testServer(server), Credential: sdk.Credential{
		MediaType: sdk.MediaTypeFields, Data: `{"api_key":"` + theKey + `"}`,
	}}
	began := time.Now()
	if err := newProvider().Check(ctx, held); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestServerWithoutAValidCertificateIsNotAsked(t *testing.T) {
	var reached atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshake that fails
	server.StartTLS()
	defer server.Close()
	plain, err := url.Parse(site(t, reader))
	if err != nil {
		t.Fatal(err)
	}
	for address, says := range map[string]string{server.URL: "certificate", "https://" + plain.Host: "TLS"} {
		settings := sdk.Settings{Values: map[string]string{endpoint.SettingAllowedHosts: strings.TrimPrefix(address, "https://")}}
		_, c := offering(t)
		_, err := connects(t, c, "nightscout", settings, map[string]string{"url": address, "token": theKey})
		if said := refusal(err); said.Code != sdk.InvalidInput || said.Field != "url" || !strings.Contains(said.Message, says) {
			t.Errorf("%s: %+v", address, said)
		}
		held := &sdk.CredentialRequest{Source: "nightscout", Settings: settings, Credential: sdk.Credential{
			MediaType: sdk.MediaTypeFields, Data: sdk.Secret(`{"url":"` + address + `","token":"` + theKey + `"}`),
		}}
		if said := refusal(c.Check(t.Context(), held)); said.Code != sdk.SourceUnavailable || !said.Retryable {
			t.Errorf("%s, at a check: %+v", address, said)
		}
	}
	if reached.Load() {
		t.Error("the server was asked")
	}
}

func TestHostThatDoesNotExistIsAWrongInput(t *testing.T) {
	_, c := offering(t)
	_, err := connects(t, c, "nightscout", sdk.Settings{}, map[string]string{"url": "https://no-such-host.invalid", "token": theKey})
	if said := refusal(err); said.Field != "url" && said.Code != sdk.SourceUnavailable { // without a network nobody knows
		t.Errorf("got %+v", said)
	}
}

func TestSourceThatIsRetiredOrUnknownIsNotSupported(t *testing.T) {
	retired := strings.Replace(whole(t), "confidence: high", "confidence: high\nprogramme: {status: retired, text: It has ended.}", 1)
	p, _ := offering(t, retired)
	c := providertest.Wire(t, p)
	for _, id := range []string{"whole", "no-such"} {
		if _, err := connects(t, c, id, sdk.Settings{}, nil); refusal(err).Code != sdk.NotSupported {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestReplyWithoutItsStepIsRefused(t *testing.T) {
	_, c := offering(t)
	for _, req := range []*sdk.ConnectRequest{
		{Reply: sdk.FormValues{Values: map[string]sdk.Secret{"api_key": theKey}}},
		{Reply: sdk.FormValues{}, Resume: []byte("other")},
		{Reply: sdk.TimePassed{}, Resume: []byte(asked)},
		{Reply: sdk.Callback{}, Resume: []byte(asked)},
	} {
		req.Source = "hevy"
		if _, err := c.Connect(t.Context(), req); refusal(err).Code != sdk.SourceError {
			t.Errorf("%T: %v", req.Reply, err)
		}
	}
}
