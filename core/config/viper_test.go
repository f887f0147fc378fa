package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/problem"
)

// What viper does by itself, and what must not be seen of it here. The numbers are of the list of its traps: letter
// case, dots in keys, AutomaticEnv, empty variables, unknown keys, loose types, keys that differ only in case.

func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOfSettingsKeepTheirDotsOut(t *testing.T) {
	got := problemsOf(t, "version: 1\nsources:\n  - {id: a, settings: {a.b: x}}")
	if len(got) != 1 || !strings.Contains(got[0], `"a.b" is not a name`) {
		t.Errorf("%v", got)
	}
}

func TestDottedKeyIsNoWayIntoASection(t *testing.T) {
	got := problemsOf(t, "version: 1\ntoken.ttl: 5m\ntoken::ttl: 5m\n")
	if len(got) != 2 || !strings.Contains(got[0], "unknown key") || !strings.Contains(got[1], "unknown key") {
		t.Errorf("%v", got)
	}
}

func TestLetterCaseOfValuesIsKept(t *testing.T) {
	c := load(t, options(write(t, "version: 1\nclientId: MyApp\nhooks: [{name: a, on: [onClose], shell: echo $HOME}]\n")))
	if c.ClientID != "MyApp" || c.Hooks[0].Shell != "echo $HOME" {
		t.Errorf("%+v", c)
	}
}

func TestEmptyVariableCountsAsNone(t *testing.T) {
	o := options(write(t, "version: 1\nclientId: file\n"))
	o.Environ = config.Environment{"HUMANCONNECT_CLIENT_ID="}
	if c := load(t, o); c.ClientID != "file" {
		t.Errorf("%q", c.ClientID)
	}
}

func TestEnvironmentOfTheProcessIsNotRead(t *testing.T) {
	t.Setenv("HUMANCONNECT_CLIENT_ID", "process")
	t.Setenv("CLIENTID", "process")
	if c := load(t, options("none")); c.ClientID != "" {
		t.Errorf("%q", c.ClientID)
	}
}

func TestScalarsStandAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"0123", "1e3", "0x1F", "2026-11-22", "1_000", "yes", "true", "3.10", "a b", ":5"} {
		c := load(t, options(write(t, "version: 1\nclientId: "+text+"\nsources:\n  - id: s\n    settings:\n      w: "+text+"\n")))
		if c.ClientID != text || c.Sources[0].Settings["w"].Text.Reveal() != text {
			t.Errorf("%s became %q and %q", text, c.ClientID, c.Sources[0].Settings["w"].Text.Reveal())
		}
	}
}

func TestPrecedenceIsFlagEnvironmentFileDefault(t *testing.T) {
	path := write(t, "")
	rapid.Check(t, func(rt *rapid.T) {
		o := options(path)
		o.Overrides = map[string]string{}
		want := map[string][2]string{
			"clientId": {"", "default"}, "token.ttl": {"1h", "default"}, "token.check": {"local", "default"},
			"store.driver": {"sqlite", "default"}, "store.path": {"default", "default"},
		}
		ids := rapid.StringMatching(`[a-zA-Z0-9.:_-]{1,8}`)
		value := func(key string) string {
			switch key {
			case "token.ttl":
				return (time.Duration(rapid.IntRange(1, 3600).Draw(rt, key)) * time.Second).String()
			case "clientId":
				return ids.Draw(rt, key)
			case "store.path":
				return "/" + ids.Draw(rt, key)
			}
			return want[key][0]
		}
		variables := map[string]string{}
		for _, v := range config.Variables() {
			if v.Key != "" {
				variables[v.Key] = v.Name
			}
		}
		sections := map[string]string{}
		set := func(layer string, key string) (string, bool) {
			return value(key), rapid.Bool().Draw(rt, layer+" "+key)
		}
		for key := range want {
			if v, on := set("file", key); on {
				section, leaf, nested := strings.Cut(key, ".")
				if !nested {
					section, leaf = "", key
				}
				sections[section] += "  " + leaf + ": '" + v + "'\n"
				want[key] = [2]string{v, "file"}
			}
			if v, on := set("env", key); on {
				o.Environ = append(o.Environ, variables[key]+"="+v)
				want[key] = [2]string{v, "env " + variables[key]}
			}
			if v, on := set("flag", key); on {
				o.Overrides[key] = v
				want[key] = [2]string{v, "flag"}
			}
		}
		text := "version: 1\n" + strings.ReplaceAll(sections[""], "  ", "")
		for _, section := range []string{"store", "token"} {
			if sections[section] != "" {
				text += section + ":\n" + sections[section]
			}
		}
		overwrite(t, path, text)
		c, _, err := config.Load(o)
		if err != nil {
			rt.Fatalf("%v %v\n%s", err, factsOf(err), text)
		}
		for _, e := range c.Redacted() {
			w, scalar := want[e.Key]
			if !scalar {
				continue
			}
			if origin := strings.Replace(e.Origin, path, "file", 1); e.Value != w[0] || strings.Split(origin, ":")[0] != w[1] {
				rt.Errorf("%s is %s from %s, want %s from %s", e.Key, e.Value, e.Origin, w[0], w[1])
			}
		}
		if ttl, _ := time.ParseDuration(want["token.ttl"][0]); c.Token.TTL != ttl || c.ClientID != want["clientId"][0] {
			rt.Errorf("%+v", c)
		}
	})
}

func TestOnlyScalarsCanBeSetByFlags(t *testing.T) {
	o := options("none")
	o.Overrides = map[string]string{"hooks": "x", "clientID": "y"}
	if _, _, err := config.Load(o); problem.CodeOf(err) != config.CodeInvalid || len(factsOf(err)) != 2 {
		t.Errorf("%v %v", err, factsOf(err))
	}
	o.Overrides = map[string]string{"token.ttl": "x"}
	if _, _, err := config.Load(o); err == nil || !strings.HasPrefix(factsOf(err)[0], "flag ") {
		t.Errorf("%v %v", err, factsOf(err))
	}
}

func BenchmarkLoad(b *testing.B) {
	o := options(write(b, strings.Replace(whole, "API_off", "api_off", 1)))
	for b.Loop() {
		if _, _, err := config.Load(o); err != nil {
			b.Fatal(err)
		}
	}
}
