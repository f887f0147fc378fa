package main

import "github.com/humanconnect/humanconnect/sdk"

// The ids of the sources.
const (
	instant = "sandbox-instant"
	clinic  = "sandbox-clinic"
	family  = "sandbox-family"
)

// deadEnd is an address without a server: the only one that clinic and family send a browser to.
const deadEnd = "127.0.0.1:9"

func description() *sdk.Description {
	return &sdk.Description{
		Name:    "sandbox",
		Version: "1.0.0",
		Settings: []sdk.Field{{
			ID: settingGreeting, Label: "Greeting", Kind: sdk.KindText, Help: "A sentence to show above every form.",
		}},
		Sources: []sdk.Source{
			{
				ID: instant, Name: "Sandbox Instant", Group: "Sandbox", Tested: tested,
				Capabilities: []sdk.Capability{sdk.CapabilityCheck},
			},
			{
				ID: clinic, Name: "Sandbox Clinic", Group: "Sandbox",
				Methods: methods(), Hosts: []string{deadEnd}, Capabilities: capabilities(),
				Fields: loginFields(), Tested: tested,
				Settings: []sdk.Field{{
					ID: settingAPIKey, Label: "API key", Kind: sdk.KindSecret,
					Help: "Where it is set, only the value sandbox-key is accepted.",
				}},
			},
			{
				ID: family, Name: "Sandbox Family", Group: "Sandbox",
				Methods: methods(), Hosts: []string{deadEnd}, Capabilities: capabilities(),
				Fields: append(loginFields(), memberField()), Tested: tested,
			},
			{
				ID: tracker, Name: "Sandbox Tracker", Group: "Sandbox", Methods: authorized(tracker).Methods,
				Hosts: []string{defaultHost}, Capabilities: lasting(), Settings: serverSettings(), Scopes: authorized(tracker).Scopes,
				Notes: serverNotes(), Tested: tested,
			},
			{
				ID: scale, Name: "Sandbox Scale", Group: "Sandbox", Methods: authorized(scale).Methods,
				Hosts: []string{defaultHost}, Capabilities: lasting(), Settings: serverSettings(), Scopes: authorized(scale).Scopes,
				Notes: serverNotes(), Tested: tested,
			},
		},
	}
}

// tested is how every source here was tested.
const tested = "Its tests run against the source itself, which is a part of humanconnect."

func serverNotes() []string {
	return []string{"It needs its authorization server: humanconnect sandbox. Without a client of your own it uses a public one."}
}

// methods has the form first; only faults use the other two.
func methods() []sdk.Method { return []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode} }

func capabilities() []sdk.Capability {
	return []sdk.Capability{sdk.CapabilityRevoke, sdk.CapabilityCheck}
}

// lasting are the capabilities of a source with an authorization server.
func lasting() []sdk.Capability { return append(capabilities(), sdk.CapabilityRefresh) }

// The fields of the forms, and the settings.
const (
	fieldUsername = "username"
	fieldPassword = "password"
	fieldMember   = "member"
	// fieldExtra is not declared: a script cannot have an answer for it.
	fieldExtra = "extra"

	settingGreeting = "greeting"
	settingAPIKey   = "api_key"
)

func loginFields() []sdk.Field {
	return []sdk.Field{
		{ID: fieldUsername, Label: "User name", Kind: sdk.KindText, Required: true, Help: "demouser"},
		{ID: fieldPassword, Label: "Password", Kind: sdk.KindSecret, Required: true, Help: "password"},
	}
}

func memberField() sdk.Field {
	return sdk.Field{
		ID: fieldMember, Label: "Member of the family", Kind: sdk.KindChoice, Required: true,
		Choices: []sdk.Choice{
			{Value: "alex", Label: "Alex"},
			{Value: "robin", Label: "Robin"},
			{Value: "sam", Label: "Sam"},
		},
	}
}
