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
	}
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

// sound is a file that other tests break.
const sound = `id: demo
name: Demo
group: Demo
programme: {status: open}
confidence: high
authorization_endpoint: https://{region}.demo.example/authorize
token_endpoint: https://{region}.demo.example/token
token_endpoint_auth_method: client_secret_post
account: {from: endpoint, url: "https://api.demo.example/{region}/me", id: user.id}
inputs: [{id: region, label: Region}]
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
		"an unknown key":              {"name: Demo", "name: Demo\nnmae: Demo"},
		"plain http":                  {"https://{region}.demo.example/token", "http://{region}.demo.example/token"},
		"a host that is all input":    {"https://{region}.demo.example/token", "https://{region}/token"},
		"an input that ends the host": {"https://{region}.demo.example/token", "https://demo.{region}/token"},
		"a user in an address":        {"https://{region}.demo.example/token", "https://a@demo.example/token"},
		"no account":                  {"account: {from: endpoint, url: \"https://api.demo.example/{region}/me\", id: user.id}\n", ""},
		"no token endpoint":           {"token_endpoint: https://{region}.demo.example/token\n", ""},
		"an input without a label":    {"{id: region, label: Region}", "{id: region}"},
		"a rule without a condition":  {"inputs:", "errors: [{code: revoked}]\ninputs:"},
		"a signature without a key": {
			"inputs:", "check: {url: \"https://a.example/\", form: {a: b}, signature: {method: hmac-sha256, over: [a], parameter: s}}\ninputs:",
		},
		"another method to sign": {
			"inputs:", "check: {url: \"https://a.example/\", form: {a: b}, signature: {method: md5, key: client_secret, over: [a], parameter: s}}\ninputs:",
		},
		"a nonce that is nowhere": {
			"inputs:", "check: {url: \"https://a.example/\", form: {a: b}, signature: {method: hmac-sha256, key: client_secret, over: [a], parameter: s, " +
				"nonce: {url: \"https://a.example/nonce\"}}}\ninputs:",
		},
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

func TestSchemaHasTheKeysOfTheReader(t *testing.T) {
	data, err := os.ReadFile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var read node
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	compare(t, "", reflect.TypeFor[file](), read, read.Defs)
}

// node is a part of a schema.
type node struct {
	Properties map[string]node `json:"properties"`
	Items      *node           `json:"items"`
	AnyOf      []node          `json:"anyOf"`
	Ref        string          `json:"$ref"`
	Defs       map[string]node `json:"$defs"`
	Additional json.RawMessage `json:"additionalProperties"`
}

func compare(t *testing.T, at string, of reflect.Type, schema node, defs map[string]node) {
	t.Helper()
	if name, refers := strings.CutPrefix(schema.Ref, "#/$defs/"); refers {
		schema = defs[name]
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch of.Kind() {
	case reflect.Slice:
		if schema.Items != nil {
			compare(t, at+"[]", of.Elem(), *schema.Items, defs)
		}
		return
	case reflect.Struct:
	default:
		return
	}
	fields := fieldsOf(of)
	for name, kind := range fields {
		part, ok := schema.Properties[name]
		if !ok {
			t.Errorf("the schema has no %s.%s", at, name)
			continue
		}
		if name != "variants" {
			compare(t, at+"."+name, kind, part, defs)
		}
	}
	for name := range schema.Properties {
		if _, ok := fields[name]; !ok {
			t.Errorf("the reader has no %s.%s", at, name)
		}
	}
}

func fieldsOf(of reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for field := range slices.Values(reflect.VisibleFields(of)) {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "" {
			fields[name] = field.Type
		}
	}
	return fields
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
