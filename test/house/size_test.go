package house_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The sizes at which the house holds the line, in lines.
const (
	maxFunction   = 80
	maxFunction90 = 25
	maxFile       = 500
	maxPackage    = 3600 // below cmd
	maxMain       = 100
)

// source is a hand-written file of the program.
type source struct {
	path      string
	lines     int
	functions []function
	// transactions are the places at which a transaction of the store is opened or named.
	transactions []int
}

type function struct {
	name  string
	at    int
	lines int
}

func parseSource(t *testing.T, path string, text []byte) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := source{path: path, lines: bytes.Count(text, []byte("\n"))}
	line := func(p token.Pos) int { return fset.Position(p).Line }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			s.functions = append(s.functions, function{n.Name.Name, line(n.Pos()), line(n.End()) - line(n.Pos()) + 1})
		case *ast.SelectorExpr:
			if isTransaction(n) {
				s.transactions = append(s.transactions, line(n.Pos()))
			}
		}
		return true
	})
	return s
}

// isTransaction says whether a node names a transaction of the store, or the method of a store that opens one. Whoever has a
// transaction in hand has named it, but for the one who is given a function of it.
func isTransaction(n *ast.SelectorExpr) bool {
	switch n.Sel.Name {
	case "Tx":
		return true
	case "View", "Update":
		on, ok := n.X.(*ast.SelectorExpr)
		return ok && on.Sel.Name == "Store"
	}
	return false
}

// sources reads the hand-written files of the program, without tests and what only tests use.
func sources(t *testing.T) (all []source) {
	t.Helper()
	for _, path := range files(t) {
		tree, _, _ := strings.Cut(path, "/")
		test := strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/testdata/") || strings.Contains(path, "test/")
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") || tree == "test" || test {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parseSource(t, path, text))
	}
	return all
}

// oversized lists what is too large, one line each.
func oversized(all []source) (lines []string) {
	var sizes []int
	packages := make(map[string]int)
	for _, s := range all {
		for _, f := range s.functions {
			sizes = append(sizes, f.lines)
			if f.lines > maxFunction {
				lines = append(lines, fmt.Sprintf("%s:%d: %s has %d lines, at most %d", s.path, f.at, f.name, f.lines, maxFunction))
			}
		}
		limit := maxFile
		if s.path == "cmd/humanconnect/main.go" {
			limit = maxMain - 1
		}
		if s.lines > limit {
			lines = append(lines, fmt.Sprintf("%s has %d lines, at most %d", s.path, s.lines, limit))
		}
		packages[filepath.Dir(s.path)] += s.lines
	}
	for dir, n := range packages {
		if strings.HasPrefix(dir, "cmd/") && n > maxPackage {
			lines = append(lines, fmt.Sprintf("%s has %d lines, at most %d", dir, n, maxPackage))
		}
	}
	slices.Sort(sizes)
	if at := percentile90(sizes); at > maxFunction90 {
		lines = append(lines, fmt.Sprintf("one function in ten has more than %d lines, at most %d", at, maxFunction90))
	}
	return lines
}

func percentile90(sorted []int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)*9/10]
}

func TestNothingIsLargerThanTheHouseAllows(t *testing.T) {
	all := sources(t)
	if len(all) < 200 {
		t.Fatalf("found %d files: the search is broken", len(all))
	}
	for _, line := range oversized(all) {
		t.Error(line)
	}
}

func TestEveryExcessOfSizeIsNoticed(t *testing.T) {
	long := func(n int) []function { return []function{{name: "f", lines: n}} }
	for name, all := range map[string][]source{
		"function":   {{path: "core/a/a.go", functions: append(long(81), slices.Repeat(long(1), 20)...)}},
		"percentile": {{path: "core/a/a.go", functions: slices.Repeat(long(26), 10)}},
		"file":       {{path: "core/a/a.go", lines: 501}},
		"package":    {{path: "cmd/x/a.go", lines: 400}, {path: "cmd/x/b.go", lines: 400}, {path: "cmd/x/c.go", lines: 2801}},
		"main":       {{path: "cmd/humanconnect/main.go", lines: 100}},
	} {
		if got := oversized(all); len(got) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
	if got := oversized([]source{{path: "cmd/humanconnect/main.go", lines: 99, functions: long(25)}}); len(got) > 0 {
		t.Errorf("what is small enough is %q", got)
	}
}

// TestCommandsOpenNoTransaction: what is one transaction is for core to decide.
func TestCommandsOpenNoTransaction(t *testing.T) {
	inCore := 0
	for _, s := range sources(t) {
		for _, line := range s.transactions {
			if strings.HasPrefix(s.path, "cmd/") {
				t.Errorf("%s:%d has to do with a transaction of the store", s.path, line)
			}
			inCore++
		}
	}
	if inCore < 20 {
		t.Errorf("found %d transactions: the search is broken", inCore)
	}
}

func TestEveryTransactionIsNoticed(t *testing.T) {
	for text, want := range map[string]int{
		"func f() { a.Store.View(ctx, count) }":                                         1,
		"func f() { a.b.Store.Update(ctx, core.Count(user)) }":                          1,
		"func count(tx store.Tx) error { return nil }":                                  1,
		"func f(s store.Store) { s.View(ctx, func(tx store.Tx) error { return nil }) }": 1,
		"func f() { l.search.View(); l.input.Update(msg) }":                             0,
	} {
		if s := parseSource(t, "a.go", []byte("package a\n"+text)); len(s.transactions) != want {
			t.Errorf("%s: %d places", text, len(s.transactions))
		}
	}
}

// TestNoCommandImportsAnother holds the packages of commands apart.
func TestNoCommandImportsAnother(t *testing.T) {
	const commands = module + "/cmd/humanconnect/internal/cli/"
	found := 0
	for _, p := range list(t, root, "./cmd/...") {
		if !strings.HasPrefix(p.ImportPath, commands) {
			continue
		}
		found++
		for _, path := range p.Imports {
			if strings.HasPrefix(path, commands) {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d commands: the search is broken", found)
	}
}

// TestWiringAndDoctorKnowNoFlag: a server starts from them too.
func TestWiringAndDoctorKnowNoFlag(t *testing.T) {
	for _, p := range list(t, root, "./cmd/humanconnect/internal/...") {
		name := short(p.ImportPath)
		if name != "@app" && name != "@doctor" && name != "@terminal" && name != "@redirect" && name != "@browser" {
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "github.com/spf13/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
