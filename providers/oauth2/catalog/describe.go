package catalog

import (
	"maps"
	"slices"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// SettingVariant is the setting that names a variant of a source.
const SettingVariant = "variant"

// Describe returns what humanconnect knows of a source before it is connected.
func (s *Source) Describe() sdk.Source {
	out := sdk.Source{
		ID: s.ID, Name: s.Name, Group: s.Group, Methods: []sdk.Method{sdk.MethodBrowser}, Hosts: s.hosts(),
		Settings: oauth2.ClientSettings(),
	}
	if s.Programme.Retired() {
		out.Name += " (retired)"
	}
	if inputs := s.inputs(); len(inputs) > 0 {
		out.Methods = append(out.Methods, sdk.MethodForm)
		out.Fields = FieldsOf(inputs)
		for _, field := range out.Fields {
			field.Required = false // a person is asked for what is not set
			out.Settings = append(out.Settings, field)
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
