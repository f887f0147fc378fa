package oauth2_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func TestAnswersThatBendTheStandardAreReadAllTheSame(t *testing.T) {
	const text = "text/plain;charset=UTF-8"
	for _, tt := range []struct {
		name, contentType, body string
		expires                 time.Duration
		scopes                  []string
	}{
		{"a fraction", "", `{"access_token":"a","refresh_token":"r","expires_in":36000.5}`, 36000 * time.Second, []string{"a", "b"}},
		{"a fraction in a string", "", `{"access_token":"a","refresh_token":"r","expires_in":"3600.0"}`, time.Hour, []string{"a", "b"}},
		{"a number in a string", "", `{"access_token":"a","refresh_token":"r","expires_in":" 60 "}`, time.Minute, []string{"a", "b"}},
		{"less than a second", "", `{"access_token":"a","refresh_token":"r","expires_in":0.5}`, time.Second, []string{"a", "b"}},
		{"an empty string", "", `{"access_token":"a","refresh_token":"r","expires_in":""}`, 0, []string{"a", "b"}},
		{"never", "", `{"access_token":"a","refresh_token":"r","expires_in":-1}`, 0, []string{"a", "b"}},
		{"null", "", `{"access_token":"a","refresh_token":"r","expires_in":null}`, 0, []string{"a", "b"}},
		{"no number", "", `{"access_token":"a","refresh_token":"r","expires_in":{"s":1}}`, 0, []string{"a", "b"}},
		{"too large", "", `{"access_token":"a","refresh_token":"r","expires_in":1e20}`, 1<<31*time.Second - time.Second, []string{"a", "b"}},
		{"out of range", "", `{"access_token":"a","refresh_token":"r","expires_in":1e999}`, 1<<31*time.Second - time.Second, []string{"a", "b"}},
		{"commas", "", `{"access_token":"a","refresh_token":"r","scope":"a,c, b"}`, 0, []string{"a", "c", "b"}},
		{"a comma in a scope", "", `{"access_token":"a","refresh_token":"r","scope":"x,y a"}`, 0, []string{"x,y", "a"}},
		{"a list", "", `{"access_token":"a","refresh_token":"r","scope":["a","c"]}`, 0, []string{"a", "c"}},
		{"an empty scope", "", `{"access_token":"a","refresh_token":"r","scope":""}`, 0, []string{"a", "b"}},
		{"as text", text, `{"access_token":"a","refresh_token":"r","scope":"a"}`, 0, []string{"a"}},
		{"as a form", "application/x-www-form-urlencoded", `access_token=a&refresh_token=r&expires_in=60.0&scope=a,c`, time.Minute, []string{"a", "c"}},
		{"a form as text", text, `access_token=a&refresh_token=r&expires_in=60`, time.Minute, []string{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBent(t)
			b.responds("/token", 200, tt.body, "Content-Type", or(tt.contentType, "application/json"))
			asked := []string{"a", "b"}
			if strings.Contains(tt.body, "x,y") {
				asked = []string{"x,y", "a"}
			}
			step, err := callback(t, &oauth2.Source{Endpoint: at(b), Scopes: asked, Required: []string{"a"}}, ownClient, "code", "c")
			if err != nil {
				t.Fatal(err)
			}
			c := step.(sdk.Connected)
			if !slices.Equal(c.Scopes, tt.scopes) {
				t.Errorf("scopes %q, want %q", c.Scopes, tt.scopes)
			}
			if left := time.Until(c.Credential.ExpiresAt); c.Credential.ExpiresAt.IsZero() != (tt.expires == 0) || tt.expires > 0 && (left > tt.expires || left < tt.expires-time.Minute) {
				t.Errorf("it ends at %v, want in %v", c.Credential.ExpiresAt, tt.expires)
			}
			if have := tokensOf(t, c.Credential); have["access_token"] != "a" || have["refresh_token"] != "r" {
				t.Errorf("the credential is %v", have)
			}
		})
	}
}

func TestAScopeThatIsNotInTheListIsMissing(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"access_token":"a","scope":["b"]}`)
	_, err := callback(t, &oauth2.Source{Endpoint: at(b), Scopes: []string{"a", "b"}, Required: []string{"a"}}, ownClient, "code", "c")
	wants(t, err, sdk.ScopeMissing, "")
	if b.last("/revoke") != nil {
		t.Error("a grant was revoked that a living connection may share")
	}
}

func TestARefusalSentAsTextIsUnderstood(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 400, `{"error":"invalid_grant"}`, "Content-Type", "text/plain")
	s := &oauth2.Source{Endpoint: at(b), ClientID: "us"}
	_, err := s.Refresh(t.Context(), &sdk.CredentialRequest{Credential: credential(good)})
	wants(t, err, sdk.Revoked, "")
}

func TestAnAnswerThatBreaksOffIsNone(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"access_token":"a`, "Content-Length", "100")
	_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c")
	wants(t, err, sdk.SourceUnavailable, "")
}

func TestRefreshingKeepsWhatTheServerDoesNotSay(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"access_token":"access-2","token_type":"Bearer"}`)
	s := &oauth2.Source{Endpoint: at(b), ClientID: "us", Scopes: []string{"asked"}}
	refreshed, err := s.Refresh(t.Context(), &sdk.CredentialRequest{
		Credential: credential(`{"access_token":"access-1","refresh_token":"refresh-1","token_type":"Bearer","scope":"a b"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	have := tokensOf(t, refreshed.Credential)
	if have["access_token"] != "access-2" || have["refresh_token"] != "refresh-1" || have["scope"] != "a b" || !slices.Equal(refreshed.Scopes, []string{"a", "b"}) {
		t.Errorf("refreshed %v, %q", have, refreshed.Scopes)
	}
}
