package config_test

import (
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
)

// TestSlipIsToldWhereItIs: each is a slip that the parser tells of in another line, or in other words.
func TestSlipIsToldWhereItIs(t *testing.T) {
	const head = "version: 1\nclientId: demo\n"
	for name, c := range map[string]struct{ text, want string }{
		"tab":                       {head + "hooks:\n\t- name: a\n", "4:1 not YAML: a tab"},
		"tab behind blanks":         {head + "store:\n  \tpath: x\n", "4:3 not YAML: a tab"},
		"too deep":                  {head + "hooks:\n  - name: a\n     on: [onClose]\n", "5:6 not YAML: is indented deeper"},
		"not deep enough":           {head + "hooks:\n  - name: a\n   on: [onClose]\n    shell: x\n", "5:4 not YAML: is indented by 3 blanks"},
		"deep in line 4":            {head + "store:\n  driver: sqlite\n   path: x\n", "5:4 not YAML: is indented deeper"},
		"first key too deep":        {"version: 1\n  clientId: demo\n", "2:3 not YAML: is indented deeper"},
		"alias":                     {head + "sources:\n  - id: a\n    settings:\n      key: *s3cret\n", "6:12 not YAML: a value that begins with *"},
		"alias in brackets":         {head + "store: {path: *s3cret}\n", "3:15 not YAML: a value that begins with *"},
		"at sign":                   {head + "store:\n  path: @s3cret\n", "4:9 not YAML: a value that begins with @"},
		"backtick":                  {head + "store:\n  path: `s3cret`\n", "4:9 not YAML: a value that begins with `"},
		"percent":                   {head + "store:\n  path: %s3cret\n", "4:9 not YAML: a value that begins with %"},
		"comment in brackets":       {head + "plan: {actions: [{connect: a, answers: {p: s3cr@et #1}}]}\n", "3:52 not YAML: # begins a comment here"},
		"second colon":              {head + "store:\n  path: s3cret: x\n", "4:15 not YAML: a second :"},
		"no-break space":            {head + "store:\n\u00a0 path: x\n", "4:1 path unknown key: it has a no-break space (U+00A0)"},
		"no-break space in a value": {"version: 1\nclientId: \u00a0demo\n", "2:11 clientId it has a no-break space (U+00A0)"},
		"no-break space behind":     {"version: 1\nclientId:\u00a0demo\nstore: {}\n", "2:10 not YAML: a no-break space (U+00A0)"},
		"ideographic space":         {head + "store:\n\u3000path: x\n", "4:1 path unknown key: it has an ideographic space (U+3000)"},
		"open quote":                {head + "store:\n  path: \"s3cret\n  driver: sqlite\n", "4:9 not YAML: the quote that begins here"},
		"text behind a quote":       {head + "store:\n  path: \"s3\"cret\n", "4:13 not YAML: text after the end"},
		"open bracket":              {head + "hooks: [\n", "3:8 not YAML: the [ that begins here"},
		"wrong bracket":             {head + "store: {path: [a}\n", "3:17 not YAML: a } without"},
		"closing bracket inside":    {head + "store: {path: s3}cret}\n", "3:18 not YAML: text after the end"},
		"control character":         {head + "store:\n  path: a\x07b\n", "4:10 not YAML: the control character U+0007"},
		"not UTF-8":                 {head + "store:\n  path: a\xffb\n", "4:10 not YAML: is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := config.Load(options(write(t, c.text)))
			facts := strings.Join(factsOf(err), "\n")
			if !strings.Contains(strings.Join(strings.Fields(facts), " "), ":"+c.want) {
				t.Errorf("got %s, want %s", facts, c.want)
			}
			_, facts, _ = strings.Cut(facts, "config.yaml:")
			if strings.Contains(facts, "s3") || strings.Contains(facts, "cret") {
				t.Errorf("a value is repeated: %s", facts)
			}
		})
	}
}

func TestDirectiveOfAYAMLVersionIsNoMistake(t *testing.T) {
	for _, text := range []string{"%YAML 1.2\n---\nversion: 1\n", "# ours\n\n%YAML 1.1\n---\nversion: 1\n", "\ufeff%YAML 1.2\r\n---\r\nversion: 1\r\n"} {
		if _, _, err := config.Load(options(write(t, text))); err != nil {
			t.Errorf("%q: %v, %v", text, err, factsOf(err))
		}
	}
}

// TestNothingIsASlipInGoodYAML: what is looked for is looked for only in what the parser refuses; a slip in good YAML would still
// send people to a wrong line of a bad one.
func TestNothingIsASlipInGoodYAML(t *testing.T) {
	good := "# x: *y\nversion: 1\nclientId: \"a: *b\"\nstore: {path: 'x', # why\n  driver: sqlite}\nhooks:\n- name: a\n  on: [onClose,\n    onConnectSource]\n  shell: |\n    cat: @x\n    \t*y\n  timeout: 15s\n" +
		"- name: b\n  on:\n    - onClose\n  command: [sh, -c, \"x: 'y'\"]\n- # note\n  name: c\n  on: [onClose]\n  shell: >-\n    a\n     b\n"
	_, _, err := config.Load(options(write(t, good+"zzz: `\n")))
	if facts := factsOf(err); len(facts) != 1 || !strings.Contains(facts[0], ":24:6  ") {
		t.Errorf("got %v", facts)
	}
}
