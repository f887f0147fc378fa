package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/core/event"
	schema "github.com/humanconnect/humanconnect/internal/jsonschema"
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

// TestSchemasKeepToTheConvention of docs/json.md.
func TestSchemasKeepToTheConvention(t *testing.T) {
	checked := 0
	for _, o := range cli.Outputs() {
		if o.Sample == nil || o.Schema == "response" || o.Schema == "event" {
			continue
		}
		m := maker{source: newSource(root)}
		s := m.of(reflect.ValueOf(o.Sample))
		defs := m.defs
		if s.Items != nil {
			defs = slices.DeleteFunc(defs, func(p schema.Property) bool {
				return "#/$defs/"+p.Name == s.Items.Ref && checkThing(t, o.Command, p.Schema)
			})
		} else {
			checkThing(t, o.Command, s)
		}
		for _, p := range defs {
			if p.Name != "response" && !isOfResponse(p.Schema) {
				checkObject(t, o.Command+" "+p.Name, p.Schema)
			}
		}
		checked++
	}
	if checked < 30 {
		t.Errorf("checked %d", checked)
	}
}

// isOfResponse says whether an object is a part of a response, which has names of its own.
func isOfResponse(s *schema.Schema) bool {
	m := maker{source: newSource(root)}
	m.of(reflect.ValueOf(event.Response{}))
	return slices.ContainsFunc(m.defs, func(p schema.Property) bool { return reflect.DeepEqual(p.Schema, s) })
}

// checkThing checks an object that says what it is.
func checkThing(t *testing.T, what string, s *schema.Schema) bool {
	t.Helper()
	if len(s.Properties) < 2 || s.Properties[0].Name != "kind" || s.Properties[0].Schema.Const == nil || s.Properties[1].Name != "id" {
		t.Errorf("%s: does not begin with kind and id", what)
	}
	checkObject(t, what, s)
	return true
}

var inCamelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)

func checkObject(t *testing.T, what string, s *schema.Schema) {
	t.Helper()
	for _, p := range s.Properties {
		isTime := p.Schema.Format == "date-time"
		switch {
		case !slices.Contains(s.Required, p.Name):
			t.Errorf("%s: %s may be missing", what, p.Name)
		case isTime != strings.HasSuffix(p.Name, "At"):
			t.Errorf("%s: %s: a time ends in At, and nothing else does", what, p.Name)
		case !inCamelCase.MatchString(p.Name) && what != "token create":
			t.Errorf("%s: %s is not in camel case", what, p.Name)
		case p.Name == "name" && s.Properties[0].Name == "kind" && s.Properties[1].Name == "id" && !strings.HasPrefix(what, "source "):
			t.Errorf("%s: has a name beside its id", what)
		}
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

var example = regexp.MustCompile("(?s)```json\n(.*?)```")

func TestExamplesOfTheManualsKeepToTheirSchemas(t *testing.T) {
	checked := 0
	for manual, of := range map[string]func(text string) (name, document string){
		"hooks.md": func(text string) (string, string) { return "event", text },
		"json.md": func(text string) (string, string) {
			if strings.HasPrefix(text, `{"kind":"error"`) {
				return "error", text
			}
			return "delivery-list", "[" + text + "]"
		},
	} {
		text, err := os.ReadFile(filepath.Join(root, "docs", manual))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range example.FindAllStringSubmatch(string(text), -1) {
			name, document := of(block[1])
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
			if err == nil {
				err = compiled(t, name).Validate(value)
			}
			if checked++; err != nil {
				t.Errorf("%s: %v\n%s", manual, err, document)
			}
		}
	}
	if checked < 6 {
		t.Errorf("found only %d examples", checked)
	}
}

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join(root, directory, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemasAreSchemas(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(root, directory, "*.json"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("found %d: %v", len(paths), err)
	}
	for _, path := range paths {
		compiled(t, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
}
