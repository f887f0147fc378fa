package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
)

const (
	example = "../../config.yaml"
	manual  = "../../docs/configuration.md"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExampleWorksAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	overwrite(t, path, read(t, example))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	c := load(t, options(path))
	if c.ClientID != "demo" || len(c.Hooks)+len(c.Providers)+len(c.Sources) > 0 || c.Plan != nil {
		t.Errorf("%+v", c)
	}
}

var commented = regexp.MustCompile(`(?m)^( *)# ( *(?:- )?(?:[a-zA-Z]+:|- ).*)$`)

var otherTokens = regexp.MustCompile(`(?m)^token: \{.*\}\n`)

// keys that the program knows, as the messages for unknown ones list them.
func knownKeys(t *testing.T) []string {
	t.Helper()
	probe := "version: 1\nq: 1\nstore: {q: 1, key: {q: 1}}\ntoken: {q: 1}\ncallback: {q: 1}\nproviders: [{q: 1}]\nsources: [{q: 1}]\nhooks: [{q: 1}]\nplan: {q: 1, actions: [{q: 1}]}\n"
	var keys []string
	for _, p := range problemsOf(t, probe) {
		_, list, found := strings.Cut(p, "known here: ")
		if found {
			keys = append(keys, strings.Split(list, ", ")...)
		} else if near := regexp.MustCompile(`did you mean "(\w+)"`).FindStringSubmatch(p); near != nil {
			t.Fatalf("the probe is near a key: %s", p)
		}
	}
	if len(keys) < 30 {
		t.Fatalf("found only %v", keys)
	}
	return keys
}

func TestEveryKeyStandsInTheExampleAndTheExampleIsRight(t *testing.T) {
	whole := commented.ReplaceAllString(read(t, example), "$1$2")
	// Lines that stand for the token section of the example; a file has one.
	others := otherTokens.FindAllString(whole, -1)
	for i, kind := range []string{"jwt", "introspection"} {
		c := load(t, options(write(t, "version: 1\n"+others[i])))
		if len(others) != 2 || c.Token.Check != kind {
			t.Errorf("%d other token sections; number %d is %s, not %s", len(others), i, c.Token.Check, kind)
		}
	}
	text := otherTokens.ReplaceAllString(whole, "")
	c := load(t, options(write(t, text)))
	if len(c.Hooks) != 3 || len(c.Providers) != 2 || len(c.Sources) != 3 || c.Plan == nil || c.Store.Key == nil {
		t.Errorf("not all of the example was read: %+v", c)
	}
	for _, key := range knownKeys(t) {
		if !regexp.MustCompile(`(?m)[ {-]` + key + `: |^ *` + key + `:`).MatchString(whole) {
			t.Errorf("the example does not have %s", key)
		}
	}
}

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

func TestEveryExampleOfTheManualIsRight(t *testing.T) {
	blocks := fenced.FindAllStringSubmatch(read(t, manual), -1)
	if len(blocks) < 6 {
		t.Fatalf("found %d examples", len(blocks))
	}
	for _, b := range blocks {
		if planKey.MatchString(b[1]) {
			if _, _, err := config.ReadPlan(write(t, b[1]), os.Getuid()); err != nil {
				t.Errorf("%v %v\n%s", err, factsOf(err), b[1])
			}
			continue
		}
		if !strings.HasPrefix(b[1], "version:") {
			b[1] = "version: 1\n" + b[1]
		}
		load(t, options(write(t, b[1])))
	}
}

func TestManualNamesEveryKeyAndVariable(t *testing.T) {
	text := read(t, manual)
	for _, key := range knownKeys(t) {
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("the manual does not explain %s", key)
		}
	}
	for _, v := range config.Variables() {
		if !v.Given && !strings.Contains(text, "`"+v.Name+"`") {
			t.Errorf("the manual does not explain %s", v.Name)
		}
	}
	for _, name := range regexp.MustCompile(`HUMANCONNECT_[A-Z_]+[A-Z]`).FindAllString(text, -1) {
		if !slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name }) {
			t.Errorf("the manual speaks of %s, which is not there", name)
		}
	}
}
