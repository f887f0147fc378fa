// Package source is the catalogue: every source that the installed providers and the config offer.
package source

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Source is a source that can be connected, with the provider that reaches it and its settings.
type Source struct {
	sdk.Source
	// Provider that reaches it.
	Provider string
	// Declared are all settings that the source takes: its provider's and its own.
	Declared []sdk.Field

	config config.Source
}

// Described is what an installed provider says of itself.
type Described struct {
	Provider    string
	Description sdk.Description
}

// Catalog is an immutable list of sources. It is safe for concurrent use.
type Catalog struct {
	sources map[string]Source
}

// The codes of the problems of this package.
const (
	// CodeUnknown: nobody offers the source.
	CodeUnknown = "source_unknown"
	// CodeConflict: two providers claim a source, and the config does not choose.
	CodeConflict = "source_conflict"
	// CodeInvalid: what the config says of a source is wrong.
	CodeInvalid = "source_config_invalid"
)

// Load makes the catalogue. It refuses a source that two providers claim, until the config chooses one, and settings
// that are not what the provider declares; all that is wrong with the config stands in the facts of one problem. What
// the config says of a provider that is not among the described ones is left alone: it may be broken just now.
func Load(chosen []config.Source, described []Described) (*Catalog, error) {
	l := loader{claims: make(map[string][]Source), known: make(map[string]bool), chosen: make(map[string]config.Source)}
	for _, d := range described {
		l.claim(d)
	}
	for _, c := range chosen {
		l.chosen[c.ID] = c
	}
	c := &Catalog{sources: make(map[string]Source)}
	for _, id := range slices.Sorted(maps.Keys(l.claims)) {
		if s, ok := l.choose(id); ok {
			c.sources[id] = s
		}
	}
	for _, s := range chosen {
		l.unclaimed(s)
	}
	return c, l.verdict()
}

type loader struct {
	claims    map[string][]Source
	known     map[string]bool
	chosen    map[string]config.Source
	conflicts []string
	wrong     []string
}

func (l *loader) claim(d Described) {
	l.known[d.Provider] = true
	for _, s := range d.Description.Sources {
		l.claims[s.ID] = append(l.claims[s.ID], Source{
			Source: s, Provider: d.Provider, Declared: append(slices.Clone(d.Description.Settings), s.Settings...),
		})
	}
}

// choose returns the claim that counts.
func (l *loader) choose(id string) (Source, bool) {
	claims := l.claims[id]
	c, configured := l.chosen[id]
	if configured && c.Provider != "" {
		i := slices.IndexFunc(claims, func(s Source) bool { return s.Provider == c.Provider })
		if i < 0 {
			return Source{}, false // unclaimed tells of it
		}
		claims = claims[i : i+1]
	}
	if len(claims) > 1 {
		names := make([]string, len(claims))
		for i, s := range claims {
			names[i] = s.Provider
		}
		l.conflicts = append(l.conflicts, id+": "+strings.Join(names, ", "))
		return Source{}, false
	}
	s := claims[0]
	if configured {
		s.config = c
	}
	l.wrong = append(l.wrong, settingsProblems(s, configured)...)
	return s, true
}

// unclaimed tells of a source of the config that its provider does not offer.
func (l *loader) unclaimed(c config.Source) {
	claims := l.claims[c.ID]
	switch {
	case c.Provider == "" && len(claims) == 0 && len(l.known) > 0:
		l.wrong = append(l.wrong, at(c)+"no installed provider offers this source")
	case c.Provider != "" && l.known[c.Provider] && !slices.ContainsFunc(claims, func(s Source) bool { return s.Provider == c.Provider }):
		l.wrong = append(l.wrong, at(c)+"provider "+c.Provider+" does not offer this source")
	}
}

func at(c config.Source) string { return c.At.String() + "  sources: " + c.ID + "  " }

func (l *loader) verdict() error {
	switch {
	case len(l.conflicts) > 0:
		p := problem.New(CodeConflict, "two providers offer the same source")
		p.Facts = l.conflicts
		id, _, _ := strings.Cut(l.conflicts[0], ":")
		return p.Hint("choose one in the config file: sources: [{id: %s, provider: NAME}]", id)
	case len(l.wrong) > 0:
		p := problem.New(CodeInvalid, "the config says something wrong of a source")
		p.Facts = l.wrong
		return p.Hint("see what a source takes with: humanconnect source show ID")
	}
	return nil
}

// Find returns a source, or a problem with code [CodeUnknown] that names the nearest one.
func (c *Catalog) Find(id string) (Source, error) {
	if s, ok := c.sources[id]; ok {
		return s, nil
	}
	p := problem.New(CodeUnknown, "no installed provider offers that source")
	if near := c.nearest(id); near != "" {
		p.Hint("did you mean %s?", near)
	}
	return Source{}, p.Hint("see: humanconnect source list")
}

// All returns the sources by group, name and id.
func (c *Catalog) All() []Source {
	return slices.SortedFunc(maps.Values(c.sources), func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// Search returns the sources whose id, name or group contains the query, whatever the case; all for an empty one.
func (c *Catalog) Search(query string) []Source {
	query = strings.ToLower(strings.TrimSpace(query))
	return slices.DeleteFunc(c.All(), func(s Source) bool {
		return !strings.Contains(strings.ToLower(s.ID+"\n"+s.Name+"\n"+s.Group), query)
	})
}

// nearest returns the id that differs in the fewest letters, if they are few.
func (c *Catalog) nearest(id string) string {
	best, least := "", 3
	for _, known := range slices.Sorted(maps.Keys(c.sources)) {
		if d := distance(id, known); d < least {
			best, least = known, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Resolve returns the settings of the source, secrets read. An error is a problem of package config.
func (s Source) Resolve(ctx context.Context, env config.Environment) (sdk.Settings, error) {
	out := sdk.Settings{Values: make(map[string]string), Secrets: make(map[string]sdk.Secret)}
	for _, f := range s.Declared {
		v, ok := s.setting(f.ID)
		if !ok {
			continue
		}
		text := v.Text
		if v.Ref != nil {
			var err error
			if text, err = v.Ref.Resolve(ctx, env); err != nil {
				return sdk.Settings{}, err
			}
		}
		if f.Kind == sdk.KindSecret {
			out.Secrets[f.ID] = text
		} else {
			out.Values[f.ID] = text.Reveal()
		}
	}
	return out, nil
}
