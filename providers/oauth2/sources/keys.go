package main

import (
	"fmt"
	"io"
	"strings"

	key "github.com/humanconnect/humanconnect/providers/key/catalog"
)

// keys writes the sources of the key provider.
func keys(out io.Writer) error {
	fmt.Fprint(out, headOfKeys)
	for _, id := range key.IDs() {
		s, err := key.Load(id)
		if err != nil {
			return err
		}
		name, can := s.Name, "check"
		if s.Documentation != "" {
			name = "[" + s.Name + "](" + s.Documentation + ")"
		}
		if s.Revokes() {
			can += ", revoke"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s | %s |\n", s.ID, name, s.Group, asks(s), can, remarksOfKey(s))
	}
	return nil
}

const headOfKeys = `
## In (key)

A person types what the source needs, and it is checked by one call. There is nothing to register and nothing to configure:

` + "```console" + `
$ humanconnect token create --client-id app --client-user-id ada > token
$ humanconnect open --token @token --connect nightscout \
    --answer nightscout.url=https://ns.example.org --answer nightscout.token=@nightscout-token
$ humanconnect connection list
` + "```" + `

An address that a person types is https and public. One in the operator's own network needs an exception:

` + "```yaml" + `
sources:
  - id: nightscout
    settings: { allowed_hosts: "ns.lan http://192.168.1.5:1337" } # the second one without encryption
` + "```" + `

Each input can be a setting as well; then people do not type it.

| id | name | group | asks for | can | remarks |
|---|---|---|---|---|---|
`

// asks lists the inputs of a source: one kind of credential, or another.
func asks(s *key.Source) string {
	var kinds []string
	for _, c := range s.Credentials {
		kinds = append(kinds, "`"+strings.Join(c.Needs, "`, `")+"`")
	}
	return strings.Join(kinds, "; or ")
}

func remarksOfKey(s *key.Source) string {
	var all []string
	if s.Programme.Retired() {
		all = append(all, "**Retired.**")
	}
	if s.Confidence == "medium" {
		all = append(all, "medium.")
	}
	if s.Programme.Text != "" {
		all = append(all, s.Programme.Text)
	}
	for _, d := range s.Programme.Dates {
		all = append(all, d.Date+": "+d.Text)
	}
	return strings.Join(append(all, s.Notes...), " ")
}
