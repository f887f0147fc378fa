package config_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

const defining = `version: 1
sources:
  - id: ours
    provider: oauth2
    appliesTo: new
    definition:
      name: Ours
      retired: false
      status: 0123x
      done: [200, 204.5, -1e2]
      day: 2026-11-30
      quoted: "401"
      nothing: null
      account:
        "a.b/c~d": {deep: yes}
        aB: 1
        Ab: 2
`

func definitionOf(t testing.TB, text string) *config.Definition {
	t.Helper()
	return load(t, options(write(t, text))).Sources[0].Definition
}

func TestDefinitionIsTheYAMLAsJSON(t *testing.T) {
	d := definitionOf(t, defining)
	const want = `{"account":{"Ab":2,"a.b/c~d":{"deep":"yes"},"aB":1},"day":"2026-11-30","done":[200,204.5,-1e2],"name":"Ours",` +
		`"nothing":null,"quoted":"401","retired":false,"status":"0123x"}`
	if diff := cmp.Diff(want, string(d.JSON)); diff != "" {
		t.Error(diff)
	}
	if !d.NewOnly || !d.Sent().NewOnly || string(d.Sent().JSON) != want {
		t.Errorf("it is sent as %+v", d.Sent())
	}
	if none := load(t, options(write(t, "version: 1\nsources: [{id: a, clientId: b}]\n"))).Sources[0].Definition; none.Sent() != nil {
		t.Errorf("a source without one sends %+v", none.Sent())
	}
}

func TestEachValueOfADefinitionHasItsPlace(t *testing.T) {
	d := definitionOf(t, defining)
	for _, c := range []struct {
		pointer string
		key     bool
		want    string
	}{
		{"", false, "7:7 definition"},
		{"/name", false, "7:13 definition.name"},
		{"/name", true, "7:7 definition.name"},
		{"/done/1", false, "10:19 definition.done[1]"},
		{"/account/a.b~1c~0d/deep", false, "15:27 definition.account.a.b/c~d.deep"},
		{"/account/id", false, "15:9 definition.account.id"},
		{"/other/id", true, "7:7 definition.other.id"},
	} {
		path, at := d.Place(c.pointer, c.key)
		_, exact, _ := strings.Cut(at.Exact(), ".yaml:")
		if got := exact + " " + path; got != c.want {
			t.Errorf("%s is at %q, want %q", c.pointer, got, c.want)
		}
	}
}

func TestDefinitionIsReadStrictly(t *testing.T) {
	deep := strings.Repeat("{a: ", 32) + "1" + strings.Repeat("}", 32)
	for name, c := range map[string]struct{ source, want string }{
		"text":           {"definition: x", "3:27 sources[0].definition is not a mapping with keys"},
		"nothing":        {"definition: {}", "3:27 sources[0].definition is not a mapping with keys"},
		"no value":       {"definition: {a: }", "3:31 sources[0].definition.a has no value; give one, or null to remove what the provider has"},
		"key twice":      {"definition: {a: 1, a: 2}", "3:34 sources[0].definition.a duplicate key"},
		"an anchor":      {"definition: {a: &x 1}", "3:31 sources[0].definition.a anchors and aliases are not supported; write the value out"},
		"a tag":          {"definition: {a: !!binary aGk=}", "3:31 sources[0].definition.a tags are not supported; write the value without one"},
		"a merge":        {"definition: {<<: {a: 1}}", "3:28 sources[0].definition a key is plain text"},
		"a list for key": {"definition: {? [a] : 1}", "3:30 sources[0].definition a key is plain text"},
		"octal":          {"definition: {a: [0123]}", `3:32 sources[0].definition.a[0] "0123" is no number as JSON has it; quote it if it is text`},
		"infinity":       {"definition: {a: .inf}", `3:31 sources[0].definition.a ".inf" is no number as JSON has it; quote it if it is text`},
		"a huge number":  {"definition: {a: " + strings.Repeat("1", 70) + "}", `3:31 sources[0].definition.a "` + strings.Repeat("1", 59) + `…" is no number as JSON has it; quote it if it is text`},
		"True":           {"definition: {a: True}", `3:31 sources[0].definition.a "True" is neither true nor false; quote it if it is text`},
		"too deep":       {"definition: " + deep, "3:155 sources[0].definition" + strings.Repeat(".a", 32)[:80-len("sources[0].definition")-1] + "… has more than 32 levels"},
		"too long":       {"definition: {a: " + strings.Repeat("x", 64<<10) + "}", "3:27 sources[0].definition is longer than 64 KiB"},
		"applies wrong":  {"appliesTo: nwe, definition: {a: 1}", `3:26 sources[0].appliesTo "nwe" is neither all nor new; did you mean "new"?`},
		"applies alone":  {"clientId: x, appliesTo: new", "3:39 sources[0].appliesTo says for which connections a definition is, and there is none"},
	} {
		got := problemsOf(t, "version: 1\nsources:\n  - {id: abc, "+c.source+"}\n")
		if diff := cmp.Diff([]string{c.want}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{
		"name: a", "{a: {b: [1, x, null, true]}}", "? [a]\n: b", "a: &x [*x]", "<<: {a: b}", "a: !!set {b}", "a: |\n  b\n", "a: 1_0", "\"\\u0000\": 1",
		"a: 0x1F\nb: 1e400\nc: 2001-01-01\n", "a: \"\\ud83d\\ude00\"", "- a",
	} {
		f.Add(seed)
	}
	path := write(f, "")
	f.Fuzz(func(t *testing.T, text string) {
		indented := "      " + strings.ReplaceAll(text, "\n", "\n      ")
		overwrite(t, path, "version: 1\nsources:\n  - id: a\n    definition:\n"+indented+"\n")
		c, _, err := config.Load(options(path))
		if err != nil {
			if !problem.Is(err, config.CodeInvalid) || len(factsOf(err)) == 0 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(c.Sources) != 1 || c.Sources[0].Definition == nil {
			return // the text is more than a definition
		}
		d := c.Sources[0].Definition
		var object map[string]any
		if err := json.Unmarshal(d.JSON, &object); err != nil || len(object) == 0 {
			t.Fatalf("%q is %s: %v", text, d.JSON, err)
		}
		if err := placed(d, "", object); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// placed makes sure that every value has a place of its own.
func placed(d *config.Definition, pointer string, value any) error {
	if _, at := d.Place(pointer, false); at.Line < 1 || at.Column < 1 {
		return errors.New(pointer + " stands nowhere")
	}
	object, _ := value.(map[string]any)
	for name, member := range object {
		if err := placed(d, config.Pointer(pointer, name), member); err != nil {
			return err
		}
	}
	return nil
}
