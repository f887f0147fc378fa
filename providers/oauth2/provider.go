package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// The settings beside those of a client and the inputs of a source.
const (
	// settingVariant names a variant of the source.
	settingVariant = "variant"
	// settingBase is an address on loopback that stands for every host of the source, which becomes the first segment of the path.
	settingBase = "endpoint_base"
)

// version of this provider.
const version = "1.0.0"

// provider implements [sdk.Provider], [sdk.Refresher] and [sdk.Checker]. It keeps nothing of an attempt.
type provider struct {
	// load reads a source by its id.
	load func(id string) (*catalog.Source, error)
	// public sends requests to addresses that a person typed.
	public http.RoundTripper
}

func newProvider() *provider { return &provider{load: catalog.Load, public: publicOnly()} }

// Describe implements [sdk.Provider].
func (p *provider) Describe(context.Context) (*sdk.Description, error) {
	d := &sdk.Description{Name: "oauth2", Version: version, Settings: []sdk.Field{{
		ID: settingBase, Label: "Test server", Kind: sdk.KindURL,
		Help: "For tests: an http address on loopback that answers for every host of the source.",
	}}}
	for _, id := range catalog.IDs() {
		s, err := p.load(id)
		if err != nil {
			return nil, err
		}
		d.Sources = append(d.Sources, described(s))
	}
	return d, nil
}

func described(s *catalog.Source) sdk.Source {
	out := sdk.Source{
		ID: s.ID, Name: s.Name, Group: s.Group, Methods: []sdk.Method{sdk.MethodBrowser}, Hosts: hostsOf(s),
		Settings: oauth2.ClientSettings(),
	}
	if s.Programme.Retired() {
		out.Name += " (retired)"
	}
	if inputs := inputsOf(s); len(inputs) > 0 {
		out.Methods = append(out.Methods, sdk.MethodForm)
		out.Fields = fieldsOf(inputs)
		for _, field := range out.Fields {
			field.Required = false // a person is asked for what is not set
			out.Settings = append(out.Settings, field)
		}
	}
	if len(s.Variants) > 0 {
		field := sdk.Field{ID: settingVariant, Label: "Variant", Kind: sdk.KindChoice, Help: "Without one the source is as it is described."}
		for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
			field.Choices = append(field.Choices, sdk.Choice{Value: name, Label: s.Variants[name]})
		}
		out.Settings = append(out.Settings, field)
	}
	for _, c := range []struct {
		has        func(*catalog.Entry) bool
		capability sdk.Capability
	}{
		{(*catalog.Entry).Revokes, sdk.CapabilityRevoke},
		{(*catalog.Entry).Refreshes, sdk.CapabilityRefresh},
		{(*catalog.Entry).Checks, sdk.CapabilityCheck},
	} {
		if anyVariant(s, c.has) {
			out.Capabilities = append(out.Capabilities, c.capability)
		}
	}
	return out
}

// anyVariant says whether something holds of the source or one of its variants.
func anyVariant(s *catalog.Source, holds func(*catalog.Entry) bool) bool {
	if holds(&s.Entry) {
		return true
	}
	for name := range s.Variants {
		if v, err := s.Variant(name); err == nil && holds(v) {
			return true
		}
	}
	return false
}

// inputsOf has those of the source and its variants.
func inputsOf(s *catalog.Source) []catalog.Input {
	inputs := slices.Clone(s.Inputs)
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		v, err := s.Variant(name)
		if err != nil {
			continue // Parse has read it
		}
		for _, in := range v.Inputs {
			if !slices.ContainsFunc(inputs, func(have catalog.Input) bool { return have.ID == in.ID }) {
				inputs = append(inputs, in)
			}
		}
	}
	return inputs
}

func hostsOf(s *catalog.Source) []string {
	hosts := s.Hosts()
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		v, err := s.Variant(name)
		if err != nil {
			continue // Parse has read it
		}
		for _, host := range v.Hosts() {
			if !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

func fieldsOf(inputs []catalog.Input) (fields []sdk.Field) {
	for _, in := range inputs {
		kind := sdk.KindText
		if in.Kind == catalog.InputURL {
			kind = sdk.KindURL
		}
		fields = append(fields, sdk.Field{ID: in.ID, Label: in.Label, Kind: kind, Required: true, Help: in.Help})
	}
	return fields
}

// Connect implements [sdk.Provider].
func (p *provider) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	s, err := p.source(req.Source)
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
	if c.entry.Revocation != nil && expired(req.Credential) && c.old.RefreshToken != "" {
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

func (p *provider) source(id string) (*catalog.Source, error) {
	s, err := p.load(id)
	if err != nil {
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: fmt.Sprintf("There is no source %q.", id)}
	}
	return s, nil
}
