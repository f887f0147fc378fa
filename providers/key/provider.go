package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// version of this provider.
const version = "1.0.0"

// provider implements [sdk.Provider], [sdk.SourceDescriber] and [sdk.Checker]. It keeps nothing of an attempt.
type provider struct {
	// load reads a source by its id, and ids has all of them.
	load func(id string) (*catalog.Source, error)
	ids  func() []string
	// public makes what sends requests to addresses that a person typed.
	public func(endpoint.Allowed) http.RoundTripper
}

func newProvider() *provider {
	public := func(a endpoint.Allowed) http.RoundTripper { return a.Transport() }
	return &provider{load: catalog.Load, ids: catalog.IDs, public: public}
}

// Describe implements [sdk.Provider].
func (p *provider) Describe(context.Context) (*sdk.Description, error) { return p.describe(p.ids()) }

// DescribeSource implements [sdk.SourceDescriber].
func (p *provider) DescribeSource(_ context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	if _, err := p.load(req.Source); err != nil {
		return p.describe(nil)
	}
	return p.describe([]string{req.Source})
}

func (p *provider) describe(ids []string) (*sdk.Description, error) {
	d := &sdk.Description{Name: "key", Version: version, Settings: []sdk.Field{{
		ID: endpoint.SettingTestServer, Label: "Test server", Kind: sdk.KindURL,
		Help: "For tests: an http address on loopback that answers for every host of the source.",
	}}}
	for _, id := range ids {
		s, err := p.load(id)
		if err != nil {
			return nil, err
		}
		d.Sources = append(d.Sources, s.Describe())
	}
	return d, nil
}

// Disconnect implements [sdk.Provider].
func (p *provider) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	c, err := p.recall(req)
	if err != nil {
		return err
	}
	if c.kind.Revocation == nil {
		return &sdk.Error{Code: sdk.NotSupported, Message: "The source has no way to end a key: its owner does that there."}
	}
	return c.revoke(ctx)
}

// Check implements [sdk.Checker].
func (p *provider) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	c, err := p.recall(req)
	if err != nil {
		return err
	}
	_, err = c.check(ctx, catalog.AtCheck)
	return err
}

func (p *provider) source(id string) (*catalog.Source, error) {
	s, err := p.load(id)
	if err != nil {
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: fmt.Sprintf("There is no source %q.", id)}
	}
	return s, nil
}
