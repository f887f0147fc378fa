package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

var _ sdk.SourceDescriber = (*provider)(nil)

// DescribeSource implements [sdk.SourceDescriber].
func (p *provider) DescribeSource(_ context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	d := describe()
	shipped, err := p.load(req.Source)
	known := err == nil
	if !known {
		if d.DefinitionSchema, err = catalog.MakeDefinitionSchema(false); err != nil {
			return nil, err
		}
	}
	switch {
	case req.Definition != nil:
		s, err := p.source(req.Source, req.Definition)
		if err != nil {
			return nil, err
		}
		source := s.Describe()
		if known && req.Definition.NewOnly { // connections of before are still as they were
			source = both(source, shipped.Describe())
		}
		d.Sources = []sdk.Source{source}
	case known:
		d.Sources = []sdk.Source{shipped.Describe()}
	}
	return d, nil
}

// both is a source that has connections of two kinds: what each of them needs.
func both(now, before sdk.Source) sdk.Source {
	for _, host := range before.Hosts {
		if !slices.Contains(now.Hosts, host) {
			now.Hosts = append(now.Hosts, host)
		}
	}
	for _, can := range before.Capabilities {
		if !slices.Contains(now.Capabilities, can) {
			now.Capabilities = append(now.Capabilities, can)
		}
	}
	for _, setting := range before.Settings {
		if !slices.ContainsFunc(now.Settings, func(f sdk.Field) bool { return f.ID == setting.ID }) {
			now.Settings = append(now.Settings, setting)
		}
	}
	return now
}

// source reads a source, as the installation defines it if it does.
func (p *provider) source(id string, definition *sdk.Definition) (*catalog.Source, error) {
	shipped, err := p.load(id)
	if definition == nil {
		if err != nil {
			return nil, &sdk.Error{Code: sdk.NotSupported, Message: fmt.Sprintf("There is no source %q.", id)}
		}
		return shipped, nil
	}
	if err != nil {
		shipped = nil
	}
	s, err := catalog.Define(shipped, id, definition.JSON)
	if flaws := catalog.Flaws(nil); errors.As(err, &flaws) && len(flaws) > 0 {
		said := &sdk.Error{Code: sdk.BadConfiguration, Message: flaws[0].Text, Setting: flaws[0].Pointer}
		if len(flaws) > 1 {
			said.Message += "; also: " + strings.ReplaceAll(flaws[1:].Error(), "\n", "; ")
		}
		return nil, said
	}
	return s, err
}

// sourceOf reads the source of a connection. A definition that is for new connections alone is none for one that was made
// without it; overrides says that what the definition gives stands before what the connection keeps of its beginning.
func (p *provider) sourceOf(req *sdk.CredentialRequest, old pin) (s *catalog.Source, overrides bool, err error) {
	if s, err = p.source(req.Source, req.Definition); err != nil || req.Definition == nil {
		return s, false, err
	}
	if !req.Definition.NewOnly || old.Definition == s.Definition {
		return s, true, nil
	}
	if shipped, err := p.load(req.Source); err == nil && old.Definition == "" {
		return shipped, false, nil
	}
	return s, false, nil // made with another definition, which nobody has any more: what is kept of it stands
}

// pinned is an entry as a connection has it: its tokens are sent where they were when it was made, and to no host that it did
// not know then, unless a definition says so.
func pinned(s *catalog.Source, entry *catalog.Entry, old kept, overrides bool) *catalog.Entry {
	gives := func(field string) bool { return overrides && s.Gives(old.Variant, field) }
	if len(old.Addresses) == 0 {
		return entry
	}
	return entry.Keep(old.Addresses, gives)
}
