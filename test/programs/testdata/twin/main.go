// Command twin is a provider that claims a source of the sandbox, or those that are its arguments.
package main

import (
	"context"
	"os"

	"github.com/humanconnect/humanconnect/sdk"
)

func main() { sdk.Serve(twin{}) }

type twin struct{}

func (twin) Describe(context.Context) (*sdk.Description, error) {
	d := &sdk.Description{Name: "twin", Version: "0.1.0"}
	for _, id := range append(os.Args[1:], "sandbox-instant")[:max(1, len(os.Args)-1)] {
		d.Sources = append(d.Sources, sdk.Source{ID: id, Name: "Twin"})
	}
	return d, nil
}

func (twin) Connect(context.Context, *sdk.ConnectRequest) (sdk.Step, error) {
	return sdk.Connected{Account: sdk.Account{ID: "twin"}, Credential: sdk.Credential{Data: "twin"}}, nil
}

func (twin) Disconnect(context.Context, *sdk.CredentialRequest) error { return nil }
