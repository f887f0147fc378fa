package exit

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/test/source"
)

// holding is an error of a package that wraps a problem.
type holding struct{ *problem.Problem }

func (h holding) Unwrap() error { return h.Problem }

func TestExitCodeOfEveryKindOfError(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, OK},
		{"a plain error", errors.New("x"), Error},
		{"a problem", problem.New(problem.CodeUsage, "x"), Usage},
		{"a wrapped problem", fmt.Errorf("doing: %w", problem.New(problem.CodeUsage, "x")), Usage},
		{"an error that holds a problem", fmt.Errorf("doing: %w", holding{problem.New(problem.CodeUsage, "x")}), Usage},
		{"a problem that came from another", problem.New(problem.CodeUsage, "x").Because(holding{problem.New(problem.CodeTimeout, "x")}), Usage},
		{"a failure that came from a problem", fmt.Errorf("%w: %w", failure.New(failure.AccessDenied, "x"), problem.New(problem.CodeTimeout, "x")), Timeout},
		{"an unknown code", problem.New("never_heard_of", "x"), Error},
		{"a failure of a source", failure.New(failure.AccessDenied, "x"), Refused},
		{"a failure of a provider", failure.New(failure.ProviderCrashed, "x"), Provider},
		{"a command that said it all", With(Failures), Failures},
		{"a command that ended well", With(OK), OK},
		{"too late", fmt.Errorf("waiting: %w", context.DeadlineExceeded), Timeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Of(tt.err); got != tt.want {
				t.Errorf("Of() = %d, want %d", got, tt.want)
			}
		})
	}
}

// listed says whether the help has an exit code.
func listed(code int) bool {
	return slices.ContainsFunc(Entries(), func(e Entry) bool { return e.Code == code })
}

func TestExitCodesAreDescribedOnceAndInOrder(t *testing.T) {
	last := -1
	for _, e := range Entries() {
		if e.Code <= last || e.Code == 2 || e.Meaning == "" {
			t.Errorf("entry %+v is out of order, empty, or left to Go's own crashes", e)
		}
		last = e.Code
	}
	for code, exit := range table() {
		if !listed(exit) {
			t.Errorf("%s ends with %d, which no entry describes", code, exit)
		}
	}
}

// TestEveryProblemHasAHint reads the source: each problem gets a hint where it is made, or further down.
func TestEveryProblemHasAHint(t *testing.T) {
	read := 0
	source.Each(t, "../../../..", func(positions *token.FileSet, file *ast.File) {
		for _, decl := range file.Decls {
			made, hinted := problemsIn(decl)
			if len(made) > 0 && !hinted {
				t.Errorf("%s: a problem says nothing to do", positions.Position(made[0]))
			}
			read += len(made)
		}
	})
	if read < 50 {
		t.Errorf("found %d problems: the search is broken", read)
	}
}

// problemsIn finds where a declaration makes problems, and whether it hints at anything.
func problemsIn(decl ast.Node) (made []token.Pos, hinted bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			// who is handed the code makes the problem for another, who hints
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "New" && source.Identifier(f.X) == "problem" && source.Identifier(n.Args[0]) != "code" {
				made = append(made, n.Pos())
			}
		case *ast.Ident: // facts that are given at once are what is wrong, each with its place
			hinted = hinted || n.Name == "Hint" || n.Name == "WithHints" || n.Name == "WithFacts"
		}
		return true
	})
	return made, hinted
}
