package catalog

import (
	"maps"
	"slices"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// SettingVariant is the setting that names a variant of a source.
const SettingVariant = "variant"

// Describe returns what humanconnect knows of a source before it is connected.
func (s *Source) Describe() sdk.Source {
	out := sdk.Source{
		ID: s.ID, Name: s.Name, Group: s.Group, Methods: []sdk.Method{sdk.MethodBrowser}, Hosts: s.hosts(),
		Settings: s.clientSettings(), Scopes: s.Scopes.Default, DocumentationURL: s.Documentation, RedirectURIs: s.Redirect,
		Programme: s.Programme.described(), Notes: s.notes(), Tested: s.tested(),
	}
	if anyVariant(s, (*Entry).TakesKey) {
		out.Settings = append(out.Settings, oauth2.KeySettings()...)
	}
	if inputs := s.inputs(); len(inputs) > 0 {
		out.Methods = append(out.Methods, sdk.MethodForm)
		out.Fields = FieldsOf(inputs)
		for _, field := range out.Fields {
			field.Required = false // a person is asked for what is not set
			out.Settings = append(out.Settings, field)
		}
		if slices.ContainsFunc(inputs, func(in Input) bool { return in.Kind == InputURL }) {
			out.Settings = append(out.Settings, sdk.Field{
				ID: endpoint.SettingAllowedHosts, Label: "Allowed hosts", Kind: sdk.KindText,
				Help: "Hosts that people may name although their address is not public: HOST or HOST:PORT, with blanks or commas between them.",
			})
		}
	}
	if len(s.Variants) > 0 {
		field := sdk.Field{ID: SettingVariant, Label: "Variant", Kind: sdk.KindChoice, Help: "Without one the source is as it is described."}
		for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
			field.Choices = append(field.Choices, sdk.Choice{Value: name, Label: s.Variants[name]})
		}
		out.Settings = append(out.Settings, field)
	}
	for _, c := range []struct {
		has        func(*Entry) bool
		capability sdk.Capability
	}{
		{(*Entry).Revokes, sdk.CapabilityRevoke},
		{(*Entry).Refreshes, sdk.CapabilityRefresh},
		{(*Entry).Checks, sdk.CapabilityCheck},
	} {
		if anyVariant(s, c.has) {
			out.Capabilities = append(out.Capabilities, c.capability)
		}
	}
	return out
}

// clientSettings are those of a client, with what every client of the source has as required.
func (s *Source) clientSettings() []sdk.Field {
	fields := oauth2.ClientSettings()
	for i := range fields {
		switch fields[i].ID {
		case oauth2.SettingClientID:
			fields[i].Required = true
		case oauth2.SettingClientSecret:
			fields[i].Required = !anyVariant(s, func(e *Entry) bool { return !e.needsSecret() })
		}
	}
	return fields
}

// needsSecret says whether every client has a secret: all methods to authenticate are client_secret_basic and
// client_secret_post (RFC 7591 §2).
func (e *Entry) needsSecret() bool {
	methods := append([]string{e.TokenEndpointAuthMethod}, e.TokenEndpointAuthMethodsSupported...)
	return !slices.ContainsFunc(methods, func(m string) bool { return m != AuthBasic && m != AuthPost })
}

func (p Programme) described() sdk.Programme {
	out := sdk.Programme{Status: sdk.ProgrammeStatus(p.Status), Text: p.Text}
	for _, d := range p.Dates {
		out.Changes = append(out.Changes, sdk.Change{Date: d.Date, Text: d.Text})
	}
	return out
}

// accountsAlike is the note of a source that has no account ids.
const accountsAlike = "Accounts cannot be distinguished."

func (s *Source) notes() []string {
	notes := slices.Clone(s.Notes)
	if s.Account.From == FromNothing && !slices.Contains(notes, accountsAlike) {
		notes = append(notes, accountsAlike)
	}
	return notes
}

// tested says how the data was tested, and where it is from.
func (s *Source) tested() string {
	from, known := map[string]string{
		"high":   "The data is from the vendor's documentation, or from several projects that use it.",
		"medium": "The data is from one project that uses it, or from documentation that was not read first-hand.",
	}[s.Confidence]
	if !known {
		return ""
	}
	return from + " It was tested with a server that behaves as the data says, and not with the vendor's own."
}

// anyVariant says whether something holds of the source or one of its variants.
func anyVariant(s *Source, holds func(*Entry) bool) bool {
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

// inputs has those of the source and its variants.
func (s *Source) inputs() []Input {
	inputs := slices.Clone(s.Inputs)
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		v, err := s.Variant(name)
		if err != nil {
			continue // Parse has read it
		}
		for _, in := range v.Inputs {
			if !slices.ContainsFunc(inputs, func(have Input) bool { return have.ID == in.ID }) {
				inputs = append(inputs, in)
			}
		}
	}
	return inputs
}

func (s *Source) hosts() []string {
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

// FieldsOf are the fields of a form that asks for inputs.
func FieldsOf(inputs []Input) (fields []sdk.Field) {
	for _, in := range inputs {
		kind := sdk.KindText
		if in.Kind == InputURL {
			kind = sdk.KindURL
		}
		fields = append(fields, sdk.Field{ID: in.ID, Label: in.Label, Kind: kind, Required: true, Help: in.Help})
	}
	return fields
}
