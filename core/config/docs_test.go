package config_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
)

// documents are what is written for the people who use the program.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../providers/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		paths = append(paths, found...)
	}
	return paths
}

func TestEveryExampleOfAConfigIsRight(t *testing.T) {
	loaded := 0
	for _, path := range documents(t) {
		if path == manual { // has a test of its own
			continue
		}
		for _, block := range fenced.FindAllStringSubmatch(read(t, path), -1) {
			text := block[1]
			if strings.HasPrefix(text, "# yaml-language-server:") { // a file that has a schema of its own
				continue
			}
			loaded++
			if !strings.HasPrefix(text, "version:") { // a part of a file
				text = "version: 1\n" + text
			}
			if c := load(t, options(write(t, text))); len(c.Hooks)+len(c.Sources)+len(c.Providers) == 0 {
				t.Errorf("%s: nothing was read of\n%s", path, block[1])
			}
		}
	}
	if loaded == 0 {
		t.Error("found no example")
	}
}

// keyOf is a key of the config in a text, as in `token.ttl` or `store.key: {file: …}`.
var keyOf = regexp.MustCompile("`([a-z]+)(?:\\[\\])?\\.([a-z][a-zA-Z0-9]*)(?:: [^`]*)?`")

func TestDocumentsNameKeysThatAreThere(t *testing.T) {
	sections := []string{"store", "token", "callback", "providers", "sources", "hooks", "plan"}
	known := knownKeys(t)
	named := 0
	for _, path := range documents(t) {
		for _, m := range keyOf.FindAllStringSubmatch(read(t, path), -1) {
			if !slices.Contains(sections, m[1]) {
				continue
			}
			named++
			if !slices.Contains(known, m[2]) {
				t.Errorf("%s speaks of %s.%s, which is not there", path, m[1], m[2])
			}
		}
	}
	if named < 10 {
		t.Errorf("found only %d keys", named)
	}
}

var variable = regexp.MustCompile(`HUMANCONNECT_[A-Z_]*[A-Z]`)

func TestDocumentsNameVariablesThatAreThere(t *testing.T) {
	for _, path := range documents(t) {
		for _, name := range variable.FindAllString(read(t, path), -1) {
			if !slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name }) {
				t.Errorf("%s speaks of %s, which is not there", path, name)
			}
		}
	}
}

// givenToHooks lists the variables that a hook is given, by the tables of the manual of hooks.
var givenToHooks = regexp.MustCompile("(?m)^\\| `(HUMANCONNECT_[A-Z_]+)` \\|")

func TestManualOfHooksNamesEachVariableThatAHookIsGiven(t *testing.T) {
	var want, got []string
	for _, v := range config.Variables() {
		if v.Given && strings.HasPrefix(v.Doc, "to a hook: ") {
			want = append(want, v.Name)
		}
	}
	for _, m := range givenToHooks.FindAllStringSubmatch(read(t, "../../docs/hooks.md"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("the manual of hooks has %v, and a hook is given %v", got, want)
	}
}
