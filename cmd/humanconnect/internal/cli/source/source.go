// Package source has the commands that list and show sources.
package source

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
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
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Group        string           `json:"group"`
	Provider     string           `json:"provider"`
	Methods      []sdk.Method     `json:"methods"`
	Capabilities []sdk.Capability `json:"capabilities"`
	// Hosts is set only by source show: a cached description is no reliable answer to where data goes.
	Hosts    []string   `json:"hosts,omitzero"`
	Fields   []fieldRow `json:"fields"`
	Settings []fieldRow `json:"settings"`
	// Definition is null where the source is as its provider has it.
	Definition *definitionRow `json:"definition"`
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
	Kind     sdk.Kind `json:"kind"`
	Required bool     `json:"required"`
	Help     string   `json:"help,omitempty"`
	Choices  []string `json:"choices,omitempty"`
}

func rowOf(s source.Source) row {
	return row{
		ID: s.ID, Name: s.Name, Group: s.Group, Provider: s.Provider, Methods: iostreams.OrEmpty(s.Methods),
		Capabilities: iostreams.OrEmpty(s.Capabilities), Fields: fieldRows(s.Fields), Settings: fieldRows(s.Declared),
		Definition: definitionOf(s),
	}
}

func fieldRows(fields []sdk.Field) []fieldRow {
	out := []fieldRow{}
	for _, f := range fields {
		r := fieldRow{ID: f.ID, Label: f.Label, Kind: f.Kind, Required: f.Required, Help: f.Help}
		for _, c := range f.Choices {
			r.Choices = append(r.Choices, c.Value)
		}
		out = append(out, r)
	}
	return out
}

func newList(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List the sources that can be connected",
		Long: `List the sources that the installed providers and the config offer, or those whose id, name
or group contains QUERY. Descriptions of providers are cached, so a second list starts no
process.`,
		Example: "  humanconnect source list\n  humanconnect source list clinic -o json",
		Args:    command.UpToArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return list(a, c, strings.Join(args, "")) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider)
}

func list(a *app.App, c *cobra.Command, query string) error {
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	catalog, err := inst.Catalog(c.Context())
	if err != nil {
		return err
	}
	for _, broken := range inst.Providers.Broken() {
		a.IO.Warn("skipped: %s [%s]", broken, problem.CodeOf(broken))
	}
	var rows []row
	for _, s := range catalog.Search(query) {
		rows = append(rows, rowOf(s))
	}
	return command.PrintList(a.IO, rows, []string{"SOURCE", "NAME", "GROUP", "METHODS", "PROVIDER"}, func(r row) []string {
		return []string{r.ID, r.Name, r.Group, methodsOf(r), r.Provider}
	})
}

func methodsOf(r row) string {
	if len(r.Methods) == 0 {
		return "at once"
	}
	methods := make([]string, len(r.Methods))
	for i, m := range r.Methods {
		methods[i] = string(m)
	}
	return strings.Join(methods, ", ")
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Show the methods, fields and capabilities of a source",
		Long:              "Show a source: its methods, the fields of its forms, the hosts that it contacts, its capabilities\nand its settings, and where the config defines it. Its provider is started.",
		Example:           "  humanconnect source show sandbox-clinic -o json",
		Args:              command.ExactArgs("ID"),
		ValidArgsFunction: command.Sources(a),
		RunE:              func(c *cobra.Command, args []string) error { return show(a, c, args[0]) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider)
}

func show(a *app.App, c *cobra.Command, id string) error {
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	s, err := inst.FindLive(c.Context(), id)
	if err != nil {
		return err
	}
	r := rowOf(s)
	r.Hosts = iostreams.OrEmpty(s.Hosts)
	return a.IO.Print(r, func(w io.Writer) error {
		var caps []string
		for _, k := range r.Capabilities {
			caps = append(caps, string(k))
		}
		rows := [][]string{
			{"source", r.ID},
			{"name", r.Name},
			{"group", r.Group},
			{"provider", r.Provider},
			{"methods", methodsOf(r)},
			{"capabilities", iostreams.OrNone(strings.Join(caps, ", "))},
			{"hosts", iostreams.OrNone(strings.Join(r.Hosts, ", "))},
		}
		if r.Definition != nil {
			rows = append(rows, []string{"definition", r.Definition.At + ", for " + r.Definition.AppliesTo + " connections"})
		}
		return iostreams.WriteTable(w, nil, append(append(rows, describeFields("field", r.Fields)...), describeFields("setting", r.Settings)...))
	})
}

func describeFields(what string, fields []fieldRow) [][]string {
	var rows [][]string
	for _, f := range fields {
		text := fmt.Sprintf("%s (%s)", f.Label, f.Kind)
		if !f.Required {
			text = fmt.Sprintf("%s (%s, optional)", f.Label, f.Kind)
		}
		if len(f.Choices) > 0 {
			text += ": " + strings.Join(f.Choices, ", ")
		}
		rows = append(rows, []string{what + " " + f.ID, text})
	}
	return rows
}
