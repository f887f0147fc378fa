package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// sourcesOf reads the sources of a config as a person writes them.
func sourcesOf(t *testing.T, text string) (sources []config.Source, dir string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nsources:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(config.Options{Path: path, Home: "/home/a", UID: os.Getuid()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Sources, filepath.Dir(path)
}

func described(provider string, sources ...sdk.Source) source.Described {
	d := source.Described{Provider: provider, Description: sdk.Description{Name: provider, Sources: sources}}
	for _, s := range sources {
		d.Claims = append(d.Claims, s.ID)
	}
	return d
}

func named(id string) sdk.Source { return sdk.Source{ID: id, Name: strings.ToUpper(id[:1]) + id[1:]} }

// clinic takes a setting of each kind.
func clinic() source.Described {
	d := described("acme", sdk.Source{
		ID: "clinic", Name: "Clinic", Hosts: []string{"login.example.com"},
		Settings: []sdk.Field{
			{ID: "client_id", Kind: sdk.KindText, Required: true},
			{ID: "client_secret", Kind: sdk.KindSecret},
			{ID: "base_url", Kind: sdk.KindURL},
			{ID: "region", Kind: sdk.KindChoice, Choices: []sdk.Choice{{Value: "eu"}, {Value: "us"}}},
			{ID: "shared", Kind: sdk.KindSecret},
		},
	})
	d.Description.Settings = []sdk.Field{{ID: "shared", Kind: sdk.KindText}, {ID: "greeting", Kind: sdk.KindText}}
	return d
}

func loadAll(t *testing.T, cfg []config.Source, d ...source.Described) *source.Catalog {
	t.Helper()
	c, err := source.Load(cfg, d)
	if err != nil {
		t.Fatalf("%v %q", err, factsOf(t, err))
	}
	return c
}

func factsOf(t *testing.T, err error) []string {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Fatalf("no problem: %v", err)
	}
	return p.Facts()
}

func ids(sources []source.Source) []string {
	var out []string
	for _, s := range sources {
		out = append(out, s.ID)
	}
	return out
}

func TestSourcesStandByGroupNameAndId(t *testing.T) {
	c := loadAll(t, nil, described("a",
		sdk.Source{ID: "z", Name: "alpha", Group: "Wearables"}, sdk.Source{ID: "b", Name: "Beta", Group: "wearables"},
		sdk.Source{ID: "y", Name: "Zeta", Group: "Clinics"}, sdk.Source{ID: "a", Name: "Beta", Group: "Wearables"}))
	if diff := cmp.Diff([]string{"y", "z", "a", "b"}, ids(c.All())); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string][]string{
		"": {"y", "z", "a", "b"}, "BETA": {"a", "b"}, "clin": {"y"}, "wear alpha": {"z"}, "zeta wear": nil, "  ": {"y", "z", "a", "b"},
	} {
		if diff := cmp.Diff(want, ids(c.Search(query))); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
	c.All()[0] = source.Source{}
	if c.All()[0].ID != "y" {
		t.Error("the catalogue was changed from outside")
	}
}

func TestUnknownSourceHintsAtTheNearest(t *testing.T) {
	c := loadAll(t, nil, described("a", named("withings"), named("epic")))
	if s, err := c.Find("epic"); err != nil || s.Provider != "a" {
		t.Errorf("%v %v", s, err)
	}
	_, err := c.Find("withing")
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code() != source.CodeUnknown || p.Hints()[0] != "did you mean withings?" {
		t.Errorf("%+v", err)
	}
}

func TestSecondClaimIsRefusedUntilTheConfigChooses(t *testing.T) {
	one, two := described("one", named("epic"), named("oura")), described("two", named("epic"))
	silent := source.Described{Provider: "two", Claims: []string{"epic"}, Broken: true}
	for _, second := range []source.Described{two, silent} {
		c := loadAll(t, nil, one, second)
		_, err := c.Find("epic")
		if problem.CodeOf(err) != source.CodeConflict {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff([]string{"epic is offered by one and two"}, factsOf(t, err)); diff != "" {
			t.Error(diff)
		}
		var p *problem.Problem
		errors.As(err, &p)
		want := "choose one in the config file: sources: [{id: epic, provider: one}] or sources: [{id: epic, provider: two}]"
		if diff := cmp.Diff([]string{want}, p.Hints()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"oura"}, ids(c.All())); diff != "" {
			t.Errorf("what stays: %s", diff)
		}
		if got := c.Conflicts(); len(got) != 1 || got[0].Source != "epic" {
			t.Errorf("conflicts: %+v", got)
		}
	}
	cfg, _ := sourcesOf(t, "  - {id: epic, provider: two}\n")
	s, err := loadAll(t, cfg, one, two).Find("epic")
	if err != nil || s.Provider != "two" {
		t.Errorf("%v %v", s.Provider, err)
	}
	cfg, _ = sourcesOf(t, "  - {id: epic, clientId: x}\n")
	if _, err := loadAll(t, cfg, one, two).Find("epic"); !strings.Contains(factsOf(t, err)[0], "config.yaml:3:5 chooses none of them") {
		t.Errorf("%q", factsOf(t, err))
	}
}

func TestNothingIsOfferedThatIsNotClaimed(t *testing.T) {
	more := described("one", named("epic"), named("oura"))
	more.Claims = []string{"epic", "gone"}
	c := loadAll(t, nil, more, described("two", named("oura")))
	if s, err := c.Find("oura"); err != nil || s.Provider != "two" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := c.Find("gone"); problem.CodeOf(err) != source.CodeUnknown {
		t.Error(err)
	}
}

func TestConfigMayOnlyNameWhatIsThere(t *testing.T) {
	for _, c := range []struct {
		text string
		code problem.Code
		want string
	}{
		{"{id: epik, clientId: x}", source.CodeInvalid, "no installed provider offers this source; did you mean epic?"},
		{"{id: epic, provider: tow}", source.CodeUnknownProvider, "provider tow is not installed; did you mean two?"},
		{"{id: epic, provider: two}", source.CodeInvalid, "provider two does not offer this source, but one"},
	} {
		cfg, _ := sourcesOf(t, "  - "+c.text+"\n")
		_, err := source.Load(cfg, []source.Described{described("one", named("epic")), described("two")})
		if problem.CodeOf(err) != c.code || !strings.Contains(strings.Join(factsOf(t, err), ""), c.want) {
			t.Errorf("%s: %v %q", c.text, err, factsOf(t, err))
		}
	}
}

func TestBrokenProviderLeavesTheOtherSourcesUsable(t *testing.T) {
	cfg, _ := sourcesOf(t, "  - {id: epic, clientId: x}\n  - {id: oura, provider: broken}\n")
	c := loadAll(t, cfg, described("one", named("withings")), source.Described{Provider: "broken", Broken: true})
	if diff := cmp.Diff([]string{"withings"}, ids(c.All())); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsAreHeldAgainstWhatTheProviderDeclares(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown":            {"clientId: x, settings: {regoin: eu}", "regoin  is no setting of this source; did you mean region?"},
		"choice":             {"clientId: x, settings: {region: mars}", "region  is none of: eu, us"},
		"secret in plain":    {"clientId: x, settings: {shared: s3cret}", "shared  is a secret and must be a reference, such as {file: PATH}"},
		"url":                {"clientId: x, settings: {base_url: ftp://s3cret}", "base_url  is not an http(s) URL without a user"},
		"url with a user":    {"clientId: x, settings: {base_url: 'https://u:s3cret@h/'}", "base_url  is not an http(s) URL without a user"},
		"client given twice": {"clientId: x, settings: {client_id: y}", "clientId  is given again by settings.client_id; leave one of the two out"},
	} {
		cfg, _ := sourcesOf(t, "  - {id: clinic, "+c.text+"}\n")
		_, err := source.Load(cfg, []source.Described{clinic()})
		if problem.CodeOf(err) != source.CodeInvalid {
			t.Fatalf("%s: %v", name, err)
		}
		got := strings.Join(factsOf(t, err), "\n")
		if !strings.HasSuffix(got, "config.yaml:3:5  sources: clinic  "+c.want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s", name, got)
		}
	}
	needy := named("needy")
	needy.Settings = []sdk.Field{{ID: "practice", Kind: sdk.KindText, Required: true}, {ID: "region", Kind: sdk.KindText}}
	cfg, _ := sourcesOf(t, "  - {id: needy, settings: {region: eu}}\n")
	_, err := source.Load(cfg, []source.Described{described("p", needy)})
	if got := strings.Join(factsOf(t, err), "\n"); !strings.HasSuffix(got, "config.yaml:3:5  sources: needy  practice  is missing") {
		t.Errorf("missing: %s", got)
	}
	cfg, _ = sourcesOf(t, "  - {id: plain, clientId: x, clientSecret: {env: A}, settings: {a: 1}}\n")
	_, err = source.Load(cfg, []source.Described{described("p", named("plain"))})
	if len(factsOf(t, err)) != 3 {
		t.Errorf("%q", factsOf(t, err))
	}
}

func TestProviderGetsCheckedSettingsWithReferencesResolvedAtTheCall(t *testing.T) {
	cfg, dir := sourcesOf(t, `  - id: clinic
    clientId: "0123"
    clientSecret: {env: THE_SECRET}
    settings: {base_url: "https://FHIR.example.com:8443/r4", region: {file: region}, shared: {command: [echo, hush]}, greeting: 0123}
`)
	s, err := loadAll(t, cfg, clinic()).Find("clinic")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"login.example.com", "fhir.example.com:8443"}, s.Hosts); diff != "" {
		t.Error(diff)
	}
	env := config.Environment{"THE_SECRET=abc"}
	if _, err := s.Resolve(t.Context(), env); settingOf(err) != "region" || problem.CodeOf(err) != config.CodeSecret {
		t.Errorf("%v", err)
	}
	region := filepath.Join(dir, "region")
	for text, setting := range map[string]string{"mars": "region", "eu\n": ""} {
		if err := os.WriteFile(region, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Resolve(t.Context(), env); settingOf(err) != setting {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.WriteFile(region, []byte("us"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other, err := s.ResolveFor(t.Context(), "other", nil); err != nil || len(other.Values)+len(other.Secrets) > 0 {
		t.Errorf("a provider that the source is not of gets %+v, %v", other, err)
	}
	got, err := s.ResolveFor(t.Context(), s.Provider, env)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"client_id": "0123", "base_url": "https://FHIR.example.com:8443/r4", "region": "us", "greeting": "0123"}
	if diff := cmp.Diff(values, got.Values); diff != "" {
		t.Error(diff)
	}
	if got.Secrets["client_secret"].Reveal() != "abc" || got.Secrets["shared"].Reveal() != "hush" || len(got.Secrets) != 2 {
		t.Errorf("%d secrets", len(got.Secrets))
	}
}

// settingOf returns the setting that an error names as the bad one, or "".
func settingOf(err error) string {
	var f *failure.Failure
	if errors.As(err, &f) && f.Code == failure.BadConfiguration {
		return f.Setting
	}
	return ""
}

func TestSourceWithoutItsRequiredSettingsIsListedAndCannotBeUsed(t *testing.T) {
	s, err := loadAll(t, nil, clinic()).Find("clinic")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(t.Context(), nil); settingOf(err) != "client_id" {
		t.Errorf("%v", err)
	}
}

func TestHostOfASettingBehindAReferenceCountsOnceItIsRead(t *testing.T) {
	cfg, _ := sourcesOf(t, "  - {id: clinic, clientId: x, settings: {base_url: {env: BASE}}}\n")
	s, err := loadAll(t, cfg, clinic()).Find("clinic")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := s.Resolve(t.Context(), config.Environment{"BASE=https://fhir.example.com/r4"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"login.example.com", "fhir.example.com"}, s.Reaching(settings).Hosts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"login.example.com"}, s.Hosts); diff != "" {
		t.Errorf("before: %s", diff)
	}
}

func TestSettingOfTheSourceStandsBeforeThatOfItsProvider(t *testing.T) {
	s, err := loadAll(t, nil, clinic()).Find("clinic")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]sdk.Kind{}
	for _, f := range s.Declared {
		kinds[f.ID] = f.Kind
	}
	if len(s.Declared) != 6 || kinds["shared"] != sdk.KindSecret {
		t.Errorf("%+v", s.Declared)
	}
}
