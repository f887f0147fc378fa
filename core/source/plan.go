package source

import (
	"fmt"
	"maps"
	"slices"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// CheckPlan returns a problem with code [config.CodePlan] if a plan connects sources that nobody offers, or answers what
// they do not ask. A disconnect may name a source that is offered no more, and what a connection is of is not known here.
// Where a provider could not be asked, an unknown source may be one of its own.
func (c *Catalog) CheckPlan(p *config.Plan) error {
	if p == nil {
		return nil
	}
	var facts []string
	var places []problem.Place
	wrong := func(a config.Action, key, text string) {
		facts = append(facts, a.At.Exact()+"  plan: "+a.Target+"  "+text)
		places = append(places, problem.NewPlace(a.At.File, a.At.Line, a.At.Column, a.Key+key, text))
	}
	for _, a := range p.Actions {
		if a.Kind != config.Connect || !host.ValidID(a.Target) {
			continue
		}
		if conflict, refused := c.conflicts[a.Target]; refused {
			wrong(a, ".connect", conflict.Text()+"; "+conflict.Hint())
			continue
		}
		s, known := c.sources[a.Target]
		if !known && !c.partial {
			wrong(a, ".connect", "no installed provider offers this source"+nearest(a.Target, c.claimed))
		}
		if !known {
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(a.Answers)) {
			if !slices.ContainsFunc(s.Fields, func(f sdk.Field) bool { return f.ID == field }) {
				wrong(a, ".answers."+field, fmt.Sprintf("nothing asks for the answer %s%s", field, nearest(field, idsOf(s.Fields))))
			}
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return problem.New(config.CodePlan, "the plan is invalid").WithFacts(facts...).WithPlaces(places...).
		Hint("see the fields of a source with: humanconnect source show ID")
}
