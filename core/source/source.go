// Package source merges the descriptions of providers with the config: which sources exist, who serves each, and which settings
// are valid. It resolves the settings of a source. Which description applies is decided in core/provider.
package source

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Source is a source that can be connected, with the provider that reaches it and its settings.
type Source struct {
	// Source is the provider's description. Its hosts include those of settings that are URLs.
	sdk.Source
	// Provider that reaches it.
	Provider string
	// Declared are all settings that the source takes: its own, and those of its provider that it does not declare
	// itself.
	Declared []sdk.Field

	config config.Source
}

// Described is what an installed provider says of itself.
type Described struct {
	Provider    string
	Description sdk.Description
	// Claims are the ids of the sources that it may offer: what else it describes is not used.
	Claims []string
	// Broken: the provider is installed and was not asked, or did not answer, so that only its claims are known.
	Broken bool
	// Defined are the provider's answers to definitions of the config, by source id.
	Defined map[string]Defined
}

// Catalog is an immutable list of sources. It is safe for concurrent use.
type Catalog struct {
	sources   map[string]Source
	conflicts map[string]Conflict
	// claimed are the ids that some provider claims, sorted.
	claimed []string
	// partial: a provider was not asked, or did not answer.
	partial bool
}

// The codes of the problems of this package.
const (
	// CodeUnknown: nobody offers the source.
	CodeUnknown = failure.SourceUnknown
	// CodeConflict: two providers claim a source, and the config does not choose.
	CodeConflict problem.Code = "source_conflict"
	// CodeUnknownProvider: the config names a provider that is not installed.
	CodeUnknownProvider problem.Code = "source_unknown_provider"
	// CodeInvalid: what the config says of a source is wrong.
	CodeInvalid problem.Code = "source_config_invalid"
)

// Find returns a source, or a problem: with code [CodeConflict], or with [CodeUnknown] that names the nearest one.
func (c *Catalog) Find(id string) (Source, error) {
	if s, ok := c.sources[id]; ok {
		return s, nil
	}
	if conflict, ok := c.conflicts[id]; ok {
		return Source{}, conflict.Problem()
	}
	p := problem.New(CodeUnknown, "no installed provider offers the source %q", id)
	if near := problem.Nearest(id, c.claimed); near != "" && near != id {
		p = p.Hint("did you mean %s?", near)
	}
	return Source{}, p.Hint("see: humanconnect source list")
}

// Conflicts returns the sources that are refused because several providers claim them, by id.
func (c *Catalog) Conflicts() []Conflict {
	return slices.SortedFunc(maps.Values(c.conflicts), func(a, b Conflict) int { return cmp.Compare(a.Source, b.Source) })
}

// All returns the sources by group, name and id, whatever the case.
func (c *Catalog) All() []Source {
	return slices.SortedFunc(maps.Values(c.sources), func(a, b Source) int {
		return cmp.Or(
			cmp.Compare(strings.ToLower(a.Group), strings.ToLower(b.Group)),
			cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

// Search returns the sources whose id, name and group contain every word of the query, whatever the case; all for an
// empty one. They stand in the order of All.
func (c *Catalog) Search(query string) []Source {
	words := strings.Fields(strings.ToLower(query))
	return slices.DeleteFunc(c.All(), func(s Source) bool {
		text := strings.ToLower(s.ID + "\n" + s.Name + "\n" + s.Group)
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	})
}

// CallbackURL is the address that the config gives the source's redirects, or "".
func (s Source) CallbackURL() string { return s.config.CallbackURL }
