package source

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

func newList(a *app.App) *cobra.Command {
	var f source.Filter
	var method string
	c := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List the sources that can be connected",
		Long: `List the sources that the installed providers and the config offer, by group; with QUERY those whose
id, name or group contains each of its words. STATE is "ready" if this installation has every
required setting, such as the client id, and names what registering a client takes: "approval" by
the vendor, "paid", or "retired" for a source that can no longer be connected.

Descriptions of providers are cached, so a second list starts no process.`,
		Example: `  humanconnect source list
  humanconnect source list --group wearables --method browser
  humanconnect source list --ready -o json`,
		Args: command.UpToArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.Query, f.Method = strings.Join(args, ""), sdk.Method(method)
			return list(a, c, f)
		},
	}
	methods := []string{string(sdk.MethodForm), string(sdk.MethodBrowser), string(sdk.MethodCode)}
	c.Flags().StringVar(&f.Group, "group", "", "only sources of this group `NAME`")
	c.Flags().Var(&command.Choice{Value: &method, Of: methods}, "method", "only sources with this method: "+strings.Join(methods, ", "))
	c.Flags().BoolVar(&f.Ready, "ready", false, "only sources that this installation has a client and all other required settings for")
	_ = c.RegisterFlagCompletionFunc("group", command.SourceGroups(a)) // fails only for an unknown flag
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider)
}

func list(a *app.App, c *cobra.Command, f source.Filter) error {
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	catalog, err := inst.Catalog(c.Context())
	if err != nil {
		return err
	}
	inst.WarnOfSkipped()
	inst.WarnOfConflicts(catalog.Conflicts())
	rows := []row{}
	for _, s := range catalog.Select(f, a.Environ()) {
		rows = append(rows, rowOf(s, a.Environ()))
	}
	if len(rows) == 0 && f.Group != "" && !catalog.HasGroup(f.Group) {
		a.IO.Warn("no source has the group %q; the groups are: %s", f.Group, strings.Join(catalog.Groups(), ", "))
	}
	if err := a.IO.Print(rows, func(w io.Writer) error { return writeByGroup(w, rows, a.IO.Width()) }); err != nil {
		return err
	}
	command.SayIfNone(a.IO, len(rows), "sources")
	return nil
}

// writeByGroup writes a table with a heading above the sources of each group. Names are cut where a width other than 0 demands it.
func writeByGroup(w io.Writer, rows []row, width int) error {
	cells := [][]string{{"  SOURCE", "NAME", "STATE", "METHODS"}}
	for _, r := range rows {
		cells = append(cells, []string{"  " + r.ID, iostreams.Clean(r.Name), stateOf(r), methodsOf(r)})
	}
	if width > 0 {
		cutNames(cells, width)
	}
	var table bytes.Buffer
	if err := iostreams.WriteTable(&table, nil, cells); err != nil {
		return err
	}
	var out strings.Builder
	group, next := "", 0
	for line := range strings.Lines(table.String()) {
		if next > 0 && (next == 1 || !strings.EqualFold(command.Text(rows[next-1].Group), group)) {
			group = command.Text(rows[next-1].Group)
			out.WriteString("\n" + iostreams.Clean(headingOf(group)) + "\n")
		}
		out.WriteString(line)
		next++
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// minName is how long the names in a list are at least, in characters.
const minName = 16

// cutNames makes rows as wide as they may be by cutting the second cell.
func cutNames(cells [][]string, width int) {
	room := width
	for column := range cells[0] {
		widest := 0
		for _, row := range cells {
			widest = max(widest, utf8.RuneCountInString(row[column]))
		}
		if column != 1 {
			room -= widest + 2
		}
	}
	room = max(room, minName)
	for _, row := range cells {
		if name := []rune(row[1]); len(name) > room {
			row[1] = string(name[:room-1]) + "…"
		}
	}
}

func headingOf(group string) string {
	if group == "" {
		return "Other"
	}
	return group
}

// stateOf is whether the source can be connected, and on which terms a client is registered.
func stateOf(r row) string {
	var words []string
	if r.Ready {
		words = append(words, "ready")
	}
	if r.Programme != nil && r.Programme.Status != nil && *r.Programme.Status != sdk.ProgrammeOpen {
		words = append(words, string(*r.Programme.Status))
	}
	return strings.Join(words, ", ")
}
