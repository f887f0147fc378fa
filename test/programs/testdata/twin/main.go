// Command twin is a provider that claims a source of the sandbox.
package main

import (
	"context"

	"github.com/humanconnect/humanconnect/sdk"
)

func main() { sdk.Serve(twin{}) }

type twin struct{}

func (twin) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{
		Name: "twin", Version: "0.1.0", Sources: []sdk.Source{{ID: "sandbox-instant", Name: "Twin"}},
	}, nil
}

func (twin) Connect(context.Context, *sdk.ConnectRequest) (sdk.Step, error) {
	return sdk.Connected{Account: sdk.Account{ID: "twin"}, Credential: sdk.Credential{Data: "twin"}}, nil
}

func (twin) Disconnect(context.Context, *sdk.CredentialRequest) error { return nil }
