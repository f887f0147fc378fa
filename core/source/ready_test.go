package source_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// watch needs a client, and has a setting of its own.
func watch() sdk.Source {
	return sdk.Source{
		ID: "watch", Name: "Watch", Methods: []sdk.Method{sdk.MethodBrowser},
		Settings: []sdk.Field{
			{ID: "client_id", Kind: sdk.KindText, Required: true},
			{ID: "client_secret", Kind: sdk.KindSecret, Required: true},
			{ID: "variant", Kind: sdk.KindChoice, Choices: []sdk.Choice{{Value: "eu"}, {Value: "us"}}},
		},
	}
}

// configured returns the source watch of a config.
func configured(t *testing.T, text string, s sdk.Source) (found source.Source, dir string) {
	t.Helper()
	var cfg []config.Source
	if text != "" {
		cfg, dir = sourcesOf(t, text)
	}
	found, err := loadAll(t, cfg, described("vendor", s)).Find(s.ID)
	if err != nil {
		t.Fatal(err)
	}
	return found, dir
}

func TestSourceIsReadyOnceEveryRequiredSettingCanBeRead(t *testing.T) {
	secret := "  - {id: watch, clientId: x, clientSecret: {env: SECRET}}\n"
	for name, c := range map[string]struct {
		text string
		env  config.Environment
		want bool
	}{
		"not in the config":          {"", nil, false},
		"without its client":         {"  - {id: watch, callbackUrl: 'http://127.0.0.1:8765/callback'}\n", nil, false},
		"without its secret":         {"  - {id: watch, clientId: x}\n", nil, false},
		"a variable that is not set": {secret, nil, false},
		"an empty variable":          {secret, config.Environment{"SECRET="}, false},
		"a variable":                 {secret, config.Environment{"SECRET=s"}, true},
		"no such file":               {"  - {id: watch, clientId: x, clientSecret: {file: none}}\n", nil, false},
		"a command, which never runs": {
			"  - {id: watch, clientId: x, clientSecret: {command: [touch, ran]}}\n", nil, true,
		},
	} {
		s, dir := configured(t, c.text, watch())
		if s.Ready(c.env) != c.want {
			t.Errorf("%s: ready is %v", name, s.Ready(c.env))
		}
		if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
			t.Errorf("%s: the command ran", name)
		}
	}
	if needsNothing, _ := configured(t, "", named("plain")); !needsNothing.Ready(nil) {
		t.Error("a source without required settings is not ready")
	}
}

func TestFileOfASecretCountsOnceItHasContent(t *testing.T) {
	s, dir := configured(t, "  - {id: watch, clientId: x, clientSecret: {file: secret}}\n", watch())
	for _, c := range []struct {
		content string
		want    bool
	}{{"", false}, {"s3cret\n", true}} {
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s.Ready(nil) != c.want {
			t.Errorf("with %d bytes: ready is %v", len(c.content), !c.want)
		}
	}
}

func TestRetiredSourceIsNeverReadyAndSaysWhy(t *testing.T) {
	retired := watch()
	retired.Programme = sdk.Programme{Status: sdk.ProgrammeRetired, Text: "Shut down in 2026."}
	s, _ := configured(t, "  - {id: watch, clientId: x, clientSecret: {env: SECRET}}\n", retired)
	if s.Ready(config.Environment{"SECRET=s"}) || !s.Retired() {
		t.Error("it is ready")
	}
	if f := s.RetiredFailure(); f.Code != failure.NotSupported || f.Message != "Shut down in 2026." || f.Retryable {
		t.Errorf("%+v", f)
	}
}

func TestSettingsHaveTheirKeysInTheConfig(t *testing.T) {
	s, _ := configured(t, "  - {id: watch, clientId: x, settings: {variant: us}}\n", watch())
	type row struct {
		Key           string
		Set, Required bool
	}
	var got []row
	for _, x := range s.SettingsIn(nil) {
		got = append(got, row{x.Key, x.Set, x.Required})
	}
	if d := cmp.Diff([]row{{"clientId", true, true}, {"clientSecret", false, true}, {"settings.variant", true, false}}, got); d != "" {
		t.Error(d)
	}
}

