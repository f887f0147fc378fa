package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
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
		{"nothing", nil, exitOK},
		{"a plain error", errors.New("x"), exitError},
		{"a problem", problem.New(problem.CodeUsage, "x"), exitUsage},
		{"a wrapped problem", fmt.Errorf("doing: %w", problem.New(problem.CodeUsage, "x")), exitUsage},
		{"an error that holds a problem", fmt.Errorf("doing: %w", holding{problem.New(problem.CodeUsage, "x")}), exitUsage},
		{"a problem that came from another", problem.New(problem.CodeUsage, "x").Because(holding{problem.New(problem.CodeTimeout, "x")}), exitUsage},
		{"a failure that came from a problem", fmt.Errorf("%w: %w", failure.New(failure.AccessDenied, "x"), problem.New(problem.CodeTimeout, "x")), exitTimeout},
		{"an unknown code", problem.New("never_heard_of", "x"), exitError},
		{"a failure of a source", failure.New(failure.AccessDenied, "x"), exitRefused},
		{"a failure of a provider", failure.New(failure.ProviderCrashed, "x"), exitProvider},
		{"a command that said it all", endWith(exitFailures), exitFailures},
		{"a command that ended well", endWith(exitOK), exitOK},
		{"too late", fmt.Errorf("waiting: %w", context.DeadlineExceeded), exitTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitCode(tt.err); got != tt.want {
				t.Errorf("exitCode() = %d, want %d", got, tt.want)
			}
		})
	}
}

// listed says whether the help has an exit code.
func listed(code int) bool {
	return slices.ContainsFunc(exitEntries(), func(e exitEntry) bool { return e.Code == code })
}

func TestExitCodesAreDescribedOnceAndInOrder(t *testing.T) {
	last := -1
	for _, e := range exitEntries() {
		if e.Code <= last || e.Code == 2 || e.Meaning == "" {
			t.Errorf("entry %+v is out of order, empty, or left to Go's own crashes", e)
		}
		last = e.Code
	}
	for code, exit := range exitOf() {
		if !listed(exit) {
			t.Errorf("%s ends with %d, which no entry describes", code, exit)
		}
	}
}

func TestErrorsSayWhatHappenedAndWhatToDo(t *testing.T) {
	err := fmt.Errorf("opening: %w", problem.New(problem.CodeUsage, "no \x1b[31mtoken").Fact("looked \x07here").Hint("give one").Because(errors.New("cause")))
	a := newTestApp(t)
	if got := a.report(err); got != exitUsage {
		t.Errorf("exit code %d", got)
	}
	text := a.err.String()
	if strings.ContainsAny(text, "\x1b\x07") {
		t.Errorf("control characters reached the terminal: %q", text)
	}
	for _, want := range []string{"humanconnect: error: opening: no ", "cause [usage]\n", "\n  looked ", "\nhumanconnect: hint: give one\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}

	a = newTestApp(t, "-o", "json")
	late := problem.New(problem.CodeTimeout, "late").Hint("wait")
	a.report(fmt.Errorf("doing: %w", holding{problem.New(problem.CodeUsage, "held").Fact("a fact").Hint("do this").Because(late)}))
	want := `{"error":{"code":"usage","message":"doing: held: late","facts":["a fact"],"hints":["do this"],"exit":10}}` + "\n"
	if got := a.err.String(); got != want {
		t.Errorf("JSON error\n%s want\n%s", got, want)
	}

	a = newTestApp(t)
	a.report(failure.New(failure.AccessDenied, "no"))
	if !strings.Contains(a.err.String(), "[access_denied]\nhumanconnect: hint: connect again") {
		t.Errorf("a failure has no hint: %q", a.err.String())
	}
}

func TestWarningsAreCleanAndQuietDropsThem(t *testing.T) {
	a := newTestApp(t)
	a.warn("unknown variable %s", "X\x1b[2J")
	if got := a.err.String(); !strings.HasPrefix(got, "humanconnect: warning: unknown variable X") || strings.Contains(got, "\x1b") {
		t.Errorf("warned %q", got)
	}
	a = newTestApp(t)
	a.global.quiet = true
	a.warn("x")
	if a.err.Len() > 0 {
		t.Errorf("--quiet warned %q", a.err.String())
	}
}

// TestEveryProblemSaysWhatToDo reads the source: whoever makes a problem gives it a hint, there or further down.
func TestEveryProblemSaysWhatToDo(t *testing.T) {
	files := token.NewFileSet()
	for _, path := range goFiles(t, "../..") {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			made, hinted := problemsIn(decl)
			if len(made) > 0 && !hinted {
				t.Errorf("%s: a problem says nothing to do", files.Position(made[0]))
			}
		}
	}
}

// problemsIn finds where a declaration makes problems, and whether it hints at anything.
func problemsIn(decl ast.Node) (made []token.Pos, hinted bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			// who is handed the code makes the problem for another, who hints
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "New" && identifier(f.X) == "problem" && identifier(n.Args[0]) != "code" {
				made = append(made, n.Pos())
			}
		case *ast.Ident: // facts that are given at once are what is wrong, each with its place
			hinted = hinted || n.Name == "Hint" || n.Name == "WithHints" || n.Name == "WithFacts"
		}
		return true
	})
	return made, hinted
}

// goFiles lists the sources of the program without its tests. Failures have a table of their own.
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{"cmd", "core", "internal", "plugins"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "failure":
				return fs.SkipDir
			case !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func identifier(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literals(values []ast.Expr) []string {
	var found []string
	for _, v := range values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				found = append(found, s)
			}
		}
	}
	return found
}
