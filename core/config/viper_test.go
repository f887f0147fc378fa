package config_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// What viper does by itself, and what must not be seen of it here: letter case, dots in keys, AutomaticEnv, sections that
// lose their variables, empty variables, unknown keys, loose types, keys that differ only in case. That the variable of a
// flag and viper disagree is seen where the flags are.

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

func TestVariableWinsInsideASectionThatTheFileHas(t *testing.T) {
	o := options(write(t, "version: 1\ntoken: {check: local, ttl: 5m}\ncallback: {listen: \"127.0.0.1:1\"}\n"))
	o.Environ = config.Environment{"HUMANCONNECT_TOKEN_TTL=7m", "HUMANCONNECT_CALLBACK_URL=https://a.example.com"}
	c := load(t, o)
	want := config.Callback{Listen: "127.0.0.1:1", URL: "https://a.example.com"}
	if c.Token.Check != "local" || c.Token.TTL != 7*time.Minute || c.Callback != want {
		t.Errorf("%+v %+v", c.Token, c.Callback)
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

// layers draws what file, environment and flags say of every scalar, and keeps which of them is to win.
type layers struct {
	rt    *rapid.T
	check string
	file  map[string]string
	o     config.Options
	want  map[string]string
}

// belongs says whether a key may stand in the file: one of another kind of check may not.
func (l *layers) belongs(key string) bool {
	switch key {
	case "stateDir":
		return false
	case "token.jwks", "token.issuer", "token.audience", "token.algorithms":
		return l.check == "jwt"
	case "token.endpoint", "token.clientId":
		return l.check == "introspection"
	}
	return true
}

func (l *layers) draw(v config.Variable) {
	// What a kind of check needs is always there.
	needed := strings.HasPrefix(v.Key, "token.") && v.Key != "token.ttl" && l.belongs(v.Key)
	if needed || l.belongs(v.Key) && rapid.Bool().Draw(l.rt, "file "+v.Key) {
		l.file[v.Key] = l.value("file", v.Key)
		l.want[v.Key] = l.file[v.Key] + " from file"
	}
	if rapid.Bool().Draw(l.rt, "env "+v.Key) {
		text := l.value("env", v.Key)
		l.o.Environ = append(l.o.Environ, v.Name+"="+text)
		l.want[v.Key] = text + " from env " + v.Name
	}
	if rapid.Bool().Draw(l.rt, "flag "+v.Key) {
		l.o.Overrides[v.Key] = l.value("flag", v.Key)
		l.want[v.Key] = l.o.Overrides[v.Key] + " from flag"
	}
}

// value draws a value of a key that Load takes.
func (l *layers) value(layer, key string) string {
	label := layer + " value of " + key
	switch key {
	case "token.check":
		return l.check
	case "store.driver":
		return "sqlite"
	case "stateDir", "store.path", "token.jwks":
		return "/" + rapid.StringMatching(`[a-zA-Z0-9_-]{1,8}`).Draw(l.rt, label)
	case "token.ttl", "connection.expiringWithin":
		return (time.Duration(rapid.IntRange(1, 3600).Draw(l.rt, label)) * time.Second).String()
	case "callback.listen":
		return fmt.Sprintf("127.0.0.1:%d", rapid.IntRange(0, 65535).Draw(l.rt, label))
	case "callback.url", "token.endpoint":
		return fmt.Sprintf("https://a.example.com:%d/x", rapid.IntRange(1, 65535).Draw(l.rt, label))
	case "token.algorithms":
		return rapid.SampledFrom([]string{"EdDSA", "ES256,RS256", "PS256"}).Draw(l.rt, label)
	}
	return rapid.StringMatching(`[a-zA-Z0-9.:_-]{1,8}`).Draw(l.rt, label)
}

// text is the file.
func (l *layers) text() string {
	sections := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(l.file)) {
		value := "'" + l.file[key] + "'"
		if key == "token.algorithms" {
			value = "[" + l.file[key] + "]"
		}
		section, leaf, nested := strings.Cut(key, ".")
		if !nested {
			section, leaf = "", key
		}
		sections[section] += "  " + leaf + ": " + value + "\n"
	}
	if l.check == "introspection" {
		sections["token"] += "  clientSecret: {env: A}\n"
	}
	text := "version: 1\n" + strings.ReplaceAll(sections[""], "  ", "")
	for _, section := range []string{"store", "token", "callback", "connection"} {
		if sections[section] != "" {
			text += section + ":\n" + sections[section]
		}
	}
	return text
}

func TestPrecedenceIsFlagEnvironmentFileDefault(t *testing.T) {
	path := write(t, "")
	defaults := map[string]string{}
	for _, e := range load(t, options("none")).Redacted() {
		defaults[e.Key] = e.Value + " from " + e.Origin
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := layers{
			rt: rt, check: rapid.SampledFrom([]string{"local", "jwt", "introspection"}).Draw(rt, "check"),
			file: map[string]string{}, o: options(path), want: maps.Clone(defaults),
		}
		l.o.Overrides = map[string]string{}
		for _, v := range config.Variables() {
			if v.Key != "" {
				l.draw(v)
			}
		}
		overwrite(t, path, l.text())
		c, _, err := config.Load(l.o)
		if err != nil {
			rt.Fatalf("%v %v\n%s", err, factsOf(err), l.text())
		}
		if strings.HasSuffix(l.want["stateDir"], " from default") { // store.path decides then
			l.want["stateDir"] = strings.Replace(l.want["store.path"], "default from", "/home/a/.local/state/humanconnect from", 1)
		}
		for _, e := range c.Redacted() {
			origin := strings.Replace(e.Origin, path, "file", 1)
			if strings.HasPrefix(origin, "file:") {
				origin = "file"
			}
			got := e.Value + " from " + origin
			if want, scalar := l.want[e.Key]; scalar && got != want {
				rt.Errorf("%s is %s, want %s", e.Key, got, want)
			}
		}
		ttl, _ := time.ParseDuration(first(l.want["token.ttl"]))
		if c.Token.TTL != ttl || c.ClientID != first(l.want["clientId"]) || c.Callback.Listen != first(l.want["callback.listen"]) {
			rt.Errorf("%+v", c)
		}
	})
}

func first(text string) string { word, _, _ := strings.Cut(text, " "); return word }

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
