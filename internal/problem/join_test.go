package problem_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestJoinedProblemTellsOfEach(t *testing.T) {
	one := problem.New("one", "first").Fact("a").Hint("h")
	two := problem.New("two", "second").Hint("h").Hint("i")
	if err := problem.Join("%d", nil, nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	if err := problem.Join("%d", nil, one); !errors.Is(err, error(one)) {
		t.Errorf("of one: %v", err)
	}
	var got *problem.Problem
	if err := problem.Join("%d problems", errors.New("plain"), one, two); !errors.As(err, &got) {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"plain", "first [one]", "  a", "second [two]"}, got.Facts()) +
		cmp.Diff([]string{"h", "i"}, got.Hints()) + cmp.Diff("3 problems", got.Error()) + cmp.Diff(problem.Code("one"), got.Code()); d != "" {
		t.Error(d)
	}
	if len(one.Facts()) != 1 || len(two.Hints()) != 2 {
		t.Error("the problems themselves have changed")
	}
}
