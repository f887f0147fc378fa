package catalog

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// asDefinition is a source of the catalogue as an operator would define it.
func asDefinition(t *testing.T, data []byte) []byte {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	delete(value, "id")
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func definitionSchema(t *testing.T, shipped bool) *jsonschema.Schema {
	t.Helper()
	text, err := MakeDefinitionSchema(shipped)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("definition.schema.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("definition.schema.json")
}

func keepsTo(t *testing.T, s *jsonschema.Schema, definition string) bool {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(definition))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value) == nil
}

func entriesOf(s *Source) map[string]Entry {
	all := map[string]Entry{"": s.Entry}
	for name, e := range s.entries {
		all[name] = *e
	}
	return all
}

func TestEachShippedSourceCouldBeAnOperatorsOwn(t *testing.T) {
	fresh, over := definitionSchema(t, false), definitionSchema(t, true)
	for _, id := range IDs() {
		data, err := fs.ReadFile(files, id+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		definition := asDefinition(t, data)
		if !keepsTo(t, fresh, string(definition)) || !keepsTo(t, over, string(definition)) {
			t.Errorf("%s: the schema of definitions refuses it", id)
		}
		shipped, err := Load(id)
		if err != nil {
			t.Fatal(err)
		}
		own, err := Define(nil, id, definition)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if diff := cmp.Diff(entriesOf(shipped), entriesOf(own)); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		if diff := cmp.Diff(shipped.Describe(), own.Describe()); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		renamed, err := Define(shipped, id, []byte(`{"name": "Renamed"}`))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		want := entriesOf(shipped)
		for name, e := range want {
			e.Name = "Renamed"
			want[name] = e
		}
		if diff := cmp.Diff(want, entriesOf(renamed)); diff != "" || !maps.Equal(shipped.Variants, renamed.Variants) {
			t.Errorf("%s: another name changes more than the name: %s", id, diff)
		}
	}
}

const layered = `id: demo
name: Demo
group: Demo
confidence: high
authorization_endpoint: https://demo.example/authorize
token_endpoint: https://demo.example/token
token_endpoint_auth_method: client_secret_post
token_request: {parameters: {a: base, b: base}, headers: {X-A: base}}
account: {from: endpoint, url: "https://api.demo.example/me", id: user.id}
revocation: {method: POST, url: "https://demo.example/revoke"}
variants:
  eu: {description: Europe, token_endpoint: "https://eu.demo.example/token", token_request: {parameters: {b: eu}}}
  us: {description: America, token_endpoint: "https://us.demo.example/token"}
`

// overlaid is the layered source with a definition, read as flat facts.
func overlaid(t *testing.T, definition string) *Source {
	t.Helper()
	shipped, err := Parse([]byte(layered))
	if err != nil {
		t.Fatal(err)
	}
	if !keepsTo(t, definitionSchema(t, true), definition) {
		t.Errorf("the schema refuses %s", definition)
	}
	s, err := Define(shipped, "demo", []byte(definition))
	if err != nil {
		t.Fatalf("%s: %v", definition, err)
	}
	return s
}

func TestDefinitionIsLaidOverFieldByField(t *testing.T) {
	for _, c := range []struct{ definition, variant, want string }{
		{`{"token_endpoint": "https://moved.example/t"}`, "", "https://moved.example/t base base base demo.example/revoke"},
		{`{"token_endpoint": "https://moved.example/t"}`, "eu", "https://moved.example/t base eu base demo.example/revoke"},
		{`{"token_request": {"parameters": {"a": "mine"}}}`, "eu", "https://eu.demo.example/token mine eu base demo.example/revoke"},
		{`{"token_request": {"parameters": {"b": null}}}`, "eu", "https://eu.demo.example/token base - base demo.example/revoke"},
		{`{"token_request": null}`, "", "https://demo.example/token - - - demo.example/revoke"},
		{`{"revocation": null}`, "", "https://demo.example/token base base base -"},
		{`{"revocation_endpoint": "https://demo.example/r2"}`, "us", "https://us.demo.example/token base base base -"},
		{`{"token_endpoint": "https://moved.example/t", "variants": {"eu": {"token_endpoint": "https://eu.moved.example/t"}}}`, "eu", "https://eu.moved.example/t base eu base demo.example/revoke"},
		{`{"variants": {"jp": {"description": "Japan", "token_endpoint": "http://127.0.0.1:9/t"}}}`, "jp", "http://127.0.0.1:9/t base base base demo.example/revoke"},
	} {
		e, err := overlaid(t, c.definition).Variant(c.variant)
		if err != nil {
			t.Fatal(err)
		}
		or := func(text string) string {
			if text == "" {
				return "-"
			}
			return text
		}
		p, revoke := e.TokenRequest.Extra, "-"
		if e.Revocation != nil {
			revoke = strings.TrimPrefix(e.Revocation.URL, "https://")
		}
		if got := strings.Join([]string{e.TokenEndpoint, or(p["a"]), or(p["b"]), or(e.TokenRequest.Headers["X-A"]), revoke}, " "); got != c.want {
			t.Errorf("%s, %q is %s, want %s", c.definition, c.variant, got, c.want)
		}
	}
	if s := overlaid(t, `{"variants": {"eu": null}}`); slices.Sorted(maps.Keys(s.Variants))[0] != "us" || len(s.Variants) != 1 {
		t.Errorf("the variants are %v", s.Variants)
	}
	if s := overlaid(t, `{"variants": null}`); len(s.Variants) != 0 {
		t.Errorf("the variants are %v", s.Variants)
	}
	if s := overlaid(t, `{"issuer": "https://login.example"}`); s.Issuer != "https://login.example" {
		t.Errorf("the issuer is %q", s.Issuer)
	}
	shipped, err := Parse([]byte(strings.Replace(layered, "authorization_endpoint:", "issuer: https://old.example\nauthorization_endpoint:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Define(shipped, "demo", []byte(`{"token_endpoint": "https://moved.example/t"}`))
	if err != nil || s.Issuer != "" {
		t.Errorf("the issuer hides the endpoint of the definition: %v", err)
	}
}

func TestFlawOfADefinitionSaysWhere(t *testing.T) {
	shipped, err := Parse([]byte(layered))
	if err != nil {
		t.Fatal(err)
	}
	for definition, want := range map[string]Flaws{
		`{"token_endpoint": "http://demo.example/t"}`:                    {{"/token_endpoint", "it is neither an https URL nor an http URL on loopback"}},
		`{"account": {"url": "https://{region}.demo.example/me"}}`:       {{"/account/url", "{region} is no input"}},
		`{"account": {"url": null}}`:                                     {{"/account/url", "is needed"}},
		`{"errors": [{"code": "revoked"}]}`:                              {{"/errors/0", "a rule of errors needs a status or where"}},
		`{"inputs": [{"id": "a", "label": "A", "pattern": "("}]}`:        {{"/inputs/0", "an input needs an id, a label and a pattern that can be read"}},
		`{"variants": {"eu": {"token_endpoint": "http://[::2]:1/t"}}}`:   {{"/variants/eu/token_endpoint", "it is neither an https URL nor an http URL on loopback"}},
		`{"after_connect": [{"url": "http://localhost.evil.example/"}]}`: {{"/after_connect/0/url", "it is neither an https URL nor an http URL on loopback"}},
		`{"token_endpoint": "http://{x}.localhost/t"}`:                   {{"/token_endpoint", "it is neither an https URL nor an http URL on loopback"}},
		`{"token_endpoint": "http://a@127.0.0.1/t"}`:                     {{"/token_endpoint", "it is no https URL"}},
		`[]`: {{"", "The definition is no JSON object."}},
	} {
		_, err := Define(shipped, "demo", []byte(definition))
		var flaws Flaws
		if !errors.As(err, &flaws) {
			t.Errorf("%s: %v", definition, err)
			continue
		}
		if diff := cmp.Diff(want, flaws[:1]); diff != "" {
			t.Errorf("%s: %s", definition, diff)
		}
	}
	if _, err := Parse([]byte(strings.Replace(layered, "https://demo.example/token", "http://127.0.0.1/token", 1))); err == nil {
		t.Error("a shipped source may be on loopback")
	}
}

func TestSchemaOfDefinitionsRefusesWhatNoSourceHas(t *testing.T) {
	fresh, over := definitionSchema(t, false), definitionSchema(t, true)
	for _, definition := range []string{
		`{"token_endpiont": "https://a.example"}`, `{"token_endpoint": "http://a.example/t"}`, `{"token_endpoint": 7}`, `{"pkce": "maybe"}`,
		`{"id": "other"}`, `{"account": {"from": "nowhere"}}`, `{"variants": {"a": {"nmae": "x"}}}`, `{"client_secret": "x"}`,
	} {
		if keepsTo(t, over, definition) {
			t.Errorf("%s overrides", definition)
		}
	}
	for _, definition := range []string{
		`{"name": "A", "group": "B", "token_endpoint_auth_method": "none", "account": {"from": "nothing"}}`,
		`{"name": "A", "group": "B", "issuer": "https://a.example", "account": {"from": "nothing"}}`,
		`{"token_endpoint": "https://a.example/t"}`,
	} {
		if keepsTo(t, fresh, definition) {
			t.Errorf("%s is a source of one's own", definition)
		}
	}
	if !keepsTo(t, fresh, `{"name": "A", "group": "B", "issuer": "http://127.0.0.1:8778", "token_endpoint_auth_method": "none", "account": {"from": "id_token", "id": "sub"}}`) {
		t.Error("an own server on this machine is refused")
	}
}

func TestConnectionKeepsItsHosts(t *testing.T) {
	shipped, err := Parse([]byte(layered))
	if err != nil {
		t.Fatal(err)
	}
	never := func(string) bool { return false }
	later := func(change ...string) *Entry {
		s, err := Parse([]byte(strings.NewReplacer(change...).Replace(layered)))
		if err != nil {
			t.Fatal(err)
		}
		return &s.Entry
	}
	kept := shipped.Entry.Kept()
	for name, c := range map[string]struct {
		entry           *Entry
		overrides       func(string) bool
		token, me, gone string
	}{
		"nothing has changed": {&shipped.Entry, never, "https://demo.example/token", "https://api.demo.example/me", "https://demo.example/revoke"},
		"another path":        {later("api.demo.example/me", "api.demo.example/v2/me"), never, "https://demo.example/token", "https://api.demo.example/v2/me", "https://demo.example/revoke"},
		"a known host":        {later("api.demo.example/me", "demo.example/me"), never, "https://demo.example/token", "https://demo.example/me", "https://demo.example/revoke"},
		"other hosts":         {later("demo.example/token", "new.example/token", "api.demo.example", "new.example", "demo.example/revoke", "new.example/revoke"), never, "https://demo.example/token", "https://api.demo.example/me", "https://demo.example/revoke"},
		"no revocation":       {later(`revocation: {method: POST, url: "https://demo.example/revoke"}`, ""), never, "https://demo.example/token", "https://api.demo.example/me", ""},
		"overridden":          {later("demo.example/token", "new.example/token", "api.demo.example", "new.example"), func(field string) bool { return field == "token_endpoint" }, "https://new.example/token", "https://api.demo.example/me", "https://demo.example/revoke"},
		"an issuer":           {later("authorization_endpoint:", "issuer: https://new.example\nauthorization_endpoint:"), never, "https://demo.example/token", "https://api.demo.example/me", "https://demo.example/revoke"},
	} {
		before, _ := json.Marshal(c.entry)
		e := c.entry.Keep(kept, c.overrides)
		revoke := ""
		if e.Revocation != nil {
			revoke = e.Revocation.URL
		}
		if got := []string{e.Issuer, e.TokenEndpoint, e.Account.URL, revoke}; !slices.Equal(got, []string{"", c.token, c.me, c.gone}) {
			t.Errorf("%s: %q", name, got)
		}
		if after, _ := json.Marshal(c.entry); string(before) != string(after) {
			t.Errorf("%s: the catalogue was changed", name)
		}
	}
	added := later("confidence:", "check: {url: \"https://new.example/check\"}\nconfidence:").Keep(kept, never)
	if added.Check != nil {
		t.Error("the tokens are sent to a host that came later")
	}
	delete(kept, "account.url")
	if e := later("api.demo.example", "new.example").Keep(kept, never); e.Checks() {
		t.Error("a check asks at a host that came later")
	}
}

func TestExamplesOfTheManualAreDefinitions(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range strings.Split(string(manual), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var config struct {
			Sources []struct {
				ID         string         `yaml:"id"`
				Definition map[string]any `yaml:"definition"`
			} `yaml:"sources"`
		}
		if err := yaml.Unmarshal([]byte(block), &config); err != nil {
			t.Fatal(err)
		}
		for _, c := range config.Sources {
			if c.Definition == nil {
				continue
			}
			found++
			definition, err := json.Marshal(c.Definition)
			if err != nil {
				t.Fatal(err)
			}
			shipped, err := Load(c.ID)
			if err != nil {
				shipped = nil
			}
			if _, err := Define(shipped, c.ID, definition); err != nil || !keepsTo(t, definitionSchema(t, shipped != nil), string(definition)) {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
	}
	if found < 2 {
		t.Errorf("found %d definitions", found)
	}
}

func FuzzDefine(f *testing.F) {
	shipped, err := Parse([]byte(layered))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"name": "A"}`, `{"token_endpoint": "http://127.0.0.1:9/t"}`, `{"variants": {"eu": {"account": {"id": "\u0000- a: &b"}}}}`, `{"errors": [{"status": 400, "code": "revoked"}]}`,
		`{"programme": {"text": "0123"}, "notes": ["~", "true", "a: b"]}`, `{"account": null}`, `{"variants": []}`, `{"token_request": 1e3}`, `{"<<": {"name": "x"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, definition string) {
		for _, base := range []*Source{shipped, nil} {
			s, err := Define(base, "demo", []byte(definition))
			if err != nil {
				continue
			}
			if s.ID != "demo" || s.Definition == "" {
				t.Errorf("%s makes %q", definition, s.ID)
			}
			for name := range s.entries {
				e, err := s.Variant(name)
				if err != nil || e.ID != "demo" {
					t.Errorf("%s: the variant %s is of %q", definition, name, e.ID)
				}
			}
			for _, address := range s.Addresses() {
				if host, plain := hostOf(address); plain && !onLoopback("http://"+host) {
					t.Errorf("%s leads to %s", definition, address)
				}
			}
		}
	})
}
