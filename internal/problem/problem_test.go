package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestChildrenOfAProblemShareNothing: three lines leave room in the array of a slice that grows by doubling.
func TestChildrenOfAProblemShareNothing(t *testing.T) {
	parent := problem.New("parent", "it broke").Fact("a").Fact("b").Fact("c").Hint("d").Hint("e").Hint("f")
	given := []string{"given"}
	first, second := parent.Fact("first").Hint("first"), parent.Fact("second").Hint("second")
	replaced := parent.WithFacts(given...).WithHints(given...).Because(errors.New("cause"))
	given[0] = "changed"
	first.Facts()[0], first.Hints()[0] = "changed", "changed"
	for name, c := range map[string]struct {
		p            *problem.Problem
		facts, hints []string
		text         string
	}{
		"parent":   {parent, []string{"a", "b", "c"}, []string{"d", "e", "f"}, "it broke"},
		"first":    {first, []string{"a", "b", "c", "first"}, []string{"d", "e", "f", "first"}, "it broke"},
		"second":   {second, []string{"a", "b", "c", "second"}, []string{"d", "e", "f", "second"}, "it broke"},
		"replaced": {replaced, []string{"given"}, []string{"given"}, "it broke: cause"},
	} {
		if d := cmp.Diff(c.facts, c.p.Facts()) + cmp.Diff(c.hints, c.p.Hints()) + cmp.Diff(c.text, c.p.Error()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

type wrapper struct{ *problem.Problem }

func (w wrapper) Unwrap() error { return w.Problem }

func TestFirstProblemInTheChainGivesTheCode(t *testing.T) {
	inner := problem.New("inner", "x")
	for name, c := range map[string]struct {
		err  error
		want problem.Code
	}{
		"nothing":                  {nil, ""},
		"a plain error":            {errors.New("x"), ""},
		"a wrapped problem":        {fmt.Errorf("doing: %w", inner), "inner"},
		"one that came from it":    {problem.New("outer", "x").Because(inner), "outer"},
		"one of another type":      {wrapper{problem.New("outer", "x").Because(inner)}, "outer"},
		"one that is joined first": {errors.Join(errors.New("x"), inner, problem.New("last", "x")), "inner"},
	} {
		if got := problem.CodeOf(c.err); got != c.want || !problem.Is(c.err, c.want) || problem.Is(c.err, "other") {
			t.Errorf("%s: the code is %q, want %q", name, got, c.want)
		}
	}
}
