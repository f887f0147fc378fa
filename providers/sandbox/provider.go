package main

import (
	"context"
	"fmt"

	"github.com/humanconnect/humanconnect/sdk"
)

// provider implements [sdk.Provider], [sdk.Refresher] and [sdk.Checker]. It keeps nothing: what a later step needs is in the resume
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
	case tracker, scale:
		step, err := authorized(req.Source).Connect(ctx, req)
		return step, withHint(err, req.Settings)
	}
	return nil, noSuchSource(req.Source)
}

// Disconnect implements [sdk.Provider]. At clinic and family there is nothing to revoke, so it is idempotent by nature.
func (provider) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	switch req.Source {
	case instant:
		return &sdk.Error{Code: sdk.NotSupported, Message: "Sandbox Instant cannot revoke."}
	case tracker, scale:
		return withHint(authorized(req.Source).Disconnect(ctx, req), req.Settings)
	case clinic, family:
	default:
		return noSuchSource(req.Source)
	}
	grant, err := readCredential(req.Credential)
	if err != nil {
		return err
	}
	if f, found := findFault(grant.Username); found && f.revoke != nil {
		return f.revoke(ctx)
	}
	return nil
}

// Refresh implements [sdk.Refresher].
func (provider) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	switch req.Source {
	case tracker, scale:
		refreshed, err := authorized(req.Source).Refresh(ctx, req)
		return refreshed, withHint(err, req.Settings)
	}
	return nil, &sdk.Error{Code: sdk.NotSupported, Message: "The credentials of this sandbox source do not expire."}
}

// Check implements [sdk.Checker].
func (provider) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	if req.Source == tracker || req.Source == scale {
		return withHint(authorized(req.Source).Check(ctx, req), req.Settings)
	}
	grant, err := readCredential(req.Credential)
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
