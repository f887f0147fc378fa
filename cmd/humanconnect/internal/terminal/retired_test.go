package terminal

import (
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// withRetired are the usual sources, of which the ring is retired.
func withRetired() []source.Source {
	all := sources()
	for i := range all {
		if all[i].ID == "ring" {
			all[i].Programme = sdk.Programme{Status: sdk.ProgrammeRetired, Text: "Night Ring was shut down in 2026."}
		}
	}
	return all
}

func TestRetiredSourceIsListedAndSaysWhyItIsRefused(t *testing.T) {
	refused := failure.New(failure.NotSupported, "Night Ring was shut down in 2026.")
	s := newStage(t, &clinic{steps: []any{refused}}, withRetired()).press("night").wants("Night Ring", "retired").press("enter")
	s.await()
	s.await()
	s.wants("Night Ring could not be connected", "Night Ring was shut down in 2026.")
}

func TestRetiredSourceThatIsConnectedIsOnlyDisconnected(t *testing.T) {
	c := &clinic{connections: []session.Connected{{ID: "con_c", Source: "ring", SourceName: "Night Ring", AccountLabel: "ada", Since: noon()}}}
	newStage(t, c, withRetired()).press("night", "enter").wants("Disconnect").lacks("again").lacks("another account")
	k := newTalk(t, c, withRetired())
	k.hears("Night Ring, connected as ada, retired", asks).finishes()
}

func TestWrongConfigurationNamesItsKeyAndItsPage(t *testing.T) {
	f := failure.New(failure.BadConfiguration, "The source needs a client id.")
	f.Setting = failure.SettingClientID
	f = f.For("clinic", "https://clinic.example/access")
	s := newStage(t, &clinic{steps: []any{f}}, sources()).press("enter")
	s.await()
	s.await()
	s.wants("What to do: set it in the config file: sources: [{id: clinic, clientId: …}].", "Also: see https://clinic.example/access")
}
