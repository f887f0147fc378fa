// Package source has the commands that list and show sources.
package source

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// New returns the command source.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "source",
		Short:   "List and show the sources that can be connected",
		Long:    "List and show the sources that the installed providers and the config offer.",
		Example: "  humanconnect source list",
	})
	c.AddCommand(newList(a), newShow(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a source as it is listed.
type row struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
	// Group that it is listed in.
	Group        *string          `json:"group"`
	ProviderID   string           `json:"providerId"`
	Methods      []sdk.Method     `json:"methods"`
	Capabilities []sdk.Capability `json:"capabilities"`
	// Ready: this installation has every required setting.
	Ready bool `json:"ready"`
	// Retired: it can no longer be connected.
	Retired bool `json:"retired"`
	// Programme is null where nothing is known of it.
	Programme *programme `json:"programme"`
	// Fields of its forms.
	Fields   []fieldRow   `json:"fields"`
	Settings []settingRow `json:"settings"`
	// Definition is null where the source is as its provider has it.
	Definition *definitionRow `json:"definition"`
}

const kind = "source"

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "source list", Sample: []row{{Kind: kind}}},
		{Command: "source show", Sample: details{row: row{Kind: kind}}},
	}
}

// programme is under which terms the source gives access.
type programme struct {
	// Status is null where it is not known.
	Status  *sdk.ProgrammeStatus `json:"status"`
	Text    *string              `json:"text"`
	Changes []change             `json:"changes"`
}

type change struct {
	Date string `json:"date"`
	Text string `json:"text"`
}

// definitionRow says where the config defines a source, and for which connections.
type definitionRow struct {
	At        string `json:"at"`
	AppliesTo string `json:"appliesTo"`
}

func definitionOf(s source.Source) *definitionRow {
	d := s.Definition()
	if d == nil {
		return nil
	}
	r := &definitionRow{At: d.At.Exact(), AppliesTo: "all"}
	if d.NewOnly {
		r.AppliesTo = "new"
	}
	return r
}

// fieldRow is one input of a form, or one setting.
type fieldRow struct {
	ID       string   `json:"id"`
	Label    string   `json:"label"`
	Type     sdk.Kind `json:"type"`
	Required bool     `json:"required"`
	Help     *string  `json:"help"`
	Choices  []string `json:"choices"`
}

// settingRow is a setting with its key in the config.
type settingRow struct {
	fieldRow
	Key string `json:"key"`
	// Set: the config has a value, or a reference that can be read.
	Set bool `json:"set"`
}

func rowOf(s source.Source, env config.Environment) row {
	r := row{
		Kind: kind, ID: s.ID, Name: s.Name, Group: iostreams.OrNull(s.Group), ProviderID: s.Provider, Methods: iostreams.OrEmpty(s.Methods),
		Capabilities: iostreams.OrEmpty(s.Capabilities), Ready: s.Ready(env), Retired: s.Retired(),
		Programme: programmeOf(s.Programme), Fields: []fieldRow{}, Settings: []settingRow{}, Definition: definitionOf(s),
	}
	for _, f := range s.Fields {
		r.Fields = append(r.Fields, fieldOf(f))
	}
	for _, x := range s.SettingsIn(env) {
		r.Settings = append(r.Settings, settingRow{fieldOf(x.Field), x.Key, x.Set})
	}
	return r
}

func programmeOf(p sdk.Programme) *programme {
	if p.Status == "" && p.Text == "" && len(p.Changes) == 0 {
		return nil
	}
	out := &programme{Status: iostreams.OrNull(p.Status), Text: iostreams.OrNull(p.Text), Changes: []change{}}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, change(c))
	}
	return out
}

func fieldOf(f sdk.Field) fieldRow {
	r := fieldRow{ID: f.ID, Label: f.Label, Type: f.Kind, Required: f.Required, Help: iostreams.OrNull(f.Help), Choices: []string{}}
	for _, c := range f.Choices {
		r.Choices = append(r.Choices, c.Value)
	}
	return r
}

func methodsOf(r row) string {
	if len(r.Methods) == 0 {
		return "at once"
	}
	return joined(r.Methods)
}

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}