func TestRedirectURIToRegisterIsThatOfTheConfig(t *testing.T) {
	plain, own := "  - {id: watch, clientId: x}\n", "  - {id: watch, callbackUrl: 'https://own.example.com/back'}\n"
	for name, c := range map[string]struct {
		text     string
		callback config.Callback
		want     source.Redirect
	}{
		"a free port":   {plain, config.Callback{Listen: "127.0.0.1:0"}, source.Redirect{URI: "http://127.0.0.1:PORT/callback"}},
		"IPv6":          {plain, config.Callback{Listen: "[::1]:0"}, source.Redirect{URI: "http://[::1]:PORT/callback"}},
		"a fixed port":  {plain, config.Callback{Listen: "127.0.0.1:8765"}, source.Redirect{URI: "http://127.0.0.1:8765/callback", Fixed: true}},
		"a public URL":  {plain, config.Callback{Listen: "127.0.0.1:0", URL: "https://all.example.com/cb"}, source.Redirect{URI: "https://all.example.com/cb", Fixed: true}},
		"its own one":   {own, config.Callback{Listen: "127.0.0.1:0", URL: "https://all.example.com/cb"}, source.Redirect{URI: "https://own.example.com/back", Fixed: true}},
		"no config":     {"", config.Callback{}, source.Redirect{URI: "http://127.0.0.1:PORT/callback"}},
		"a name":        {plain, config.Callback{Listen: "localhost:8765"}, source.Redirect{URI: "http://127.0.0.1:8765/callback", Fixed: true}},
		"without a URL": {plain, config.Callback{Listen: "127.0.0.1:"}, source.Redirect{URI: "http://127.0.0.1:PORT/callback"}},
	} {
		s, _ := configured(t, c.text, watch())
		if d := cmp.Diff(c.want, s.Redirect(c.callback)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if s, _ := configured(t, "", named("plain")); s.Redirect(config.Callback{}) != (source.Redirect{}) {
		t.Error("a source without a browser has a redirect URI")
	}
}

func TestConfigLinesSetUpTheSource(t *testing.T) {
	full := watch()
	full.Settings = append(full.Settings,
		sdk.Field{ID: "base_url", Kind: sdk.KindURL, Required: true}, sdk.Field{ID: "api_key", Kind: sdk.KindSecret, Required: true},
		sdk.Field{ID: "odd", Kind: sdk.KindChoice, Required: true, Choices: []sdk.Choice{{Value: `a: "b" # c`}}},
		sdk.Field{ID: "practice", Kind: sdk.KindText, Required: true})
	lines := func(s source.Source) string { return s.ConfigLines() }
	s, _ := configured(t, "", full)
	cfg, _, err := loadLines(t, lines(s))
	if err != nil {
		t.Fatalf("%v\n%s", err, lines(s))
	}
	again, err := source.Load(cfg.Sources, []source.Described{described("vendor", full)})
	if err != nil {
		t.Fatalf("%v %q\n%s", err, factsOf(t, err), lines(s))
	}
	set, _ := again.Find("watch")
	for _, x := range set.SettingsIn(nil) {
		if x.Required && x.Kind != sdk.KindSecret && !x.Set {
			t.Errorf("%s is not set by\n%s", x.Key, lines(s))
		}
	}
	if s, _ := configured(t, "", named("plain")); lines(s) != "" {
		t.Errorf("a source that needs nothing has %q", lines(s))
	}
	s, _ = configured(t, "  - {id: watch, provider: vendor}\n", watch())
	want := "sources:\n  - id: watch\n    provider: vendor\n    clientId: YOUR-CLIENT-ID\n    clientSecret: { file: /run/secrets/watch }\n" +
		"    # settings:\n    #   variant: \"eu\"\n"
	if d := cmp.Diff(want, lines(s)); d != "" {
		t.Error(d)
	}
}

func loadLines(t *testing.T, lines string) (*config.Config, []config.Warning, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("version: 1\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Options{Path: path, Home: "/home/a", UID: os.Getuid()})
}

func TestSourceWithoutAClientSaysSoInItsWords(t *testing.T) {
	for text, want := range map[string]string{
		"": "The source needs a client id.", "  - {id: watch, clientId: x}\n": "The source needs a client secret.",
	} {
		s, _ := configured(t, text, watch())
		_, err := s.Resolve(t.Context(), nil)
		if f := failure.Of(err); f.Message != want || f.Code != failure.BadConfiguration || problem.CodeOf(f.Problem()) != failure.BadConfiguration {
			t.Errorf("%+v", f)
		}
	}
}
