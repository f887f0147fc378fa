package oauth2_test

import (
	"context"
	"net/http"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// ring is a whole provider of an OAuth 2.0 source: the embedded Source connects, disconnects, refreshes and checks.
type ring struct{ *oauth2.Source }

func newRing(api string) ring {
	return ring{&oauth2.Source{
		Endpoint: oauth2.Endpoint{
			AuthURL: api + "/authorize", TokenURL: api + "/token", RevocationURL: api + "/revoke",
		},
		Scopes: []string{"sleep", "offline"}, Required: []string{"sleep"},
		Account: func(ctx context.Context, client *http.Client, _ oauth2.Token) (sdk.Account, error) {
			var me struct{ ID, Email string }
			err := oauth2.Get(ctx, client, api+"/me", &me)
			return sdk.Account{ID: me.ID, Label: me.Email}, err
		},
	}}
}

func (ring) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{Name: "ring", Version: "1.0.0", Sources: []sdk.Source{{
		ID: "ring", Name: "Ring", Methods: []sdk.Method{sdk.MethodBrowser}, Hosts: []string{"api.ring.example"},
		Capabilities: []sdk.Capability{sdk.CapabilityRevoke, sdk.CapabilityRefresh, sdk.CapabilityCheck},
		Settings:     oauth2.ClientSettings(),
	}}}, nil
}

func Example() { sdk.Serve(newRing("https://api.ring.example")) }
