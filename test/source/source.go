// Package source reads the source of the program, for tests that hold it to what it says of itself.
package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Each calls visit for every file of the core binary, without its tests and without package failure, whose table has tests
// of its own. root is the path of the repository.
func Each(t testing.TB, root string, visit func(positions *token.FileSet, file *ast.File)) {
	t.Helper()
	positions := token.NewFileSet()
	for _, dir := range []string{"cmd", "core", "internal", "plugins"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "failure":
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
			if err == nil {
				visit(positions, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Identifier is the name of an expression, without its package or receiver; empty if it has none.
func Identifier(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
