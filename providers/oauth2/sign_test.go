package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// signatory is the part of Withings' API that revokes, as "Sign your requests" and "oauth2-revoke" of its documentation have it:
// the signature is the HMAC-SHA256 of "action,client_id,nonce" (for a nonce "getnonce,client_id,timestamp") in hex, by the client
// secret; each nonce is good for one request.
type signatory struct {
	t      *testing.T
	nonce  string
	nonces string // body of the answer to a request for a nonce, in place of the own one
	asked  []string
	sent   url.Values
}

func (s *signatory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	action := r.PostForm.Get("action")
	s.asked = append(s.asked, r.Method+" "+r.URL.Path+" "+action)
	w.Header().Set("Content-Type", "application/json")
	third := r.PostForm.Get("timestamp")
	if action == "revoke" {
		third, s.sent = s.nonce, r.PostForm
	}
	hash := hmac.New(sha256.New, []byte(clientSecret))
	hash.Write([]byte(action + "," + clientID + "," + third))
	if r.PostForm.Get("signature") != hex.EncodeToString(hash.Sum(nil)) || third == "" || r.Header.Get("Authorization") != "" {
		_, _ = w.Write([]byte(`{"status": 503, "error": "Invalid signature"}`))
		return
	}
	switch {
	case action == "getnonce" && s.nonces != "":
		_, _ = w.Write([]byte(s.nonces))
	case action == "getnonce":
		s.nonce = "once/+1"
		_ = json.NewEncoder(w).Encode(map[string]any{"status": 0, "body": map[string]any{"nonce": s.nonce}})
	default:
		s.nonce = ""
		_, _ = w.Write([]byte(`{"status": 0, "body": {}}`))
	}
}

// withingsCredential is one whose access token has expired.
func withingsCredential(base string) *sdk.CredentialRequest {
	return &sdk.CredentialRequest{
		Source: "withings", Account: sdk.Account{ID: accountNumber},
		Settings: sdk.Settings{
			Values:  map[string]string{"client_id": clientID, settingBase: base},
			Secrets: map[string]sdk.Secret{"client_secret": clientSecret},
		},
		Credential: sdk.Credential{
			Data: `{"access_token":"AT-1","refresh_token":"RT-1","token_type":"Bearer"}`, MediaType: sdk.MediaTypeOAuth2,
			ExpiresAt: time.Now().Add(-time.Hour),
		},
	}
}

func TestSignedRevocationIsAsItsVendorDocumentsIt(t *testing.T) {
	s := &signatory{t: t}
	server := httptest.NewServer(s)
	defer server.Close()
	c := providertest.Wire(t, newProvider())
	for range 2 { // the second has a nonce of its own
		s.asked = nil
		if err := c.Disconnect(t.Context(), withingsCredential(server.URL)); err != nil {
			t.Fatalf("%v %q", err, s.asked)
		}
		want := []string{"POST /wbsapi.withings.net/v2/signature getnonce", "POST /wbsapi.withings.net/v2/oauth2 revoke"}
		if d := cmp.Diff(want, s.asked); d != "" {
			t.Error(d)
		}
	}
	s.sent.Del("signature")
	want := url.Values{"action": {"revoke"}, "client_id": {clientID}, "userid": {accountNumber}, "nonce": {"once/+1"}}
	if d := cmp.Diff(want, s.sent); d != "" {
		t.Error(d)
	}
}

func TestWithoutANonceOrASecretNothingIsRevoked(t *testing.T) {
	for name, x := range map[string]struct {
		nonces string
		secret sdk.Secret
		want   sdk.Code
	}{
		"no nonce":       {`{"status": 0, "body": {}}`, clientSecret, sdk.SourceError},
		"refused":        {`{"status": 503, "body": {"nonce": "n"}}`, clientSecret, sdk.SourceError},
		"HTML":           {`<html>`, clientSecret, sdk.SourceError},
		"rate limited":   {`{"status": 601, "error": "Too many"}`, clientSecret, sdk.RateLimited},
		"no secret":      {"", "", sdk.BadConfiguration},
		"another secret": {"", "another", sdk.SourceError},
	} {
		s := &signatory{t: t, nonces: x.nonces}
		server := httptest.NewServer(s)
		held := withingsCredential(server.URL)
		held.Settings.Secrets["client_secret"] = x.secret
		err := providertest.Wire(t, newProvider()).Disconnect(t.Context(), held)
		server.Close()
		if codeOf(err) != x.want || s.sent != nil {
			t.Errorf("%s: %v, want %s; revoked with %q", name, err, x.want, s.sent)
		}
		if err != nil && strings.Contains(err.Error(), clientSecret) {
			t.Errorf("%s: %v has the secret", name, err)
		}
	}
}

// The expected value is that of: printf 'one|two' | openssl dgst -sha256 -hmac key
func TestSignatureCoversParametersInTheOrderOfTheirNames(t *testing.T) {
	c := &call{settings: sdk.Settings{Secrets: map[string]sdk.Secret{"client_secret": "key"}}}
	form := url.Values{"a": {"one"}, "b": {"two"}, "c": {"three"}}
	s := &catalog.Signature{HMAC: catalog.HMAC{
		Method: catalog.MethodHMACSHA256, Key: catalog.SettingClientSecret, Over: []string{"b", "a"}, Separator: "|", Parameter: "s",
	}}
	if err := c.sign(form, s); err != nil {
		t.Fatal(err)
	}
	if want := "d484ada4f10d0ceaf0b9e5da6e4289bcb1863c351d0c301c8be70fd87059051f"; form.Get("s") != want {
		t.Errorf("the signature is %s, want %s", form.Get("s"), want)
	}
}
