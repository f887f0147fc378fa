package oauth2_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func TestPersonWhoCancelsInOtherWordsHasDeniedAccess(t *testing.T) {
	b := newBent(t)
	for _, code := range []string{"user_cancelled_login", "user_cancelled_authorize", "UserDenied", "consent_declined", "deny"} {
		_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "error", code)
		wants(t, err, sdk.AccessDenied, "")
	}
}

func TestRedirectURIThatTheServerDoesNotKnowIsAConfiguration(t *testing.T) {
	b := newBent(t)
	_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "error", "redirect_uri_mismatch")
	wants(t, err, sdk.BadConfiguration, "callbackUrl")
}

func TestKindsOfTokenThatMeanBearerAreBearer(t *testing.T) {
	for kind, want := range map[string]bool{"bearer": true, "BearerToken": true, "bearer token": true, "bearer_token": true, "mac": false, "DPoP": false} {
		b := newBent(t)
		b.responds("/token", 200, `{"access_token":"a","token_type":"`+kind+`"}`)
		if _, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c"); (err == nil) != want {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestByteOrderMarkBeforeAnAnswerIsIgnored(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, "\ufeff"+good)
	b.responds("/me", 200, "\ufeff"+`{"id":"7"}`)
	step, err := callback(t, newRing(b.URL).Source, ownClient, "code", "c")
	if err != nil || step.(sdk.Connected).Account.ID != "7" {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestNumberThatIsAnErrorCodeIsRead(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 400, `{"error":1101,"sub_error":20129,"error_description":"invalid code"}`)
	_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c")
	wants(t, err, sdk.SourceError, "")
	if !strings.Contains(err.Error(), "(1101)") {
		t.Errorf("the code is not named: %v", err)
	}
}

func TestMessageHasTheErrorCodeOfTheServerAndNoOtherWordOfIt(t *testing.T) {
	for body, shown := range map[string]string{
		`{"error":"made_up_code"}`: "(made_up_code)",
		`{"error":"made_up_code","error_description":"refresh-1 is dead"}`: "(made_up_code)",
		`{"error":null}`:                              "",
		`{"error":{"code":"x"}}`:                      "",
		`{"error":"Too many tokens: a b"}`:            "",
		`{"error":"\u001b[31mred"}`:                   "",
		`{"error":"refresh-1-is-dead"}`:               "",
		`{"error":"` + strings.Repeat("x", 65) + `"}`: "",
	} {
		b := newBent(t)
		b.responds("/token", 400, body)
		s := &oauth2.Source{Endpoint: at(b), ClientID: "us"}
		_, err := s.Refresh(t.Context(), &sdk.CredentialRequest{Credential: credential(good)})
		wants(t, err, sdk.SourceError, "")
		if want := "unexpected response" + strings.TrimSuffix(" "+shown, " ") + "."; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want …%s", body, err, want)
		}
	}
}

func TestNameThatIsThereTwiceMakesAnAnswerUnreadable(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"access_token":"a","access_token":"b"}`:           false,
		`{"access_token":"a","access_token":"a"}`:           true,
		`{"access_token":"a","body":{"id":1,"id":2}}`:       false,
		`{"access_token":"a","body":{"x":{"id":1,"id":1}}}`: true,
	} {
		b := newBent(t)
		b.responds("/token", 200, body)
		_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c")
		if ok && err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if !ok {
			wants(t, err, sdk.SourceError, "")
		}
	}
}

func TestHookChangesEveryRequest(t *testing.T) {
	b := newBent(t)
	var query atomic.Value
	b.mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) {
		query.Store(r.Method + " " + r.URL.RawQuery + " " + r.Header.Get("User-Agent"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(good))
	})
	s := &oauth2.Source{Endpoint: at(b), Scopes: []string{"a", "b"}, Request: func(r *oauth2.Request) error {
		switch r.Purpose {
		case oauth2.Authorize:
			r.Query.Set("scope", strings.ReplaceAll(r.Query.Get("scope"), " ", ","))
			r.Query.Del("code_challenge")
		case oauth2.Exchange:
			r.Method, r.URL.Path = http.MethodGet, "/other"
			r.Query.Set("code", r.Form.Get("code"))
		}
		return nil
	}}
	_, _, step, err := attempt(t, s, ownClient)
	if err != nil {
		t.Fatal(err)
	}
	asked, _ := url.Parse(step.(sdk.OpenURL).URL)
	if asked.Query().Get("scope") != "a,b" || asked.Query().Has("code_challenge") || asked.Query().Get("state") != "st" {
		t.Errorf("the browser is sent to %v", asked)
	}
	if _, err := callback(t, s, ownClient, "code", "c"); err != nil {
		t.Fatal(err)
	}
	if got := query.Load(); got != "GET code=c humanconnect" {
		t.Errorf("sent %q", got)
	}
}

func TestHookSendsParametersAsJSON(t *testing.T) {
	b := newBent(t)
	var got map[string]string
	b.mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") == "application/json" {
			_ = json.NewDecoder(r.Body).Decode(&got)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(good))
	})
	s := &oauth2.Source{Endpoint: at(b), ClientID: "us", Request: func(r *oauth2.Request) error {
		r.JSON = true
		return nil
	}}
	if _, err := s.Refresh(t.Context(), &sdk.CredentialRequest{Credential: credential(good)}); err != nil {
		t.Fatal(err)
	}
	if got["grant_type"] != "refresh_token" || got["refresh_token"] != "refresh-1" || got["client_id"] != "us" {
		t.Errorf("sent %v", got)
	}
}

func TestHookThatLeavesNoAddressSendsNothing(t *testing.T) {
	b := newBent(t)
	for _, spoil := range []func(*oauth2.Request){
		func(r *oauth2.Request) { r.URL = nil },
		func(r *oauth2.Request) { r.URL.Scheme, r.URL.Host = "http", "server.example" },
	} {
		s := &oauth2.Source{Endpoint: at(b), Request: func(r *oauth2.Request) error {
			if r.Purpose == oauth2.Exchange {
				spoil(r)
			}
			return nil
		}}
		if _, err := callback(t, s, ownClient, "code", "c"); err == nil {
			t.Error("a request was sent")
		}
	}
}

func TestHookReadsAnEnvelope(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"status":0,"body":{"access_token":"a","userid":12345678901234567890}}`)
	s := &oauth2.Source{
		Endpoint: at(b),
		Answer: func(a *oauth2.Answer) error {
			var inner map[string]json.RawMessage
			if err := json.Unmarshal(a.Members["body"], &inner); err != nil {
				return &sdk.Error{Code: sdk.SourceError, Message: "No envelope."}
			}
			a.Members = inner
			return nil
		},
		Account: func(_ context.Context, _ *http.Client, token oauth2.Token) (sdk.Account, error) {
			id, _ := token.Extra("userid").(json.Number)
			return sdk.Account{ID: id.String()}, nil
		},
	}
	step, err := callback(t, s, ownClient, "code", "c")
	if err != nil || step.(sdk.Connected).Account.ID != "12345678901234567890" {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestErrorOfAHookNamesTheServersCode(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"error":"601"}`)
	s := &oauth2.Source{Endpoint: at(b), ClientID: "us", Answer: func(*oauth2.Answer) error {
		return &sdk.Error{Code: sdk.RateLimited, Message: "Too often."}
	}}
	_, err := s.Refresh(t.Context(), &sdk.CredentialRequest{Credential: credential(good)})
	wants(t, err, sdk.RateLimited, "")
	if err == nil || !strings.HasSuffix(err.Error(), "Too often (601).") {
		t.Errorf("got %v", err)
	}
}

func TestHookRevokesWhatRFC7009DoesNot(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	var revoked []string
	s := &oauth2.Source{
		Endpoint: at(b), ClientID: "us",
		Account: func(context.Context, *http.Client, oauth2.Token) (sdk.Account, error) {
			return sdk.Account{}, errors.New("nobody")
		},
		Revoke: func(_ context.Context, _ *http.Client, token oauth2.Token) error {
			revoked = append(revoked, token.Access.Reveal()+" "+token.Refresh.Reveal())
			return nil
		},
	}
	_, _ = callback(t, s, ownClient, "code", "c") // a grant that becomes no connection
	if err := s.Disconnect(t.Context(), &sdk.CredentialRequest{Credential: credential(good)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(revoked, []string{"access-1 refresh-1", "access-1 refresh-1"}) || b.last("/revoke") != nil {
		t.Errorf("revoked %q", revoked)
	}
}

// counting is a transport that counts.
type counting struct{ n atomic.Int32 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func TestTransportSendsEveryRequest(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	b.responds("/me", 200, `{"id":"7"}`)
	b.responds("/revoke", 200, "")
	counted := &counting{}
	s := newRing(b.URL).Source
	s.Transport, s.ClientID = counted, "us"
	if _, err := callback(t, s, ownClient, "code", "c"); err != nil {
		t.Fatal(err)
	}
	if err := s.Disconnect(t.Context(), &sdk.CredentialRequest{Credential: credential(`{"access_token":"a"}`)}); err != nil {
		t.Fatal(err)
	}
	if n := counted.n.Load(); n != 3 {
		t.Errorf("it sent %d requests, want 3", n)
	}
}
