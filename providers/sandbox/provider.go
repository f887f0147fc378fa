package main

import (
	"context"
	"fmt"

	"github.com/humanconnect/humanconnect/sdk"
)

// provider implements [sdk.Provider] and [sdk.Checker]. It keeps nothing: what a later step needs is in the resume
// bytes, what a later call needs is in the credential.
type provider struct{}

// Describe implements [sdk.Provider].
func (provider) Describe(context.Context) (*sdk.Description, error) { return description(), nil }

// Connect implements [sdk.Provider].
func (provider) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	switch req.Source {
	case instant:
		return connected(req, login{Account: "instant", Label: "Instant account"})
	case clinic, family:
		return converse(ctx, req)
	}
	return nil, noSuchSource(req.Source)
}

// Disconnect implements [sdk.Provider]. There is nothing to revoke, so it is idempotent by nature.
func (provider) Disconnect(ctx context.Context, req *sdk.GrantRequest) error {
	switch req.Source {
	case instant:
		return &sdk.Error{Code: sdk.NotSupported, Message: "Sandbox Instant cannot revoke."}
	case clinic, family:
	default:
		return noSuchSource(req.Source)
	}
	grant, err := readGrant(req.Credential)
	if err != nil {
		return err
	}
	if f, found := findFault(grant.Username); found && f.revoke != nil {
		return f.revoke(ctx)
	}
	return nil
}

// Check implements [sdk.Checker].
func (provider) Check(ctx context.Context, req *sdk.GrantRequest) error {
	grant, err := readGrant(req.Credential)
	if err != nil {
		return err
	}
	if f, found := findFault(grant.Username); found && f.check != nil {
		return f.check(ctx)
	}
	return nil
}

func noSuchSource(id string) error {
	return &sdk.Error{Code: sdk.NotSupported, Message: fmt.Sprintf("The sandbox has no source %q.", id)}
}
