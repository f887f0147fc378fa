package problem_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestPlaceIsReadFromItsFact(t *testing.T) {
	for fact, want := range map[string]problem.Place{
		`/a b/c.yaml:4:12  hooks[0].on   "x" is none of a, b; did you mean "onClose"?`: {
			File: "/a b/c.yaml", Line: 4, Column: 12, Key: "hooks[0].on", Message: `"x" is none of a, b`, Suggestion: "onClose",
		},
		"c.yaml:4:7  plan: clinc  no installed provider offers this source; did you mean clinic?": {
			File: "c.yaml", Line: 4, Column: 7, Key: "plan: clinc", Message: "no installed provider offers this source", Suggestion: "clinic",
		},
		"  c.yaml:1:1    not YAML: a tab": {File: "c.yaml", Line: 1, Column: 1, Message: "not YAML: a tab"},
	} {
		got, ok := problem.PlaceOf(fact)
		if d := cmp.Diff(want, got); !ok || d != "" {
			t.Errorf("%q: %s", fact, d)
		}
	}
	for _, fact := range []string{"", "reason: it expired", "and 3 more", "flag  stateDir  is empty"} {
		if got, ok := problem.PlaceOf(fact); ok {
			t.Errorf("%q: %+v", fact, got)
		}
	}
}

func TestFactsThatPlacesHaveApartAreKnown(t *testing.T) {
	p := problem.New("x", "wrong").Fact("c.yaml:4:12  hooks[0].on  is empty").Fact("TTL  token.ttl  \"5\" is no duration; did you mean \"5s\"?").Fact("A  b  c").
		Fact("and 3 more")
	if got := p.Unplaced(); len(got) != 4 {
		t.Errorf("without places: %q", got)
	}
	p = p.WithPlaces(
		problem.NewPlace("c.yaml", 4, 12, "hooks[0].on", "is empty"),
		problem.NewPlace("", 0, 0, "token.ttl", "TTL: \"5\" is no duration; did you mean \"5s\"?"),
	)
	if d := cmp.Diff([]string{"A  b  c", "and 3 more"}, p.Unplaced()); d != "" {
		t.Error(d)
	}
}
