package help

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/humanconnect/humanconnect/test/source"
)

// TestEveryVariableThatIsReadIsInTheHelp reads the source.
func TestEveryVariableThatIsReadIsInTheHelp(t *testing.T) {
	known := map[string]bool{}
	for _, v := range variables() {
		if known[v.ID] || v.Meaning == "" {
			t.Errorf("%s stands there twice, or means nothing", v.ID)
		}
		known[v.ID] = true
	}
	read := 0
	source.Each(t, "../../../../..", func(positions *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains([]string{"env", "Env", "Variable", "xdg", "Getenv", "LookupEnv"}, source.Identifier(call.Fun)) {
				return true
			}
			for _, name := range literals(call.Args[:min(1, len(call.Args))]) {
				read++
				if !known[name] {
					t.Errorf("%s: %s is read, and not in the help", positions.Position(call.Pos()), name)
				}
			}
			return true
		})
	})
	if read < 10 {
		t.Errorf("found %d: the search is broken", read)
	}
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
