package source

import (
	"fmt"
	"io"
	"slices"
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

// details is a source as it is shown. What is not known is null.
type details struct {
	row
	// Hosts are shown only here: a cached description is no reliable answer to where data goes.
	Hosts []string `json:"hosts"`
	// Scopes that are requested.
	Scopes []string `json:"scopes"`
	// RedirectURI is what to register at the source; with PORT for its port, unless RedirectURIFixed.
	RedirectURI      *string `json:"redirectUri"`
	RedirectURIFixed bool    `json:"redirectUriFixed"`
	// RedirectURIRules says which ones the source accepts.
	RedirectURIRules *string  `json:"redirectUriRules"`
	DocumentationURL *string  `json:"documentationUrl"`
	Notes            []string `json:"notes"`
	Tested           *string  `json:"tested"`
	// Missing are the keys of the required settings that the config does not have.
	Missing []string `json:"missing"`
	// Config has the lines that set the source up; null where none are needed, and for a retired one.
	Config *string `json:"config"`
}

func detailsOf(s source.Source, env config.Environment, callback config.Callback) details {
	redirect := s.Redirect(callback)
	d := details{
		row: rowOf(s, env), Hosts: iostreams.OrEmpty(s.Hosts), Scopes: iostreams.OrEmpty(s.Scopes), RedirectURI: iostreams.OrNull(redirect.URI),
		RedirectURIFixed: redirect.Fixed, RedirectURIRules: iostreams.OrNull(s.RedirectURIs), DocumentationURL: iostreams.OrNull(s.DocumentationURL),
		Notes: iostreams.OrEmpty(s.Notes), Tested: iostreams.OrNull(s.Tested), Missing: []string{}, Config: iostreams.OrNull(s.ConfigLines()),
	}
	if s.Retired() {
		d.Config = nil
	}
	for _, x := range d.Settings {
		if x.Required && !x.Set {
			d.Missing = append(d.Missing, x.Key)
		}
	}
	return d
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show what a source needs and what it can do",
		Long: `Show a source: on which terms its vendor registers clients, what to enter there (redirect URI,
scopes), its methods and the fields of its forms, the hosts that it contacts, its capabilities, its
settings, and the lines of the config that set it up. Its provider is started.

"unknown" is what the provider does not know.`,
		Example:           "  humanconnect source show strava\n  humanconnect source show sandbox-clinic -o json",
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
	d := detailsOf(s, a.Environ(), inst.Config.Callback)
	return a.IO.Print(d, func(w io.Writer) error {
		if err := iostreams.WriteDetails(w, a.IO.Width(), d.rows()); err != nil {
			return err
		}
		return d.writeConfig(w)
	})
}

// rows are all but the lines of the config.
func (d details) rows() [][2]string {
	rows := [][2]string{
		{"source", d.ID},
		{"name", d.Name},
		{"group", headingOf(command.Text(d.Group))},
		{"provider", d.ProviderID},
		{"state", d.state()},
		{"methods", methodsOf(d.row)},
		{"capabilities", iostreams.OrNone(joined(d.Capabilities))},
	}
	if d.Definition != nil {
		rows = append(rows, [2]string{"definition", d.Definition.At + ", for " + d.Definition.AppliesTo + " connections"})
	}
	registers := slices.Contains(d.Methods, sdk.MethodBrowser) || slices.Contains(d.Methods, sdk.MethodCode)
	if registers || d.Programme != nil || d.DocumentationURL != nil {
		rows = append(rows, d.terms()...)
	}
	if registers {
		rows = append(rows, d.registration()...)
	}
	rows = append(rows, [2]string{"hosts", iostreams.OrNone(strings.Join(d.Hosts, ", "))})
	rows = append(rows, labelled("note", d.Notes)...)
	rows = append(rows, [2]string{"tested", orUnknown(d.Tested)})
	for _, f := range d.Fields {
		rows = append(rows, [2]string{"field " + f.ID, f.text(nil)})
	}
	for _, s := range d.Settings {
		rows = append(rows, [2]string{s.Key, s.text(&s.Set)})
	}
	return rows
}

// terms are those of the vendor, and its page.
func (d details) terms() [][2]string {
	status, about := "unknown", []string{}
	if p := d.Programme; p != nil {
		about = append(about, command.Text(p.Text))
		if p.Status != nil {
			status = string(*p.Status)
			about[0] = strings.TrimSuffix(status+": "+command.Text(p.Text), ": ")
		}
		for _, c := range p.Changes {
			about = append(about, c.Date+": "+c.Text)
		}
	}
	if len(about) == 0 {
		about = []string{status}
	}
	return append(labelled("programme", about), [2]string{"documentation", orUnknown(d.DocumentationURL)})
}

// registration is what a person who registers a client enters.
func (d details) registration() (rows [][2]string) {
	if d.RedirectURI != nil {
		rows = append(rows, [2]string{"redirect URI", *d.RedirectURI})
		if !d.RedirectURIFixed {
			rows = append(rows, [2]string{"", "PORT is a free port, another one each time. For a fixed one, set callback.listen, for example 127.0.0.1:8765."})
		}
		rows = append(rows, [2]string{"", "accepted by the source: " + orUnknown(d.RedirectURIRules)})
	}
	return append(rows, [2]string{"scopes", iostreams.OrNone(strings.Join(d.Scopes, " "))})
}

func (d details) state() string {
	switch {
	case d.Retired:
		return "retired: it can no longer be connected"
	case d.Ready:
		return "ready"
	}
	return "not ready: the config lacks " + strings.Join(d.Missing, ", ")
}

// writeConfig writes the lines of the config as they are, to be copied.
func (d details) writeConfig(w io.Writer) error {
	text := ""
	switch {
	case d.Config != nil:
		text = "\nLines for the config file:\n\n" + *d.Config
	case !d.Retired:
		text = "\nThe config needs nothing for this source.\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// text describes a field; set says of a setting whether the config has it.
func (f fieldRow) text(set *bool) string {
	words := []string{string(f.Type)}
	switch {
	case set == nil && !f.Required:
		words = append(words, "optional")
	case set != nil:
		words = append(words, map[bool]string{true: "required", false: "optional"}[f.Required], map[bool]string{true: "set", false: "not set"}[*set])
	}
	text := fmt.Sprintf("%s (%s)", f.Label, strings.Join(words, ", "))
	if len(f.Choices) > 0 {
		text += ": " + strings.Join(f.Choices, ", ")
	}
	return text
}

// labelled are texts of which the first has the label.
func labelled(label string, texts []string) (rows [][2]string) {
	for _, text := range texts {
		rows = append(rows, [2]string{label, text})
		label = ""
	}
	return rows
}

func orUnknown(text *string) string {
	if text == nil {
		return "unknown"
	}
	return *text
}
