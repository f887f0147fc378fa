package catalog

import (
	"encoding/json"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("catalog.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func validate(s *jsonschema.Schema, data []byte) error {
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		return err
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return err
	}
	return s.Validate(instance)
}

func TestEveryFileKeepsToTheSchema(t *testing.T) {
	s := schema(t)
	for _, id := range IDs() {
		data, err := fs.ReadFile(files, id+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "# yaml-language-server: $schema=catalog.schema.json\n") {
			t.Errorf("%s.yaml does not name its schema in its first line", id)
		}
		if err := validate(s, data); err != nil {
			t.Errorf("%s.yaml: %v", id, err)
		}
		source, err := Load(id)
		if err != nil || source.ID != id {
			t.Errorf("%s.yaml: %v", id, err)
		}
	}
}

// sound is a file that other tests break.
const sound = `id: demo
name: Demo
group: Demo
programme: {status: open}
confidence: high
inputs:
- {id: url, label: Address, kind: url}
- {id: region, label: Region, kind: choice, choices: [{value: eu, label: Europe}, {value: us.test, label: Test}]}
- {id: key, label: Key, kind: secret}
credentials:
- needs: [url, key]
  send: {headers: {x-key: "{key|sha256}"}}
  check: {url: "{url}/me"}
  account: {from: answer, id: user.id, authority: url}
- needs: [region, key]
  send: {bearer: "{key}"}
  check: {url: "https://api.{region}.demo.example/me/{key}"}
  account: {from: nothing}
errors:
- {status: [418], code: invalid_input, field: key}
`

func TestSchemaAndReaderRefuseTheSame(t *testing.T) {
	s := schema(t)
	if err := validate(s, []byte(sound)); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse([]byte(sound)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"an unknown key":                {"name: Demo", "name: Demo\nnmae: Demo"},
		"plain http":                    {"https://api.{region}", "http://api.{region}"},
		"a user in an address":          {"https://api.{region}", "https://a@api.{region}"},
		"a query in an address":         {"{url}/me", "{url}/me?x=1"},
		"no account":                    {"  account: {from: nothing}\n", ""},
		"no check":                      {"  check: {url: \"{url}/me\"}\n", ""},
		"an input without a label":      {"label: Key, ", ""},
		"a kind that is none":           {"kind: secret", "kind: password"},
		"a rule without a condition":    {"status: [418], ", ""},
		"an invalid input with no name": {", field: key}", "}"},
		"a field of another code":       {"code: invalid_input", "code: access_denied"},
		"no inputs at all":              {sound[strings.Index(sound, "inputs:"):strings.Index(sound, "credentials:")], ""},
	} {
		broken := strings.Replace(sound, change[0], change[1], 1)
		if broken == sound {
			t.Fatalf("%s: nothing is broken", name)
		}
		if validate(s, []byte(broken)) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
		if _, err := Parse([]byte(broken)); err == nil {
			t.Errorf("%s: the reader accepts it", name)
		}
	}
}

func TestReaderRefusesWhatTheSchemaCannotSay(t *testing.T) {
	for name, change := range map[string][2]string{
		"a host that a person types":             {"api.{region}.demo", "api.{key}.demo"},
		"a host that is a URL":                   {"api.{region}.demo", "api.{url}.demo"},
		"an address that begins with a secret":   {"{url}/me", "{key}/me"},
		"a URL in the middle of a path":          {"/me/{key}", "/me/{url}"},
		"an input that does not exist":           {"x-key: \"{key", "x-key: \"{kye"},
		"an input that the credential not needs": {"x-key: \"{key|sha256}", "x-key: \"{region}"},
		"a function that does not exist":         {"|sha256", "|md5"},
		"a secret as an account":                 {"{from: nothing}", "{from: input, id: key}"},
		"a secret as an authority":               {"authority: url", "authority: key"},
		"an account without an id":               {"id: user.id, ", ""},
		"a field that does not exist":            {"field: key}", "field: kye}"},
		"a need that does not exist":             {"needs: [url, key]", "needs: [url, key, more]"},
		"an input twice":                         {"{id: key,", "{id: url,"},
		"choices of a text":                      {"kind: choice", "kind: text"},
		"a pattern that cannot be read":          {"kind: secret}", "kind: secret, pattern: '('}"},
		"an input named as a setting":            {"{id: key,", "{id: allowed_hosts,"},
		"a choice that is no host":               {"value: eu,", "value: 'eu/x',"},
	} {
		broken := strings.Replace(sound, change[0], change[1], 1)
		if broken == sound {
			t.Fatalf("%s: nothing is broken", name)
		}
		if _, err := Parse([]byte(broken)); err == nil {
			t.Errorf("%s: the reader accepts it", name)
		}
	}
}

func TestSchemaHasTheKeysOfTheReader(t *testing.T) {
	data, err := os.ReadFile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var read node
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	compare(t, "", reflect.TypeFor[Source](), read)
}

// node is a part of a schema.
type node struct {
	Properties map[string]node `json:"properties"`
	Items      *node           `json:"items"`
}

func compare(t *testing.T, at string, of reflect.Type, schema node) {
	t.Helper()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() == reflect.Slice && schema.Items != nil {
		compare(t, at+"[]", of.Elem(), *schema.Items)
	}
	if of.Kind() != reflect.Struct {
		return
	}
	var fields []string
	for field := range slices.Values(reflect.VisibleFields(of)) {
		name := field.Tag.Get("yaml")
		fields = append(fields, name)
		part, ok := schema.Properties[name]
		if !ok {
			t.Errorf("the schema has no %s.%s", at, name)
		}
		compare(t, at+"."+name, field.Type, part)
	}
	for name := range schema.Properties {
		if !slices.Contains(fields, name) {
			t.Errorf("the reader has no %s.%s", at, name)
		}
	}
}

func TestExampleOfTheReadmeIsASource(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(readme), "```yaml\n")
	example, _, ended := strings.Cut(example, "```\n")
	if !found || !ended {
		t.Fatal("README.md has no example")
	}
	if err := validate(schema(t), []byte(example)); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte(example)); err != nil {
		t.Error(err)
	}
}

func TestDescriptionSaysWhatTheFileSays(t *testing.T) {
	s, err := Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Describe()
	if want := []string{"api.eu.demo.example", "api.us.test.demo.example"}; !slices.Equal(d.Hosts, want) {
		t.Errorf("the hosts are %q, want %q", d.Hosts, want)
	}
	if len(d.Fields) != 3 || len(d.Settings) != 4 || d.Settings[3].ID != "allowed_hosts" || d.Settings[2].Required || !d.Fields[2].Required || len(d.Fields[1].Choices) != 2 {
		t.Errorf("the fields are %+v, the settings %+v", d.Fields, d.Settings)
	}
}
