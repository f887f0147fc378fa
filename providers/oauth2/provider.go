package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// The settings beside those of a client and the inputs of a source.
const (
	// settingVariant names a variant of the source.
	settingVariant = catalog.SettingVariant
	// settingBase is an address on loopback that stands for every host of the source, which becomes the first segment of the path.
	settingBase = endpoint.SettingTestServer
)

// version of this provider.
const version = "1.0.0"

// provider implements [sdk.Provider], [sdk.SourceDescriber], [sdk.Refresher] and [sdk.Checker]. It keeps nothing of an attempt.
type provider struct {
	// load reads a source by its id.
	load func(id string) (*catalog.Source, error)
	// public sends requests to addresses that a person typed.
	public http.RoundTripper
}

func newProvider() *provider { return &provider{load: catalog.Load, public: endpoint.PublicOnly()} }

// Describe implements [sdk.Provider].
func (p *provider) Describe(context.Context) (*sdk.Description, error) {
	d := describe()
	d.Sources = catalog.Described()
	return d, nil
}

// describe is the description without its sources.
func describe() *sdk.Description {
	return &sdk.Description{Name: "oauth2", Version: version, DefinitionSchema: catalog.DefinitionSchema(), Settings: []sdk.Field{{
		ID: settingBase, Label: "Test server", Kind: sdk.KindURL,
		Help: "For tests: an http address on loopback that answers for every host of the source.",
	}}}
}

// Connect implements [sdk.Provider].
func (p *provider) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	s, err := p.source(req.Source, req.Definition)
	if err != nil {
		return nil, err
	}
	if s.Programme.Retired() {
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: s.Programme.Text}
	}
	return p.connect(ctx, s, req)
}

// Disconnect implements [sdk.Provider].
func (p *provider) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	c, err := p.recall(req)
	if err != nil {
		return err
	}
	inner := c.request(req)
	if c.entry.Revocation != nil && c.entry.Revocation.NeedsAccess() && expired(req.Credential) && c.old.RefreshToken != "" {
		done, err := c.renewed(ctx, inner)
		if done || err != nil {
			return err
		}
	}
	return c.source().Disconnect(ctx, inner)
}

func expired(c sdk.Credential) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(time.Now()) }

// renewed gets a new access token for a revocation that takes one, where the old one has expired. Done: there is nothing
// left to revoke.
func (c *call) renewed(ctx context.Context, req *sdk.CredentialRequest) (done bool, err error) {
	refreshed, err := c.source().Refresh(ctx, req)
	if said := (*sdk.Error)(nil); errors.As(err, &said) && said.Code == sdk.Revoked {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	req.Credential = refreshed.Credential
	return false, nil
}

// Refresh implements [sdk.Refresher].
func (p *provider) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	c, err := p.recall(req)
	if err != nil {
		return nil, err
	}
	if !c.entry.Refreshes() {
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: "The source gives nothing to refresh with."}
	}
	refreshed, err := c.source().Refresh(ctx, c.request(req))
	if err != nil {
		return nil, err
	}
	refreshed.Credential = c.keeps(refreshed.Credential)
	return refreshed, nil
}

// Check implements [sdk.Checker].
func (p *provider) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	c, err := p.recall(req)
	if err != nil {
		return err
	}
	return c.source().Check(ctx, c.request(req))
}
