package main

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
)

// counting listens on loopback, counts connections, and closes them.
func counting(t *testing.T) (address string, came *atomic.Int32) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), came
}

func TestOperatorListsHostsThatPeopleMayName(t *testing.T) {
	address, came := counting(t)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p, c := offering(t)
	typed := `{"access_token":"AT-1","refresh_token":"RT-1","variant":"self-hosted","inputs":{"base_url":"https://` + address + `"},` +
		`"token_endpoint":"https://` + address + `/oauth2/token"}`
	for allowed, want := range map[string]struct {
		dialled bool
		code    sdk.Code
	}{
		"":                        {false, sdk.SourceUnavailable},
		"other.example, 10.0.0.1": {false, sdk.SourceUnavailable},
		host + ":1":               {false, sdk.SourceUnavailable},
		"other.example " + host:   {true, sdk.SourceUnavailable},
		address:                   {true, sdk.SourceUnavailable},
		"https://u@" + address:    {false, sdk.BadConfiguration},
	} {
		came.Store(0)
		_, err := c.Refresh(t.Context(), &sdk.CredentialRequest{
			Source: "medplum", Credential: sdk.Credential{Data: sdk.Secret(typed), MediaType: sdk.MediaTypeOAuth2},
			Settings: sdk.Settings{
				Values:  map[string]string{"client_id": clientID, endpoint.SettingAllowedHosts: allowed},
				Secrets: map[string]sdk.Secret{"client_secret": clientSecret},
			},
		})
		if codeOf(err) != want.code || (came.Load() > 0) != want.dialled {
			t.Errorf("%q: %v, %d connections", allowed, err, came.Load())
		}
	}
	d, err := p.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Sources {
		has := false
		for _, f := range s.Settings {
			has = has || f.ID == endpoint.SettingAllowedHosts
		}
		if has != (s.ID == "medplum") {
			t.Errorf("%s: the setting is there: %v", s.ID, has)
		}
	}
}
