package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Load makes the catalogue. A source that several providers claim is a [Conflict] until the config chooses one. Settings that
// are not what the provider declares are refused; all that is wrong stands in the facts of one problem, whose code is that of
// the worst: [CodeUnknownProvider], [CodeInvalid]. What the config says of the sources of a broken provider is left alone.
func Load(chosen []config.Source, described []Described) (*Catalog, error) {
	l := loader{
		offers: make(map[string][]Source), claims: make(map[string][]string), broken: make(map[string]bool),
		chosen: make(map[string]config.Source), undescribed: make(map[string]bool),
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
	c := &Catalog{
		sources: make(map[string]Source), conflicts: make(map[string]Conflict), claimed: l.claimed(),
		partial: len(l.broken) > 0 || l.partial,
	}
	for _, conflict := range Conflicts(chosen, l.claims) {
		c.conflicts[conflict.Source] = conflict
	}
	for _, id := range slices.Sorted(maps.Keys(l.offers)) {
		if _, refused := c.conflicts[id]; refused {
			continue
		}
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
	// offers are all descriptions of a source id, and claims the ids that each provider claims.
	offers map[string][]Source
	claims map[string][]string
	// providers that are installed, and those of them that could not be asked.
	providers []string
	broken    map[string]bool
	chosen    map[string]config.Source
	// undescribed are the sources whose definition has no answer that can be used; partial: one may still get it.
	undescribed map[string]bool
	partial     bool
	absent      []string
	wrong       []string
}

func (l *loader) claim(d Described) {
	l.providers = append(l.providers, d.Provider)
	l.claims[d.Provider] = d.Claims
	if d.Broken {
		l.broken[d.Provider] = true
		return
	}
	for _, s := range d.Description.Sources {
		l.offers[s.ID] = append(l.offers[s.ID], offered(d.Provider, d.Description, s))
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

// claimed lists the ids that are claimed, sorted.
func (l *loader) claimed() []string {
	var ids []string
	for _, of := range l.claims {
		ids = append(ids, of...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// choose returns the offer that counts: that of the provider that the config chooses, else that of the one that claims the source.
func (l *loader) choose(id string) (Source, bool) {
	c, configured := l.chosen[id]
	i := slices.IndexFunc(l.offers[id], func(s Source) bool {
		if configured && c.Provider != "" {
			return s.Provider == c.Provider
		}
		return slices.Contains(l.claims[s.Provider], id)
	})
	if i < 0 {
		return Source{}, false // unclaimed tells of it
	}
	s := l.offers[id][i]
	if configured {
		s.config = c
		s.Hosts = withSettings(s)
	}
	l.wrong = append(l.wrong, settingsProblems(s, configured)...)
	return s, true
}

func namesOf(offers []Source) string {
	names := make([]string, len(offers))
	for i, s := range offers {
		names[i] = s.Provider
	}
	return andList(names)
}

// unclaimed tells of a source of the config that its provider does not offer. Where a provider could not be asked, it
// may be the one that offers it.
func (l *loader) unclaimed(c config.Source) {
	offers := l.offers[c.ID]
	switch {
	case l.undescribed[c.ID]:
	case c.Provider == "" && c.Definition != nil && len(offers) == 0 && len(l.broken) == 0:
		l.wrong = append(l.wrong, at(c)+"no installed provider offers this source; set provider to the one that its definition is for")
	case c.Provider == "":
		if len(offers) == 0 && len(l.broken) == 0 {
			l.wrong = append(l.wrong, at(c)+"no installed provider offers this source"+l.nearSource(c.ID))
		}
	case !slices.Contains(l.providers, c.Provider):
		l.absent = append(l.absent, at(c)+"provider "+c.Provider+" is not installed"+nearest(c.Provider, l.providers))
	case !l.broken[c.Provider] && !slices.ContainsFunc(offers, func(s Source) bool { return s.Provider == c.Provider }):
		text := at(c) + "provider " + c.Provider + " does not offer this source"
		if len(offers) > 0 {
			text += ", but " + namesOf(offers)
		}
		l.wrong = append(l.wrong, text)
	}
}

func (l *loader) nearSource(id string) string {
	return nearest(id, l.claimed())
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
	case len(l.absent) > 0:
		p = problem.New(CodeUnknownProvider, "the config names a provider that is not installed").
			Hint("see what is installed with: humanconnect provider list")
	case len(l.wrong) > 0:
		p = problem.New(CodeInvalid, "a source in the config is invalid").
			Hint("see the settings of a source with: humanconnect source show ID")
	default:
		return nil
	}
	facts := slices.Concat(l.absent, l.wrong)
	return p.WithFacts(facts...).WithPlaces(l.places(facts)...)
}

// places are what facts say of sources of the config, apart: "FILE:LINE:COLUMN  sources: ID  KEY  text".
func (l *loader) places(facts []string) (places []problem.Place) {
	for _, fact := range facts {
		p, ok := problem.PlaceOf(fact)
		id, isSource := strings.CutPrefix(p.Key, "sources: ")
		if !ok || !isSource {
			continue
		}
		p.Key = l.chosen[id].Key
		if key, text, has := strings.Cut(p.Message, "  "); has {
			p.Key, p.Message = p.Key+"."+keyOf(key), text
		}
		places = append(places, p)
	}
	return places
}

// keyOf is the key of a source in the config that a problem names: a setting by its id, and others as they are.
func keyOf(name string) string {
	switch {
	case name == "clientId" || name == "clientSecret" || name == "definition" || strings.HasPrefix(name, "definition."):
		return name
	case name == failure.SettingClientID:
		return "clientId"
	case name == failure.SettingClientSecret:
		return "clientSecret"
	}
	return "settings." + name
}
