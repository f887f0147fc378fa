package help

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryVariableThatIsReadIsInTheHelp reads the source.
func TestEveryVariableThatIsReadIsInTheHelp(t *testing.T) {
	known := map[string]bool{}
	for _, v := range variables() {
		if known[v.Name] || v.Meaning == "" {
			t.Errorf("%s stands there twice, or means nothing", v.Name)
		}
		known[v.Name] = true
	}
	read := 0
	files := token.NewFileSet()
	for _, path := range goFiles(t, "../../../../..") {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains([]string{"env", "Env", "Variable", "xdg", "Getenv", "LookupEnv"}, identifier(call.Fun)) {
				return true
			}
			for _, name := range literals(call.Args[:min(1, len(call.Args))]) {
				read++
				if !known[name] {
					t.Errorf("%s: %s is read, and not in the help", files.Position(call.Pos()), name)
				}
			}
			return true
		})
	}
	if read < 10 {
		t.Errorf("found %d: the search is broken", read)
	}
}

// goFiles lists the sources of the program without its tests. Failures have a table of their own.
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{"cmd", "core", "plugins"} {
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
