package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

func newSource(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "source",
		Short:   "Look at the sources that can be connected",
		Long:    "Look at the sources that the installed providers and the config offer.",
		Example: "  humanconnect source list",
	})
	c.AddCommand(newSourceList(app), newSourceShow(app))
	return exits(c, exitOK, exitUsage)
}

// sourceRow is a source as it is listed.
type sourceRow struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Group        string           `json:"group"`
	Provider     string           `json:"provider"`
	Methods      []sdk.Method     `json:"methods"`
	Capabilities []sdk.Capability `json:"capabilities"`
	// Hosts stand there only where a source is shown: what is remembered of a provider is no answer to where data go.
	Hosts    []string   `json:"hosts,omitzero"`
	Fields   []fieldRow `json:"fields"`
	Settings []fieldRow `json:"settings"`
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

func sourceRowOf(s source.Source) sourceRow {
	return sourceRow{
		ID: s.ID, Name: s.Name, Group: s.Group, Provider: s.Provider, Methods: orEmpty(s.Methods),
		Capabilities: orEmpty(s.Capabilities), Fields: fieldRows(s.Fields), Settings: fieldRows(s.Declared),
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

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func newSourceList(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List the sources that can be connected",
		Long: `List the sources that the installed providers and the config offer, or those whose id, name
or group contains QUERY. What a provider offers is remembered, so that the list starts no
process once it was made.`,
		Example: "  humanconnect source list\n  humanconnect source list clinic -o json",
		Args:    upToArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return app.sourceList(c, strings.Join(args, "")) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider)
}

func (a *App) sourceList(c *cobra.Command, query string) error {
	st, err := a.prepare()
	if err != nil {
		return err
	}
	defer st.Close()
	catalog, err := st.catalog(c.Context())
	if err != nil {
		return err
	}
	for _, broken := range st.sources.brokenOnes() {
		a.warn("left out: %s [%s]", broken, codeOf(broken))
	}
	rows := []sourceRow{}
	for _, s := range catalog.Search(query) {
		rows = append(rows, sourceRowOf(s))
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{r.ID, r.Name, r.Group, methodsOf(r), r.Provider})
		}
		return writeTable(w, []string{"SOURCE", "NAME", "GROUP", "METHODS", "PROVIDER"}, cells)
	})
}

func methodsOf(r sourceRow) string {
	if len(r.Methods) == 0 {
		return "at once"
	}
	methods := make([]string, len(r.Methods))
	for i, m := range r.Methods {
		methods[i] = string(m)
	}
	return strings.Join(methods, ", ")
}

func newSourceShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show ID",
		Short:             "Show what a source asks for and can do",
		Long:              "Show a source: how it is connected, the fields of its forms, the hosts that it talks to,\nwhat it can do, and its settings. Its provider is asked.",
		Example:           "  humanconnect source show sandbox-clinic -o json",
		Args:              exactArgs("ID"),
		ValidArgsFunction: app.completeSources,
		RunE:              func(c *cobra.Command, args []string) error { return app.sourceShow(c, args[0]) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider)
}

func (a *App) sourceShow(c *cobra.Command, id string) error {
	st, err := a.prepare()
	if err != nil {
		return err
	}
	defer st.Close()
	s, err := st.findLive(c.Context(), id)
	if err != nil {
		return err
	}
	r := sourceRowOf(s)
	r.Hosts = orEmpty(s.Hosts)
	return a.print(r, func(w io.Writer) error {
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
			{"can", orNone(strings.Join(caps, ", "))},
			{"hosts", orNone(strings.Join(r.Hosts, ", "))},
		}
		return writeTable(w, nil, append(append(rows, describeFields("field", r.Fields)...), describeFields("setting", r.Settings)...))
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
