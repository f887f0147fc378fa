package sdk_test

import (
	"context"

	"github.com/humanconnect/humanconnect/sdk"
)

// diary is a whole provider: one source, reached with a personal access token.
type diary struct{}

func (diary) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{Name: "diary", Version: "1.0.0", Sources: []sdk.Source{{
		ID: "diary", Name: "Diary", Methods: []sdk.Method{sdk.MethodForm}, Fields: fields(), Hosts: []string{"diary.example"},
	}}}, nil
}

func (diary) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	form, answered := req.Reply.(sdk.FormValues)
	if !answered {
		return sdk.Form{Title: "Your diary", Fields: fields()}, nil
	}
	token := form.Values["token"]
	if len(token) != 32 { // a real provider asks the source
		return nil, &sdk.Error{Code: sdk.InvalidInput, Field: "token", Message: "A token has 32 characters."}
	}
	return sdk.Connected{Credential: sdk.Credential{Data: token, MediaType: "text/plain"}}, nil
}

func (diary) Disconnect(context.Context, *sdk.CredentialRequest) error { return nil }

func fields() []sdk.Field {
	return []sdk.Field{{ID: "token", Label: "Access token", Kind: sdk.KindSecret, Required: true}}
}

func Example() { sdk.Serve(diary{}) }
