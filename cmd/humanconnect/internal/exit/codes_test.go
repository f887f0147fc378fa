package exit

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestEveryCodeHasAnExitCode reads the source: each constant of the type problem.Code is in the table of exit codes,
// the table names no code that nothing has, and a code is nowhere written out but in its constant.
func TestEveryCodeHasAnExitCode(t *testing.T) {
	constants, literals := codesOf(t, "../../../..")
	if len(constants) < 50 {
		t.Fatalf("found %v: the search is broken", constants)
	}
	for _, at := range literals {
		t.Errorf("%s: a code is written out: use its constant", at)
	}
	rows := table()
	for code, at := range constants {
		if _, ok := rows[code]; !ok {
			t.Errorf("%s: code %q has no exit code in table", at, code)
		}
	}
	for code := range rows {
		if _, ok := constants[code]; !ok {
			t.Errorf("table names %q, which no constant has", code)
		}
	}
}

// codesOf finds the constants of the type problem.Code, and where else a string is made one.
func codesOf(t *testing.T, root string) (constants map[problem.Code]token.Position, literals []token.Position) {
	t.Helper()
	constants = make(map[problem.Code]token.Position)
	files := token.NewFileSet()
	for _, p := range packagesOf(t, files, root) {
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.CONST {
					return false
				}
				if lit, ok := n.(*ast.BasicLit); ok && lit.Value != `""` && isCode(p.info.TypeOf(lit)) {
					literals = append(literals, files.Position(lit.Pos()))
				}
				return true
			})
		}
		for name, object := range p.info.Defs {
			if c, ok := object.(*types.Const); ok && isCode(c.Type()) {
				constants[problem.Code(constant.StringVal(c.Val()))] = files.Position(name.Pos())
			}
		}
	}
	return constants, literals
}

func isCode(t types.Type) bool {
	return t != nil && strings.HasSuffix(t.String(), "internal/problem.Code")
}

// checked is a package with the types of its expressions.
type checked struct {
	files []*ast.File
	info  *types.Info
}

// packagesOf reads the packages of the program that are ours, without their tests.
func packagesOf(t *testing.T, files *token.FileSet, root string) (found []checked) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-json=ImportPath,Dir,GoFiles,Export,Module", "./cmd/humanconnect")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
		Module                  *struct{ Main bool }
	}
	var ours []listed
	exports := make(map[string]string)
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if p.Module != nil && p.Module.Main {
			ours = append(ours, p)
		}
	}
	conf := types.Config{Importer: importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	for _, p := range ours {
		c := checked{info: &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object)}}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			c.files = append(c.files, file)
		}
		if _, err := conf.Check(p.ImportPath, files, c.files, c.info); err != nil {
			t.Fatal(err)
		}
		found = append(found, c)
	}
	return found
}

func TestNoCodeHasTwoExitCodes(t *testing.T) {
	seen := make(map[problem.Code]int)
	for exit, list := range codes() {
		for _, code := range list {
			if other, twice := seen[code]; twice {
				t.Errorf("%s ends with %d and with %d", code, other, exit)
			}
			seen[code] = exit
		}
	}
}
