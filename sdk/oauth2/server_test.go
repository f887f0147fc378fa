package oauth2_test

import (
	"fmt"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func TestTokensGoToTheirOwnServerAlone(t *testing.T) {
	const document = `{"issuer":%q,"authorization_endpoint":%[1]q,"token_endpoint":"%[1]s/token","revocation_endpoint":"%[1]s/revoke"}`
	own, other := newBent(t), newBent(t)
	for _, b := range []*bent{own, other} {
		b.responds("/.well-known/openid-configuration", 200, fmt.Sprintf(document, b.URL))
		b.responds("/token", 200, good)
		b.responds("/me", 200, `{"id":"7"}`)
		b.responds("/revoke", 200, ``)
	}
	byIssuer := func(server string) (*oauth2.Source, sdk.Settings) {
		s := accounts(other)
		s.IssuerSetting = "server"
		return s, sdk.Settings{Values: map[string]string{"client_id": "us", "server": server}}
	}
	byEndpoint := func(server string) (*oauth2.Source, sdk.Settings) {
		return accounts(map[string]*bent{own.URL: own, other.URL: other}[server]), ownClient
	}
	for setting, source := range map[string]func(string) (*oauth2.Source, sdk.Settings){"server": byIssuer, "": byEndpoint} {
		s, settings := source(own.URL)
		step, err := callback(t, s, settings, "code", "c")
		if err != nil {
			t.Fatal(err)
		}
		grant := &sdk.CredentialRequest{Settings: settings, Credential: step.(sdk.Connected).Credential}
		refreshed, err := s.Refresh(t.Context(), grant)
		if err != nil {
			t.Fatal(err)
		}
		grant.Credential = refreshed.Credential
		other.forget()
		s, grant.Settings = source(other.URL)
		_, err = s.Refresh(t.Context(), grant)
		wants(t, err, sdk.BadConfiguration, setting)
		wants(t, s.Check(t.Context(), grant), sdk.BadConfiguration, setting)
		wants(t, s.Disconnect(t.Context(), grant), sdk.BadConfiguration, setting)
		if asked := other.asked(); len(asked) > 0 {
			t.Errorf("the other server was asked for %q", asked)
		}
		s, grant.Settings = source(own.URL)
		if err := s.Disconnect(t.Context(), grant); err != nil {
			t.Errorf("at its own server: %v", err)
		}
	}
}
