package catalog

import (
	"slices"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
)

// Describe returns what humanconnect knows of a source before it is connected.
func (s *Source) Describe() sdk.Source {
	out := sdk.Source{
		ID: s.ID, Name: s.Name, Group: s.Group, Methods: []sdk.Method{sdk.MethodForm}, Fields: FieldsOf(s.Inputs), Hosts: s.Hosts(),
		Capabilities: []sdk.Capability{sdk.CapabilityCheck}, DocumentationURL: s.Documentation, Notes: s.Notes, Tested: s.Tested,
		Programme: sdk.Programme{Status: sdk.ProgrammeStatus(s.Programme.Status), Text: s.Programme.Text},
	}
	for _, d := range s.Programme.Dates {
		out.Programme.Changes = append(out.Programme.Changes, sdk.Change{Date: d.Date, Text: d.Text})
	}
	for _, field := range out.Fields {
		field.Required = false // a person is asked for what is not set
		out.Settings = append(out.Settings, field)
	}
	if slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.Kind == KindURL }) {
		out.Settings = append(out.Settings, sdk.Field{
			ID: endpoint.SettingAllowedHosts, Label: "Allowed hosts", Kind: sdk.KindText,
			Help: "Hosts that people may name although their address is not public: HOST, HOST:PORT or, without encryption, http://HOST:PORT.",
		})
	}
	if s.Revokes() {
		out.Capabilities = append(out.Capabilities, sdk.CapabilityRevoke)
	}
	return out
}

// Revokes says whether a credential can be ended at the source.
func (s *Source) Revokes() bool {
	for _, c := range s.Credentials {
		if c.Revocation != nil {
			return true
		}
	}
	return false
}

// FieldsOf are the fields of a form that asks for inputs.
func FieldsOf(inputs []Input) (fields []sdk.Field) {
	kinds := map[string]sdk.Kind{KindSecret: sdk.KindSecret, KindURL: sdk.KindURL, KindChoice: sdk.KindChoice}
	for _, in := range inputs {
		field := sdk.Field{ID: in.ID, Label: in.Label, Kind: sdk.KindText, Required: !in.Optional, Help: in.Help}
		if kind, ok := kinds[in.Kind]; ok {
			field.Kind = kind
		}
		for _, c := range in.Choices {
			field.Choices = append(field.Choices, sdk.Choice{Value: c.Value, Label: c.Label})
		}
		fields = append(fields, field)
	}
	return fields
}
