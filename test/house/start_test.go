package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// compiledAtStart lists the package-level variables of a file that hold a pattern which is compiled when a program starts that
// links the package, whether it is used or not.
func compiledAtStart(t *testing.T, path, text string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		vars, ok := d.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, s := range vars.Specs {
			spec := s.(*ast.ValueSpec)
			for _, value := range spec.Values {
				if call, ok := value.(*ast.CallExpr); ok && isMustCompile(call.Fun) {
					names = append(names, path+": "+spec.Names[0].Name)
				}
			}
		}
	}
	return names
}

func isMustCompile(fun ast.Expr) bool {
	f, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == "regexp" && strings.HasPrefix(f.Sel.Name, "MustCompile")
}

func TestNoPatternIsCompiledBeforeItIsNeeded(t *testing.T) {
	seen := 0
	for _, path := range files(t) {
		tree, _, _ := strings.Cut(path, "/")
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "providers/sandbox/server/") ||
			!slices.Contains([]string{"cmd", "core", "internal", "plugins", "providers", "sdk"}, tree) {
			continue
		}
		seen++
		for _, name := range compiledAtStart(t, path, read(t, path)) {
			t.Errorf("%s is compiled whenever the program starts; make it a sync.OnceValue", name)
		}
	}
	if seen < 100 {
		t.Fatalf("found only %d files", seen)
	}
	if got := compiledAtStart(t, "x.go", "package x\nimport \"regexp\"\nvar a, b = 1, regexp.MustCompile(``)"); len(got) != 1 {
		t.Errorf("one that is compiled: %v", got)
	}
}

// What a library does when the program starts, every command pays for.
func TestLibrariesThatWorkAtTheStartForNothingAreLeftOut(t *testing.T) {
	linked := string(run(t, ".", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{with .Replace}}{{.Path}}{{end}}{{end}}", "./cmd/humanconnect"))
	for _, path := range []string{"github.com/atotto/clipboard", "github.com/pelletier/go-toml/v2", "github.com/subosito/gotenv"} {
		if strings.Contains(linked, path+" \n") {
			t.Errorf("%s is linked, and nothing calls it", path)
		}
	}
	if !strings.Contains(linked, "github.com/spf13/viper \n") {
		t.Fatal("the list of linked modules has no viper: the search is broken")
	}
}
