package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../../.."

func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	made, err := files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range made {
		if have, err := os.ReadFile(filepath.Join(root, directory, name)); err != nil || string(have) != string(want) {
			t.Errorf("%s/%s is not what the types say; run: go run ./cmd/humanconnect/schemas", directory, name)
		}
	}
	there, err := filepath.Glob(filepath.Join(root, directory, "*"))
	if err != nil || len(there) != len(made) {
		t.Errorf("%d files are made, and %d are there: %v", len(made), len(there), err)
	}
}

func TestEverySchemaIsNamedInTheManual(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join(root, "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := files(root)
	for name := range made {
		if err != nil || !strings.Contains(string(manual), "(schema/"+name+")") {
			t.Errorf("docs/json.md does not name %s; %v", name, err)
		}
	}
}

func TestSchemasAreSchemas(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(root, directory, "*.json"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("found %d: %v", len(paths), err)
	}
	for _, path := range paths {
		if _, err := jsonschema.NewCompiler().Compile(path); err != nil {
			t.Errorf("%v", err)
		}
	}
}
