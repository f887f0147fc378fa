package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

const module = "github.com/humanconnect/humanconnect"

// source reads what reflection does not know of types: their comments and their constants.
type source struct {
	root     string
	packages map[string][]*ast.File
}

func newSource(root string) *source {
	return &source{root: root, packages: make(map[string][]*ast.File)}
}

func (s *source) files(path string) ([]*ast.File, error) {
	if files, ok := s.packages[path]; ok {
		return files, nil
	}
	names, err := filepath.Glob(filepath.Join(s.root, strings.TrimPrefix(path, module), "*.go"))
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("the source of %s: %w", path, fs.ErrNotExist)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	s.packages[path] = files
	return files, err
}

// docs returns the comments of the fields of a struct, by the names of the fields. In them the fields are called as in JSON.
func (s *source) docs(t reflect.Type) (map[string]string, error) {
	docs := make(map[string]string)
	files, err := s.files(t.PkgPath())
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != t.Name() {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					docs[name.Name] = inJSON(field.Doc.Text(), t)
				}
			}
			return false
		})
	}
	return docs, err
}

// inJSON is a comment on one line in which the fields of a struct are called as in JSON.
func inJSON(comment string, t reflect.Type) string {
	text := strings.Join(strings.Fields(comment), " ")
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			text = regexp.MustCompile(`\b`+t.Field(i).Name+`\b`).ReplaceAllString(text, name)
		}
	}
	return text
}

// constants returns the values of all constants of a type of text, in the order of the source.
func (s *source) constants(t reflect.Type) (values []string, err error) {
	files, err := s.files(t.PkgPath())
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != t.Name() {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value) // the parser has read it
					values = append(values, text)
				}
			}
			return true
		})
	}
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("the type %s has no constants", t)
	}
	return values, err
}
