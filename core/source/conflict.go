package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// Conflict is a source that several providers claim, none of which the config chooses. It is refused, and no other source is.
type Conflict struct {
	Source string `json:"source"`
	// Providers that claim it, sorted.
	Providers []string `json:"providers"`

	config config.Source
}

// Conflicts lists the conflicts among the claims of providers, by the id of the source.
func Conflicts(chosen []config.Source, claims map[string][]string) []Conflict {
	claimants := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		for _, id := range claims[name] {
			claimants[id] = append(claimants[id], name)
		}
	}
	var out []Conflict
	for _, id := range slices.Sorted(maps.Keys(claimants)) {
		at := slices.IndexFunc(chosen, func(c config.Source) bool { return c.ID == id })
		if len(claimants[id]) < 2 || at >= 0 && chosen[at].Provider != "" {
			continue
		}
		c := Conflict{Source: id, Providers: claimants[id]}
		if at >= 0 {
			c.config = chosen[at]
		}
		out = append(out, c)
	}
	return out
}

// Problem is what is wrong, with code [CodeConflict]. It proposes none of the providers before another one.
func (c Conflict) Problem() error {
	fact := c.Text()
	if c.config.ID != "" {
		fact += "; " + c.config.At.Exact() + " chooses none of them"
	}
	return problem.New(CodeConflict, "several providers offer the same source").Fact("%s", fact).Hint("%s", c.Hint())
}

// Text says who offers which source.
func (c Conflict) Text() string { return c.Source + " is offered by " + andList(c.Providers) }

// Hint has the line of the config for each choice.
func (c Conflict) Hint() string {
	lines := make([]string, len(c.Providers))
	for i, name := range c.Providers {
		lines[i] = "sources: [{id: " + c.Source + ", provider: " + name + "}]"
	}
	return "choose one in the config file: " + strings.Join(lines, " or ")
}

// andList joins names: "a and b", "a, b and c".
func andList(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
