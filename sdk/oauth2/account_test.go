package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func accounts(b *bent) *oauth2.Source { return newRing(b.URL).Source }

func waits(t *testing.T, c *host.Client, req *sdk.ConnectRequest, step sdk.Step) (waited []time.Duration, last sdk.Step, err error) {
	t.Helper()
	for len(waited) < 20 {
		wait, ok := step.(sdk.Wait)
		if !ok {
			break
		}
		waited = append(waited, wait.PollAfter)
		req.Reply, req.Resume = sdk.TimePassed{}, wait.Resume
		if step, err = c.Connect(t.Context(), req); err != nil {
			return waited, nil, err
		}
	}
	return waited, step, nil
}

func granted(t *testing.T, s *oauth2.Source, expected *sdk.Account) (*host.Client, *sdk.ConnectRequest, sdk.Step, error) {
	t.Helper()
	c, req, _, err := attempt(t, s, ownClient)
	if err != nil {
		t.Fatal(err)
	}
	req.Expected = expected
	req.Reply = sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}
	step, err := c.Connect(t.Context(), req)
	return c, req, step, err
}

func TestAGrantOutlivesASourceThatCannotSayWhoseItIs(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"access_token":"access-1","refresh_token":"refresh-1","token_type":"bearer","expires_in":60,"expiry":7,"patient":"p-1"}`)
	asked := 0
	b.mux.HandleFunc("/me", func(w http.ResponseWriter, _ *http.Request) {
		switch asked++; asked {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id":`)) // and no more
		default:
			_, _ = w.Write([]byte(`{"id":"7"}`))
		}
	})
	s := accounts(b)
	ask := s.Account
	s.Account = func(ctx context.Context, client *http.Client, token oauth2.Token) (sdk.Account, error) {
		if token.Extra("patient") != "p-1" {
			t.Error("the answer of the token endpoint is not there any more")
		}
		return ask(ctx, client, token)
	}
	c, req, step, err := granted(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	waited, step, err := waits(t, c, req, step)
	if err != nil || !slices.Equal(waited, []time.Duration{time.Second, 20 * time.Second, 4 * time.Second}) {
		t.Fatalf("waited %v, %v", waited, err)
	}
	done := step.(sdk.Connected)
	have := tokensOf(t, done.Credential)
	if done.Account.ID != "7" || have["access_token"] != "access-1" || have["refresh_token"] != "refresh-1" || time.Until(done.Credential.ExpiresAt) < 50*time.Second {
		t.Errorf("connected %+v with %v", done, have)
	}
	if len(b.forms["/token"]) != 1 || b.last("/revoke") != nil {
		t.Error("the grant was asked for again, or revoked")
	}
}

func TestAGrantThatBecomesNoConnectionIsRevoked(t *testing.T) {
	for _, tt := range []struct {
		name     string
		status   int
		expected *sdk.Account
		want     sdk.Code
		waits    int
		revoked  []string
	}{
		{"it never says", 503, nil, sdk.SourceUnavailable, 4, []string{"refresh-1", "access-1"}},
		{"it says no", 403, nil, sdk.ScopeMissing, 0, []string{"refresh-1", "access-1"}},
		{"a living connection may share it", 403, &sdk.Account{ID: "7"}, sdk.ScopeMissing, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBent(t)
			b.responds("/token", 200, good)
			b.responds("/me", tt.status, ``)
			b.responds("/revoke", 200, ``)
			c, req, step, err := granted(t, accounts(b), tt.expected)
			var waited []time.Duration
			if err == nil {
				waited, _, err = waits(t, c, req, step)
			}
			wants(t, err, tt.want, "")
			var revoked []string
			for _, form := range b.forms["/revoke"] {
				revoked = append(revoked, form.Get("token"))
			}
			if len(waited) != tt.waits || !slices.Equal(revoked, tt.revoked) {
				t.Errorf("waited %v, revoked %q", waited, revoked)
			}
		})
	}
}

func TestACallersEndRevokesWhatItWillNeverHave(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, good)
	b.responds("/revoke", 200, ``)
	s := accounts(b)
	ctx, cancel := context.WithCancel(t.Context())
	s.Account = func(context.Context, *http.Client, oauth2.Token) (sdk.Account, error) {
		cancel()
		return sdk.Account{}, ctx.Err()
	}
	step, err := s.Connect(ctx, &sdk.ConnectRequest{Reply: sdk.Start{}, Settings: ownClient, OAuthState: "st", FrontEnd: sdk.FrontEnd{Browser: true}})
	if err != nil {
		t.Fatal(err)
	}
	reply := sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}
	_, err = s.Connect(ctx, &sdk.ConnectRequest{Reply: reply, Resume: host.ResumeOf(step), Settings: ownClient})
	if !errors.Is(err, context.Canceled) || b.last("/revoke").Get("token") != "access-1" {
		t.Errorf("%v, revoked %v", err, b.forms["/revoke"])
	}
}
