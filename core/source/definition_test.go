package source_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// answered is a provider that has answered to definitions.
func answered(d source.Described, answers map[string]source.Defined) source.Described {
	d.Defined = answers
	return d
}

func answer(s sdk.Source) source.Defined {
	return source.Defined{Description: sdk.Description{Sources: []sdk.Source{s}, Settings: []sdk.Field{{ID: "shared", Kind: sdk.KindText}}}}
}

func TestDefinedSourceIsTheAnswerToItsDefinition(t *testing.T) {
	cfg, _ := sourcesOf(t, `
  - {id: ours, provider: one, definition: {a: 1}, settings: {own: x}}
  - {id: epic, definition: {a: 1}, settings: {shared: x}}
`)
	one := answered(described("one", named("epic"), named("oura")), map[string]source.Defined{
		"ours": answer(sdk.Source{ID: "ours", Settings: []sdk.Field{{ID: "own", Kind: sdk.KindText, Required: true}}}),
		"epic": answer(sdk.Source{ID: "epic", Name: "Moved"}),
	})
	c := loadAll(t, cfg, one, described("two", named("withings")))
	names := map[string]string{}
	for _, s := range c.All() {
		names[s.ID] = s.Provider + " " + s.Name
		if defined := s.Definition() != nil; defined != (s.ID == "ours" || s.ID == "epic") {
			t.Errorf("%s is defined: %v", s.ID, defined)
		}
	}
	if diff := cmp.Diff(map[string]string{"ours": "one ", "epic": "one Moved", "oura": "one Oura", "withings": "two Withings"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestDefinedSourceWithoutAnAnswerIsNotThere(t *testing.T) {
	cfg, _ := sourcesOf(t, "  - {id: epic, definition: {a: 1}, settings: {nothing: x}}\n  - {id: ours, provider: one, definition: {a: 1}}\n")
	for name, one := range map[string]source.Described{
		"not asked yet":      described("one", named("epic"), named("oura")),
		"could not be asked": answered(described("one", named("epic"), named("oura")), map[string]source.Defined{"epic": {Broken: true}, "ours": {Broken: true}}),
	} {
		c := loadAll(t, cfg, one)
		if diff := cmp.Diff([]string{"oura"}, ids(c.All())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if _, err := c.Find("epic"); problem.CodeOf(err) != source.CodeUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := source.Described{Provider: "one", Broken: true}
	if c := loadAll(t, cfg, broken); len(c.All()) != 0 {
		t.Errorf("a broken provider has %v", ids(c.All()))
	}
}

func TestDefinitionDoesNotChooseBetweenTwoProviders(t *testing.T) {
	cfg, _ := sourcesOf(t, "  - {id: epic, definition: {a: 1}}\n")
	one, two := described("one", named("epic")), described("two", named("epic"))
	if name := source.Definer(cfg[0], []source.Described{one, two}); name != "" {
		t.Errorf("it goes to %s", name)
	}
	_, err := loadAll(t, cfg, one, two).Find("epic")
	if problem.CodeOf(err) != source.CodeConflict {
		t.Errorf("%v", err)
	}
	// One that the config chooses is the definer, whatever it offers, and the other one's claim does not count.
	cfg, _ = sourcesOf(t, "  - {id: epic, provider: three, definition: {a: 1}}\n")
	three := answered(described("three"), map[string]source.Defined{"epic": answer(named("epic"))})
	if s, err := loadAll(t, cfg, one, two, three).Find("epic"); err != nil || s.Provider != "three" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestDefinitionIsCheckedInTheOrderOfTheFile(t *testing.T) {
	cfg, _ := sourcesOf(t, `
  - id: ours
    provider: one
    definition:
      zebra: 1
      inner:
        aple: x
      names: [a, 7]
      client_secret: x
`)
	lines, err := source.CheckDefinition(cfg[0], "one", `{"additionalProperties": false, "required": ["url"], "properties": {
		"inner": {"additionalProperties": false, "properties": {"apple": true}}, "names": {"items": {"type": "string"}}, "url": true}}`)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		_, lines[i], _ = strings.Cut(line, "config.yaml:")
	}
	want := []string{
		"7:7  sources: ours  definition.url  is missing",
		"7:7  sources: ours  definition.zebra  unknown key; known here: inner, names, url",
		`9:9  sources: ours  definition.inner.aple  unknown key; did you mean "apple"?`,
		"10:18  sources: ours  definition.names[1]  is a number, where text is expected",
		"11:7  sources: ours  definition.client_secret  does not belong in a definition; set clientSecret beside it",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}
