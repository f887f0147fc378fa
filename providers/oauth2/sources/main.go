// The program sources writes what is made of the catalogues of our providers: catalog/described.go and
// catalog/definition.schema.json, which the oauth2 provider describes itself by, and docs/sources.md, with the sources of the key
// provider and others.yaml: which sources humanconnect knows, which of them it connects, and why not the others.
//
//	go run ./providers/oauth2/sources
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	key "github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
)

//go:embed others.yaml
var others []byte

// other is a source that no catalogue has under its id.
type other struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Verdict string `yaml:"verdict"`
	// Kind of provider that a later source belongs to.
	Kind string `yaml:"kind"`
	// As is the id that a source has here.
	As     string `yaml:"as"`
	Reason string `yaml:"reason"`
}

func main() {
	made, err := files()
	for path, text := range made {
		err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// files are those that are made, by their paths in the repository.
func files() (map[string]string, error) {
	text, err := document()
	if err != nil {
		return nil, err
	}
	schema, err := catalog.MakeDefinitionSchema(true)
	if err != nil {
		return nil, err
	}
	descriptions, err := described()
	return map[string]string{
		"docs/sources.md": text, "providers/oauth2/catalog/described.go": descriptions,
		"providers/oauth2/catalog/definition.schema.json": schema + "\n",
	}, err
}

func readOthers() ([]other, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(others))
	decoder.KnownFields(true)
	var read []other
	err := decoder.Decode(&read)
	return read, err
}

// document is docs/sources.md.
func document() (string, error) {
	rest, err := readOthers()
	if err != nil {
		return "", err
	}
	slices.SortFunc(rest, func(a, b other) int { return strings.Compare(a.ID, b.ID) })
	var out strings.Builder
	ids := catalog.IDs()
	fmt.Fprintf(&out, head, len(ids)+len(key.IDs()), count(rest, "later"), count(rest, "out"))
	for _, id := range ids {
		s, err := catalog.Load(id)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", s.ID, linked(s), s.Group, can(s), remarks(s))
	}
	if err := keys(&out); err != nil {
		return "", err
	}
	for _, section := range []struct{ verdict, title, columns string }{
		{"in", "Under another id", "| id | name | id here | |\n|---|---|---|---|\n"},
		{"later", "Later", "| id | name | provider | why |\n|---|---|---|---|\n"},
		{"out", "Out", "| id | name | | why |\n|---|---|---|---|\n"},
	} {
		fmt.Fprintf(&out, "\n## %s\n\n%s", section.title, section.columns)
		for _, o := range rest {
			if o.Verdict == section.verdict {
				fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", o.ID, o.Name, o.Kind+o.As, o.Reason)
			}
		}
	}
	return out.String(), nil
}

const head = `# Sources

Made by ` + "`go run ./providers/oauth2/sources`" + ` from the catalogues of [oauth2](../providers/oauth2/catalog) and
[key](../providers/key/catalog), and [others.yaml](../providers/oauth2/sources/others.yaml); do not edit it. %d sources are in,
%d are later, %d are out.

To connect a source that is in by OAuth 2.0, register a client at its vendor and put it into the config; a source with a key
[needs nothing of that](#in-key):

` + "```yaml" + `
sources:
  - id: withings
    clientId: YOUR-CLIENT-ID
    clientSecret: { file: /run/secrets/withings }
` + "```" + `

None of them was asked live: the data is from the vendors' documentation and from projects that use them, and a test runs
each against a server that behaves as its data says. What is not known is left out of the data, and nothing is guessed.

## In (oauth2)

What a source can do beside connecting: *refresh* without the person, *check* whether access works, *revoke* it at the source.
"medium" marks a source that is known from one project, or whose documentation was not read.

| id | name | group | can | remarks |
|---|---|---|---|---|
`

func count(all []other, verdict string) (n int) {
	for _, o := range all {
		if o.Verdict == verdict {
			n++
		}
	}
	return n
}

func linked(s *catalog.Source) string {
	if s.Documentation == "" {
		return s.Name
	}
	return "[" + s.Name + "](" + s.Documentation + ")"
}

func can(s *catalog.Source) string {
	var words []string
	for _, c := range []struct {
		word string
		has  bool
	}{{"refresh", s.Refreshes()}, {"check", s.Checks()}, {"revoke", s.Revokes()}} {
		if c.has {
			words = append(words, c.word)
		}
	}
	if len(words) == 0 {
		return "—"
	}
	return strings.Join(words, ", ")
}

// remarks are what a person should know who registers a client.
func remarks(s *catalog.Source) string {
	var all []string
	add := func(text string) {
		if text != "" {
			all = append(all, text)
		}
	}
	if s.Programme.Retired() {
		add("**Retired.**")
	}
	if s.Confidence == "medium" {
		add("medium.")
	}
	add(s.Programme.Text)
	for _, d := range s.Programme.Dates {
		add(d.Date + ": " + d.Text)
	}
	if s.Redirect != "" {
		add("Redirect URI: " + strings.ToLower(s.Redirect[:1]) + s.Redirect[1:])
	}
	if s.Account.From == catalog.FromNothing {
		add("Accounts cannot be distinguished.")
	}
	for _, note := range s.Notes {
		if note != "Accounts cannot be distinguished." {
			add(note)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		add("Variant `" + name + "`: " + s.Variants[name] + ".")
	}
	return strings.Join(all, " ")
}
