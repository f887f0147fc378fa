package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"status":0,"body":{"access_token":"a","expires_in":1,"userid":1}}`, `{"result":"0000"}`, `{"error":1101,"sub_error":2}`,
		`{"errors":[{"code":"x"}]}`, `{"access_token":"a","expires_at":1e30,"access_grant_expiration":"2026-09-05 19:17:53Z"}`, `[]`, `null`, ``,
	} {
		f.Add(seed, 200)
		f.Add(seed, 400)
	}
	p := newProvider()
	var entries []*catalog.Entry
	for _, id := range []string{"withings", "coros", "huawei-health", "strava", "bluebutton", "ihealth"} {
		s, err := p.load(id)
		if err != nil {
			f.Fatal(err)
		}
		entries = append(entries, &s.Entry)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		for _, entry := range entries {
			c := &call{entry: entry, values: map[string]string{}, transport: &endpoint.Transport{}}
			var members map[string]json.RawMessage
			if json.Unmarshal([]byte(body), &members) != nil {
				members = nil
			}
			a := &oauth2.Answer{Purpose: oauth2.Renew, Status: status, Header: http.Header{}, Body: []byte(body), Members: members}
			_ = c.read(a)
			if c.old.ReconnectBy != nil && c.old.ReconnectBy.Before(time.Unix(0, 0)) {
				t.Errorf("reconnect by %v", c.old.ReconnectBy)
			}
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add("a.e30.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if value := claims(token); value != nil && strings.Count(token, ".") != 2 {
			t.Errorf("claims of %q: %v", token, value)
		}
	})
}
