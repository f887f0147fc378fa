package schema_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/schema"
)

func compile(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func value(t testing.TB, text string) any {
	t.Helper()
	v, err := schema.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// said are the problems of a value, one line each.
func said(t testing.TB, s *schema.Schema, text string) (lines []string) {
	t.Helper()
	for _, p := range s.Check(value(t, text)) {
		key := ""
		if p.Key {
			key = " key"
		}
		lines = append(lines, fmt.Sprintf("%s%s: %s", p.Pointer, key, p.Text))
	}
	return lines
}

const sample = `{
  "type": "object", "additionalProperties": false, "required": ["name"],
  "properties": {
    "name": {"type": "string", "minLength": 2},
    "url": {"anyOf": [{"$ref": "#/$defs/url"}, {"type": "null"}]},
    "kind": {"enum": ["browser", "code", 7]},
    "codes": {"type": "array", "items": {"type": "integer", "minimum": 200}, "uniqueItems": true, "maxItems": 3},
    "inner": {"type": "object", "additionalProperties": false, "properties": {"a/b": {"type": "boolean"}}},
    "only": {"const": true}
  },
  "anyOf": [{"required": ["url"]}, {"required": ["kind", "codes"]}],
  "$defs": {"url": {"type": "string", "pattern": "^https://", "description": "An https URL"}}
}`

func TestEachProblemHasItsPlaceAndItsWords(t *testing.T) {
	s := compile(t, sample)
	for text, want := range map[string][]string{
		`{"name": "ab", "url": null}`:                              nil,
		`{"name": "ab", "kind": 7.0, "codes": [200]}`:              nil,
		`{"name": "ab", "url": "https://a", "nmae": 1}`:            {`/nmae key: unknown key; did you mean "name"?`},
		`{"name": "ab", "url": "http://a"}`:                        {"/url: is not right. Expected: An https URL"},
		`{"url": null}`:                                            {"/name: is missing"},
		`{"name": "ab"}`:                                           {": url is missing; or kind is missing and codes is missing"},
		`{"name": 1, "url": null}`:                                 {"/name: is a number, where text is expected"},
		`{"name": "a", "url": null}`:                               {"/name: has less than 2 characters"},
		`{"name": "ab", "url": null, "kind": "browsr"}`:            {`/kind: is none of: browser, code, 7; did you mean "browser"?`},
		`{"name": "ab", "url": null, "codes": [200, 1, 200, 2.5]}`: {"/codes: has more than 3 items", "/codes/1: is less than 200", "/codes/2: is a duplicate", "/codes/3: is a number, where a whole number is expected"},
		`{"name": "ab", "url": null, "inner": {"a/b": 1}}`:         {"/inner/a~1b: is a number, where true or false is expected"},
		`{"name": "ab", "url": null, "inner": {"zzzz": 1}}`:        {"/inner/zzzz key: unknown key; known here: a/b"},
		`{"name": "ab", "url": null, "only": false}`:               {"/only: is not true"},
		`[]`: {": is a list, where a mapping is expected"},
	} {
		if diff := cmp.Diff(want, said(t, s, text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// doubling is a schema of a few lines that stands for 2^n ones.
func doubling(n int) string {
	var defs []string
	for i := range n {
		defs = append(defs, fmt.Sprintf(`"d%d": {"allOf": [{"$ref": "#/$defs/d%d"}, {"$ref": "#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	return fmt.Sprintf(`{"$ref": "#/$defs/d0", "$defs": {%s, "d%d": {"type": "object"}}}`, strings.Join(defs, ","), n)
}

func TestSchemaOfAStrangerIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"no JSON":              {`{`, "it is no JSON"},
		"two values":           {`{} {}`, "it is more than one JSON value"},
		"too long":             {`"` + strings.Repeat("x", 256<<10) + `"`, "it is longer than 256 KiB"},
		"no schema":            {`7`, `at "": it is neither an object nor true or false`},
		"another machine":      {`{"$ref": "https://evil.example/schema"}`, `at "/$ref": it is no JSON Pointer within the schema`},
		"a file":               {`{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`, `at "/properties/a/$ref": it is no JSON Pointer within the schema`},
		"nowhere":              {`{"$ref": "#/$defs/a"}`, `at "/$ref": "/$defs/a" does not exist`},
		"no schema referred":   {`{"$ref": "#/title", "title": "x"}`, `at "/title": it is neither an object`},
		"itself":               {`{"properties": {"a": {"$ref": "#"}}}`, "it refers to itself"},
		"a circle":             {`{"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}}`, "it refers to itself"},
		"doubling":             {doubling(18), "it is larger than 50000 schemas"},
		"nested":               {strings.Repeat(`{"not":`, 100) + "{}" + strings.Repeat("}", 100), "it is nested deeper than 64 levels"},
		"a number of the sun":  {`{"minimum": 1e1000000000}`, "it is nested deeper than 64 levels, or has a number too large"},
		"one hidden in a list": {`{"enum": [{"a": [1e-1000000000]}]}`, "has a number too large"},
		"a pattern":            {`{"pattern": "("}`, `at "/pattern": the pattern cannot be read`},
		"a pattern for keys":   {`{"patternProperties": {"a{2000}": true}}`, `at "/patternProperties": the pattern cannot be read`},
		"another draft":        {`{"$schema": "http://json-schema.org/draft-07/schema#"}`, `at "/$schema": it is not of draft 2020-12`},
		"a dynamic reference":  {`{"$dynamicRef": "#a"}`, `at "/$dynamicRef": $dynamicRef is not supported`},
		"unevaluated":          {`{"items": {"unevaluatedProperties": false}}`, `at "/items/unevaluatedProperties": unevaluatedProperties is not supported`},
		"an inner id":          {`{"$id": "a", "items": {"$id": "b"}}`, `at "/items/$id": an inner $id is not supported`},
		"a wrong type":         {`{"type": "text"}`, `at "/type": it is no type`},
		"a wrong count":        {`{"minItems": -1}`, `at "/minItems": it is no whole number of 0 or more`},
		"control characters":   {`{"properties": {"a\u001b[2Jb": 1}}`, `at "/properties/a[2Jb": it is neither`},
	} {
		_, err := schema.Compile(c.schema)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if got := said(t, compile(t, doubling(12)), `[]`); len(got) != 100 {
		t.Errorf("%d problems of a list are returned", len(got))
	}
	if got := said(t, compile(t, `{"minimum": 1}`), `1e1000000000`); len(got) != 1 {
		t.Errorf("a number of the sun is %q", got)
	}
}

func TestCheckGivesUpRatherThanLast(t *testing.T) {
	s := compile(t, strings.Replace(doubling(13), `{"$ref": "#/$defs/d0"`, `{"items": {"$ref": "#/$defs/d0"}`, 1))
	got := said(t, s, "["+strings.Repeat("{},", 10_000)+"{}]")
	if diff := cmp.Diff([]string{": is too large to be checked against the schema"}, got); diff != "" {
		t.Error(diff)
	}
}

// genSchema draws schemas of all keywords, small enough that values meet them.
func genSchema(depth int) *rapid.Generator[any] {
	names := rapid.SampledFrom([]string{"a", "b", "c"})
	small := rapid.Custom(func(t *rapid.T) any { return rapid.IntRange(0, 3).Draw(t, "n") })
	return rapid.Custom(func(t *rapid.T) any {
		if depth == 0 || rapid.IntRange(0, 9).Draw(t, "bool") == 0 {
			return rapid.Bool().Draw(t, "always")
		}
		inner := genSchema(depth - 1)
		list := func() any { return rapid.SliceOfN(inner, 1, 2).Draw(t, "schemas") }
		object := func() any { return rapid.MapOfN(names, inner, 0, 2).Draw(t, "members") }
		texts := func() any { return rapid.SliceOfNDistinct(names, 0, 2, rapid.ID[string]).Draw(t, "names") }
		s := map[string]any{}
		for range rapid.IntRange(1, 3).Draw(t, "keywords") {
			name := rapid.SampledFrom([]string{
				"type", "enum", "const", "properties", "additionalProperties", "required", "items", "prefixItems", "anyOf", "oneOf", "allOf", "not",
				"if", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum",
				"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "contains", "minContains", "maxContains", "patternProperties",
				"propertyNames", "dependentRequired", "dependentSchemas", "$ref",
			}).Draw(t, "keyword")
			switch name {
			case "type":
				s[name] = rapid.SampledFrom([]any{"null", "boolean", "object", "array", "number", "string", "integer", []any{"string", "null"}}).Draw(t, "type")
			case "enum":
				s[name] = rapid.SliceOfNDistinct(genValue(1), 1, 3, func(v any) string { text, _ := json.Marshal(v); return string(text) }).Draw(t, "enum")
			case "const":
				s[name] = genValue(1).Draw(t, "const")
			case "properties", "dependentSchemas":
				s[name] = object()
			case "patternProperties":
				s[name] = map[string]any{"^[ab]": inner.Draw(t, "schema")}
			case "required":
				s[name] = texts()
			case "dependentRequired":
				s[name] = map[string]any{"a": texts()}
			case "prefixItems", "anyOf", "oneOf", "allOf":
				s[name] = list()
			case "if":
				s["if"], s["then"], s["else"] = inner.Draw(t, "if"), inner.Draw(t, "then"), inner.Draw(t, "else")
			case "pattern":
				s[name] = "^a"
			case "multipleOf":
				s[name] = rapid.SampledFrom([]any{1, 2, 0.5}).Draw(t, "of")
			case "uniqueItems":
				s[name] = rapid.Bool().Draw(t, "unique")
			case "additionalProperties", "items", "not", "contains", "propertyNames":
				s[name] = inner.Draw(t, "schema")
			case "$ref":
				s[name] = rapid.SampledFrom([]string{"#/$defs/one", "#/$defs/t~1w%25o"}).Draw(t, "ref")
			default:
				s[name] = small.Draw(t, "limit")
			}
		}
		return s
	})
}

func genValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth > 0 {
			kinds = 7
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.IntRange(-1, 4).Draw(t, "int")
		case 3:
			return json.Number(rapid.SampledFrom([]string{"1.0", "2.5", "1e0", "0.5"}).Draw(t, "number"))
		case 4:
			return rapid.SampledFrom([]string{"", "a", "ab", "b", "ä"}).Draw(t, "text")
		case 5:
			return rapid.SliceOfN(genValue(depth-1), 0, 3).Draw(t, "list")
		}
		return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), genValue(depth-1), 0, 3).Draw(t, "object")
	})
}

// judge is what the library says of a value.
func judge(t interface{ Fatal(args ...any) }, text, instance string) bool {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///schema", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("mem:///schema")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(instance))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(v) == nil
}

func TestVerdictsAreThoseOfALibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, isObject := genSchema(3).Draw(t, "schema").(map[string]any)
		if !isObject {
			root = map[string]any{}
		}
		root["$defs"] = map[string]any{"one": map[string]any{"type": []any{"integer", "string"}}, "t/w%o": map[string]any{"minItems": 1}}
		text, _ := json.Marshal(root)
		instance, _ := json.Marshal(genValue(2).Draw(t, "value"))
		s, err := schema.Compile(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		v, err := schema.Decode(instance)
		if err != nil {
			t.Fatal(err)
		}
		problems := s.Check(v)
		if want := judge(t, string(text), string(instance)); (len(problems) == 0) != want {
			t.Fatalf("%s by %s: %v, the library accepts it: %v", instance, text, problems, want)
		}
	})
}

func FuzzSchema(f *testing.F) {
	catalogue, err := os.ReadFile("../../providers/oauth2/catalog/catalog.schema.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(catalogue), `{"id": "a", "account": {"from": "x"}}`)
	f.Add(sample, `{"name": "ab", "codes": [1, 1]}`)
	f.Add(doubling(5), `[]`)
	f.Fuzz(func(t *testing.T, text, instance string) {
		s, err := schema.Compile(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		v, err := schema.Decode([]byte(instance))
		if err != nil {
			return
		}
		for _, p := range s.Check(v) {
			if p.Text == "" || strings.ContainsAny(p.Text, "\n\x1b") {
				t.Errorf("%q", p.Text)
			}
		}
	})
}

func TestSchemaOfTheOAuth2ProviderNamesTheNearestKey(t *testing.T) {
	text, err := os.ReadFile("../../providers/oauth2/catalog/definition.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := compile(t, string(text))
	for definition, want := range map[string][]string{
		`{"token_endpiont": "https://a.example/t", "account": {"fromm": "endpoint"}}`: {
			`/account/fromm key: unknown key; did you mean "from"?`, `/token_endpiont key: unknown key; did you mean "token_endpoint"?`,
		},
		`{"variants": {"eu": {"pkce": "requird"}}}`:                                          {`/variants/eu/pkce: is none of: required, unsupported; did you mean "required"?`},
		`{"token_endpoint": null, "check": null, "token_request": {"headers": {"A": null}}}`: nil,
	} {
		if diff := cmp.Diff(want, said(t, s, definition)); diff != "" {
			t.Errorf("%s: %s", definition, diff)
		}
	}
}
