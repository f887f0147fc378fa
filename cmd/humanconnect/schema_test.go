package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are those of docs/schema, by their names without the extension.
type schemas map[string]*jsonschema.Schema

func readSchemas(t testing.TB) schemas {
	t.Helper()
	paths, err := filepath.Glob("../../docs/schema/*.json")
	if err != nil || len(paths) < 30 {
		t.Fatalf("found %d schemas: %v", len(paths), err)
	}
	all := make(schemas)
	for _, path := range paths {
		s, err := jsonschema.NewCompiler().Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = s
	}
	return all
}

// check says what is wrong with a document.
func (s schemas) check(name, text string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	switch {
	case err != nil:
		return fmt.Errorf("%w in %q", err, text)
	case s[name] == nil:
		return fmt.Errorf("there is no schema %s", name)
	}
	if err := s[name].Validate(value); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// object is what a document or its first row says of itself.
type object struct {
	Kind           string
	Type           string
	SessionResults any
}

// checkAny says what is wrong with a document of which only the kind is known: no schema of that kind allows it. One that is none
// of ours is right.
func (s schemas) checkAny(text string) error {
	var rows []object
	isList := bytes.HasPrefix(bytes.TrimSpace([]byte(text)), []byte("["))
	if isList {
		if json.Unmarshal([]byte(text), &rows) != nil {
			return nil
		}
	} else if rows = make([]object, 1); json.Unmarshal([]byte(text), &rows[0]) != nil {
		return nil
	}
	switch {
	case len(rows) == 0:
		return nil
	case rows[0].Kind != "":
		return s.checkKind(rows[0].Kind, isList, text)
	case rows[0].SessionResults == nil:
		return nil
	case rows[0].Type != "":
		return s.check("event", text)
	}
	return s.check("response", text)
}

func (s schemas) checkKind(kind string, isList bool, text string) (wrong error) {
	for name, schema := range s {
		if schema.Items2020 != nil != isList {
			continue
		}
		row := schema
		if isList {
			row = schema.Items2020.Ref
		}
		if is := row.Properties["kind"]; is == nil || is.Const == nil || *is.Const != kind {
			continue
		}
		err := s.check(name, text)
		if err == nil {
			return nil
		}
		wrong = errors.Join(wrong, err)
	}
	if wrong == nil {
		wrong = fmt.Errorf("no schema has the kind %s\n%s", kind, text)
	}
	return wrong
}
