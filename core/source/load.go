package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Load makes the catalogue. It refuses a source that two providers claim, until the config chooses one, and settings
// that are not what the provider declares; all that is wrong stands in the facts of one problem, whose code is that of
// the worst: [CodeConflict], [CodeUnknownProvider], [CodeInvalid]. What the config says of the sources of a broken
// provider is left alone.
func Load(chosen []config.Source, described []Described) (*Catalog, error) {
	l := loader{
		claims: make(map[string][]Source), broken: make(map[string]bool), chosen: make(map[string]config.Source),
		undescribed: make(map[string]bool),
	}
	for _, d := range described {
		l.claim(d)
	}
	for _, c := range chosen {
		l.chosen[c.ID] = c
		if c.Definition != nil {
			l.define(c, described)
		}
	}
	c := &Catalog{sources: make(map[string]Source), partial: len(l.broken) > 0 || l.partial}
	for _, id := range slices.Sorted(maps.Keys(l.claims)) {
		if s, ok := l.choose(id); ok {
			c.sources[id] = s
		}
	}
	for _, s := range chosen {
		l.unclaimed(s)
	}
	if err := l.verdict(); err != nil {
		return nil, err
	}
	return c, nil
}

type loader struct {
	// claims are all offers of a source id.
	claims map[string][]Source
	// providers that are installed, and those of them that could not be asked.
	providers []string
	broken    map[string]bool
	chosen    map[string]config.Source
	// undescribed are the sources whose definition has no answer that can be used; partial: one may still get it.
	undescribed map[string]bool
	partial     bool

	conflicts []conflict
	absent    []string
	wrong     []string
}

type conflict struct {
	source, fact string
	// provider that a hint may choose.
	provider string
}

func (l *loader) claim(d Described) {
	l.providers = append(l.providers, d.Provider)
	if d.Broken {
		l.broken[d.Provider] = true
		return
	}
	for _, s := range d.Description.Sources {
		l.claims[s.ID] = append(l.claims[s.ID], offered(d.Provider, d.Description, s))
	}
}

func offered(provider string, d sdk.Description, s sdk.Source) Source {
	return Source{Source: s, Provider: provider, Declared: declared(s.Settings, d.Settings)}
}

// declared puts the settings of a source before those of its provider that it does not declare itself.
func declared(own, shared []sdk.Field) []sdk.Field {
	all := slices.Clone(own)
	for _, f := range shared {
		if !slices.ContainsFunc(own, func(o sdk.Field) bool { return o.ID == f.ID }) {
			all = append(all, f)
		}
	}
	return all
}

// choose returns the claim that counts.
func (l *loader) choose(id string) (Source, bool) {
	claims := l.claims[id]
	if len(claims) == 0 {
		return Source{}, false // a definition has no answer
	}
	c, configured := l.chosen[id]
	if configured && c.Provider != "" {
		i := slices.IndexFunc(claims, func(s Source) bool { return s.Provider == c.Provider })
		if i < 0 {
			return Source{}, false // unclaimed tells of it
		}
		claims = claims[i : i+1]
	}
	if len(claims) > 1 {
		l.conflict(id, claims)
		return Source{}, false
	}
	s := claims[0]
	if configured {
		s.config = c
		s.Hosts = withSettings(s)
	}
	l.wrong = append(l.wrong, settingsProblems(s, configured)...)
	return s, true
}

func (l *loader) conflict(id string, claims []Source) {
	fact := id + " is offered by " + namesOf(claims)
	if c, configured := l.chosen[id]; configured {
		fact += "; " + c.At.Exact() + " chooses neither"
	}
	l.conflicts = append(l.conflicts, conflict{source: id, fact: fact, provider: claims[0].Provider})
}

func namesOf(claims []Source) string {
	names := make([]string, len(claims))
	for i, s := range claims {
		names[i] = s.Provider
	}
	return strings.Join(names, " and ")
}

// unclaimed tells of a source of the config that its provider does not offer. Where a provider could not be asked, it
// may be the one that offers it.
func (l *loader) unclaimed(c config.Source) {
	claims := l.claims[c.ID]
	switch {
	case l.undescribed[c.ID]:
	case c.Provider == "" && c.Definition != nil && len(claims) == 0 && len(l.broken) == 0:
		l.wrong = append(l.wrong, at(c)+"no installed provider offers this source; set provider to the one that its definition is for")
	case c.Provider == "":
		if len(claims) == 0 && len(l.broken) == 0 {
			l.wrong = append(l.wrong, at(c)+"no installed provider offers this source"+l.nearSource(c.ID))
		}
	case !slices.Contains(l.providers, c.Provider):
		l.absent = append(l.absent, at(c)+"provider "+c.Provider+" is not installed"+nearest(c.Provider, l.providers))
	case !l.broken[c.Provider] && !slices.ContainsFunc(claims, func(s Source) bool { return s.Provider == c.Provider }):
		text := at(c) + "provider " + c.Provider + " does not offer this source"
		if len(claims) > 0 {
			text += ", but " + namesOf(claims)
		}
		l.wrong = append(l.wrong, text)
	}
}

func (l *loader) nearSource(id string) string {
	return nearest(id, slices.Sorted(maps.Keys(l.claims)))
}

func nearest(word string, known []string) string {
	if near := problem.Nearest(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

func at(c config.Source) string { return c.At.Exact() + "  sources: " + c.ID + "  " }

func (l *loader) verdict() error {
	var p *problem.Problem
	switch {
	case len(l.conflicts) > 0:
		p = problem.New(CodeConflict, "two providers offer the same source")
		for _, c := range l.conflicts {
			p = p.Fact("%s", c.fact).Hint("choose one in the config file: sources: [{id: %s, provider: %s}]", c.source, c.provider)
		}
	case len(l.absent) > 0:
		p = problem.New(CodeUnknownProvider, "the config names a provider that is not installed").
			Hint("see what is installed with: humanconnect provider list")
	case len(l.wrong) > 0:
		p = problem.New(CodeInvalid, "a source in the config is invalid").
			Hint("see the settings of a source with: humanconnect source show ID")
	default:
		return nil
	}
	return p.WithFacts(slices.Concat(p.Facts(), l.absent, l.wrong)...)
}
