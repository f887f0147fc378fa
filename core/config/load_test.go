package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// write puts a config into a directory of its own and returns its path.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func options(path string) config.Options {
	return config.Options{Path: path, Home: "/home/a", UID: os.Getuid()}
}

func load(t testing.TB, o config.Options) *config.Config {
	t.Helper()
	c, warnings, err := config.Load(o)
	if err != nil {
		t.Fatalf("Load: %v %q", err, factsOf(err))
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	return c
}

func factsOf(err error) []string {
	if p, ok := err.(*problem.Problem); ok { //nolint:errorlint // the outermost one is asked for
		return p.Facts()
	}
	return nil
}

const whole = `version: 1
clientId: "0123"
store: {driver: sqlite, path: state, key: {env: THE_KEY}}
token: {check: local, ttl: 90m}
providers:
  - {name: acme, command: [./acme, -v], sha256: 00000000000000000000000000000000000000000000000000000000000000FF}
  - {name: own, dev: true}
sources:
  - id: withings
    provider: oauth2
    clientId: our-app
    clientSecret: {file: secrets/withings}
    settings: {tenant: 0123, API_off: no}
hooks:
  - {name: journal, on: [onClose], shell: "cat >> x"}
  - {name: tell, on: [onConnectSource, onClose], command: [notify, "a b"], timeout: 2s, required: true}
plan:
  actions:
    - connect: withings
      answers: {username: demo, password: {command: [pass, show]}}
    - disconnect: con_01jd0000000000000000000000
`

func TestEveryKeyReachesTheConfig(t *testing.T) {
	path := write(t, strings.Replace(whole, "API_off: no", "api_off: no", 1))
	dir := filepath.Dir(path)
	c := load(t, options(path))
	type flat struct{ Got, Want any }
	for name, f := range map[string]flat{
		"file":      {c.File, path},
		"dir":       {c.Dir, dir},
		"clientId":  {c.ClientID, "0123"},
		"stateDir":  {c.StateDir, filepath.Join(dir, "state")},
		"driver":    {c.Store.Driver, "sqlite"},
		"key":       {c.Store.Key.Env, "THE_KEY"},
		"check":     {c.Token.Check, "local"},
		"ttl":       {c.Token.TTL, 90 * time.Minute},
		"command":   {c.Providers[0].Command, []string{filepath.Join(dir, "acme"), "-v"}},
		"sha256":    {c.Providers[0].SHA256, strings.Repeat("0", 62) + "ff"},
		"dev":       {c.Providers[1].Dev, true},
		"provider":  {c.Sources[0].Provider, "oauth2"},
		"client":    {c.Sources[0].ClientID, "our-app"},
		"secret":    {c.Sources[0].ClientSecret.File, filepath.Join(dir, "secrets", "withings")},
		"setting":   {c.Sources[0].Settings["tenant"].Text.Reveal(), "0123"},
		"no":        {c.Sources[0].Settings["api_off"].Text.Reveal(), "no"},
		"shell":     {c.Hooks[0].Shell, "cat >> x"},
		"timeout":   {c.Hooks[0].Timeout, 15 * time.Second},
		"on":        {c.Hooks[1].On, []event.On{event.OnConnectSource, event.OnClose}},
		"argv":      {c.Hooks[1].Command, []string{"notify", "a b"}},
		"timeout 2": {c.Hooks[1].Timeout, 2 * time.Second},
		"required":  {[]bool{c.Hooks[0].Required, c.Hooks[1].Required}, []bool{false, true}},
		"kinds":     {[]config.ActionKind{c.Plan.Actions[0].Kind, c.Plan.Actions[1].Kind}, []config.ActionKind{"connect", "disconnect"}},
		"target":    {c.Plan.Actions[1].Target, "con_01jd0000000000000000000000"},
		"answer":    {c.Plan.Actions[0].Answers["username"].Text.Reveal(), "demo"},
		"answer 2":  {c.Plan.Actions[0].Answers["password"].Ref.Command, []string{"pass", "show"}},
		"at":        {c.Hooks[1].At, config.Position{File: path, Line: 16, Column: 5}},
	} {
		if diff := cmp.Diff(f.Want, f.Got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWithoutAFileThereAreDefaults(t *testing.T) {
	for name, o := range map[string]config.Options{
		"none": options("none"), "no file in the usual place": {Home: t.TempDir()},
		"none by variable": {Home: t.TempDir(), Environ: config.Environment{"HUMANCONNECT_CONFIG=none"}},
	} {
		c := load(t, o)
		if c.ClientID != "" || c.Token.TTL != time.Hour || c.Store.Driver != "sqlite" || c.Plan != nil {
			t.Errorf("%s: %+v", name, c)
		}
		if want := filepath.Join(o.Home, ".local/state/humanconnect"); c.StateDir != want {
			t.Errorf("%s: state in %s, want %s", name, c.StateDir, want)
		}
	}
}

func TestFileThatLostItsContentIsNotOneThatSaysNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n"} {
		got := problemsOf(t, text)
		if len(got) != 1 || got[0] != "1:1 version is missing; write version: 1" {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestFileIsFoundByFlagThenVariableThenPlace(t *testing.T) {
	home := t.TempDir()
	xdg := filepath.Join(home, "xdg")
	for _, c := range []struct {
		o    config.Options
		want config.Place
	}{
		{config.Options{Path: "a", Environ: config.Environment{"HUMANCONNECT_CONFIG=b"}}, config.Place{Path: "a", Origin: "flag"}},
		{config.Options{Environ: config.Environment{"HUMANCONNECT_CONFIG=b"}}, config.Place{Path: "b", Origin: "env HUMANCONNECT_CONFIG"}},
		{
			config.Options{Home: home, Environ: config.Environment{"XDG_CONFIG_HOME=" + xdg, "HUMANCONNECT_CONFIG="}},
			config.Place{Path: xdg + "/humanconnect/config.yaml", Origin: "default"},
		},
		{
			config.Options{Home: home, Environ: config.Environment{"XDG_CONFIG_HOME=relative"}},
			config.Place{Path: home + "/.config/humanconnect/config.yaml", Origin: "default"},
		},
		{config.Options{}, config.Place{Origin: "default"}},
	} {
		if got := config.Find(c.o); got != c.want {
			t.Errorf("%+v: %+v", c.o, got)
		}
	}
}

func TestWorkingDirectoryIsNeverSearched(t *testing.T) {
	path := write(t, "version: 1\nclientId: planted\n")
	t.Chdir(filepath.Dir(path))
	if c := load(t, config.Options{Home: t.TempDir()}); c.ClientID != "" || c.File != "" {
		t.Errorf("read %s", c.File)
	}
}

func TestFileThatWasAskedForMustBeThere(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]config.Options{
		"flag":     options(filepath.Join(dir, "x.yaml")),
		"variable": {Home: dir, Environ: config.Environment{"HUMANCONNECT_CONFIG=" + dir + "/x.yaml"}},
	} {
		if _, _, err := config.Load(o); problem.CodeOf(err) != config.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := config.Load(options(dir)); problem.CodeOf(err) != config.CodeUnreadable {
		t.Errorf("what is there and no file: %v", err)
	}
}

func TestFileThatOthersCanWriteIsRefused(t *testing.T) {
	for mode, want := range map[os.FileMode]struct{ code, warning problem.Code }{
		0o600: {}, 0o644: {}, 0o640: {}, 0o664: {warning: config.CodeMode}, 0o620: {warning: config.CodeMode},
		0o666: {code: config.CodeMode}, 0o602: {code: config.CodeMode},
	} {
		path := write(t, "version: 1\n")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := config.Load(options(path))
		var got problem.Code
		if len(warnings) > 0 {
			got = problem.Code(warnings[0].Code)
		}
		if problem.CodeOf(err) != want.code || got != want.warning {
			t.Errorf("mode %o: %v, %v", mode, err, warnings)
		}
	}
}

func TestFileOfAnotherUserIsRefused(t *testing.T) {
	path := write(t, "version: 1\n")
	o := options(path)
	if os.Getuid() == 0 {
		if err := os.Chown(path, 4711, -1); err != nil {
			t.Fatal(err)
		}
	} else {
		o.UID++
	}
	if _, _, err := config.Load(o); problem.CodeOf(err) != config.CodeMode {
		t.Errorf("%v", err)
	}
	if os.Getuid() != 0 {
		return
	}
	o.UID = 4711 // now it is the user's own
	load(t, o)
	o.Path = write(t, "version: 1\n") // and root's is anyone's
	load(t, o)
}

func TestAllProblemsAreToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	path := write(t, `version: 1
hooks:
  - {name: a, on: [onClose], shell: x}
  - name: b
    on: [onClose]
    comand: [x]
    timeout: 15
sources:
  - id: withings
    clientSecret: s3cret
`)
	o := options(path)
	o.Environ = config.Environment{"HUMANCONNECT_TOKEN_TTL=5"}
	_, _, err := config.Load(o)
	want := []string{
		"HUMANCONNECT_TOKEN_TTL token.ttl \"5\" is not a duration; write 5s",
		":4:5 hooks[1] give one of shell, a line for sh, command, a list, and url",
		":6:5 hooks[1].comand unknown key; did you mean \"command\"?",
		":7:14 hooks[1].timeout \"15\" is not a duration; write 15s",
		":10:19 sources[0].clientSecret a secret must be a reference, such as {file: PATH}",
	}
	var got []string
	for _, f := range factsOf(err) {
		got = append(got, strings.TrimPrefix(strings.Join(strings.Fields(f), " "), path))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := path + " has 5 problems"; err.Error() != want || problem.CodeOf(err) != config.CodeInvalid {
		t.Errorf("%v", err)
	}
	if strings.Contains(fmt.Sprint(factsOf(err)), "s3cret") {
		t.Error("a secret is told")
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	facts := problemsOf(t, "version: 1\n"+strings.Repeat("hoks: 1\n", 5_000))
	if len(facts) != 101 || facts[100] != "and 4900 more" || !strings.HasPrefix(facts[99], "101:1 ") {
		t.Errorf("%d facts, the last %q", len(facts), facts[len(facts)-1])
	}
}

func TestWhatIsSoundOfAWrongConfigCanBeLookedAt(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"a wrong hook": {
			"hooks: [{name: a, on: [onClose], shel: x}, {name: b, on: [onClose], shell: x}]\nsources: [{id: s, provider: p}]",
			"providers [] sources [s] hooks [b] plan false",
		},
		"a wrong source": {"sources: [{id: s, colour: x}, {id: r, provider: p}]", "providers [] sources [r] hooks [] plan false"},
		"a wrong plan":   {"plan: {actions: [{conect: s}]}", "providers [] sources [] hooks [] plan false"},
		"a wrong provider": {
			"providers: [{name: p}, {name: q, dev: true}]\nsources: [{id: s, provider: p}]\nplan: {actions: [{connect: s}]}",
			"providers [q] sources [] hooks [] plan false",
		},
		"no YAML": {"{", "providers [] sources [] hooks [] plan false"},
	} {
		c, _, err := config.Check(options(write(t, "version: 1\nclientid: x\n"+test.text)))
		if problem.CodeOf(err) != config.CodeInvalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		providers, sources, hooks := []string{}, []string{}, []string{}
		for _, p := range c.Providers {
			providers = append(providers, p.Name)
		}
		for _, s := range c.Sources {
			sources = append(sources, s.ID)
		}
		for _, h := range c.Hooks {
			hooks = append(hooks, h.Name)
		}
		if got := fmt.Sprint("providers ", providers, " sources ", sources, " hooks ", hooks, " plan ", c.Plan != nil); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestVariableThatMeansNothingIsAWarning(t *testing.T) {
	o := options("none")
	o.Environ = config.Environment{
		"HUMANCONNECT_TOKEN=hcs_secret", "HUMANCONNECT_CLIENTID=x", "HUMANCONNECT_STORE=x", "HUMANCONNECT_EVENT_TYP=x", "HUMANCONNECT_SESSION_TOKEN=hcs_secret",
		"HUMANCONNECT_STATE_DIR=/tmp/s", "HUMANCONNECT_EVENT_ID=evt_x", "HUMANCONNECT_LIFELINE=stdin", "OTHER=1",
	}
	c, warnings, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Message+"; "+w.Hint)
	}
	want := []string{
		"the environment variables HUMANCONNECT_TOKEN, HUMANCONNECT_CLIENTID, HUMANCONNECT_STORE and HUMANCONNECT_EVENT_TYP mean nothing; " +
			"did you mean HUMANCONNECT_SESSION_TOKEN and HUMANCONNECT_CLIENT_ID?",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.Token.Check != "local" || c.Token.TTL != time.Hour {
		t.Errorf("HUMANCONNECT_TOKEN emptied the section: %+v", c.Token)
	}
}

// TestVariablesOfAPlatformAreNoSlips: Kubernetes sets them for a service named humanconnect, or humanconnect-web.
func TestVariablesOfAPlatformAreNoSlips(t *testing.T) {
	o := options("none")
	o.Environ = config.Environment{
		"HUMANCONNECT_PORT=tcp://10.0.0.11:6379", "HUMANCONNECT_SERVICE_HOST=10.0.0.11", "HUMANCONNECT_SERVICE_PORT=6379", "HUMANCONNECT_SERVICE_PORT_HTTP_ADMIN=1",
		"HUMANCONNECT_PORT_6379_TCP=tcp://10.0.0.11:6379", "HUMANCONNECT_PORT_6379_TCP_PROTO=tcp", "HUMANCONNECT_PORT_6379_TCP_PORT=6379",
		"HUMANCONNECT_PORT_53_UDP_ADDR=10.0.0.11", "HUMANCONNECT_WEB_SERVICE_HOST=10.0.0.12", "HUMANCONNECT_WEB_PORT=udp://10.0.0.12:53",
	}
	if _, warnings, err := config.Load(o); err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
	for name, want := range map[string]string{
		"PORT=8080": "all variables", "TOKEN=x": "HUMANCONNECT_SESSION_TOKEN?", "TOKEN_FILE=x": "HUMANCONNECT_SESSION_TOKEN_FILE?", "TTL=1h": "HUMANCONNECT_TOKEN_TTL?",
		"STATE=x": "HUMANCONNECT_STATE_DIR?", "CONFIG_FILE=x": "HUMANCONNECT_CONFIG?", "CLIENT=x": "HUMANCONNECT_CLIENT_ID?",
	} {
		o.Environ = config.Environment{"HUMANCONNECT_" + name}
		if _, warnings, err := config.Load(o); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Hint, want) {
			t.Errorf("%s: %v, %v", name, warnings, err)
		}
	}
}

func TestStateDirIsFlagThenVariableThenStorePath(t *testing.T) {
	path := write(t, "version: 1\nstore: {path: ../here}\n")
	inFile := filepath.Join(filepath.Dir(filepath.Dir(path)), "here")
	for _, c := range []struct {
		flag, want, origin string
		env                config.Environment
	}{
		{"/f", "/f", "flag", config.Environment{"HUMANCONNECT_STATE_DIR=/e", "HUMANCONNECT_STORE_PATH=/p"}},
		{"", "/e", "env HUMANCONNECT_STATE_DIR", config.Environment{"HUMANCONNECT_STATE_DIR=/e", "HUMANCONNECT_STORE_PATH=/p"}},
		{"", "/p", "env HUMANCONNECT_STORE_PATH", config.Environment{"HUMANCONNECT_STORE_PATH=/p"}},
		{"", inFile, path + ":2", nil},
		{"", "/x/humanconnect", "default", config.Environment{"HUMANCONNECT_STORE_PATH=default", "XDG_STATE_HOME=/x"}},
	} {
		o := options(path)
		o.Environ = c.env
		if c.flag != "" {
			o.Overrides = map[string]string{"stateDir": c.flag}
		}
		got := load(t, o)
		if got.StateDir != c.want || got.Redacted()[0].Origin != c.origin {
			t.Errorf("%+v: %s from %s", c, got.StateDir, got.Redacted()[0].Origin)
		}
	}
	for _, o := range []config.Options{
		{Path: "none", Home: "/h", Overrides: map[string]string{"stateDir": "~/x"}},
		{Path: "none", Home: "/h", Environ: config.Environment{"HUMANCONNECT_STATE_DIR=~/x"}},
		{Path: "none", Home: "/h", Environ: config.Environment{"HUMANCONNECT_STORE_PATH=~/x"}},
	} {
		if _, _, err := config.Load(o); len(factsOf(err)) != 1 || !strings.Contains(factsOf(err)[0], "~ is not expanded here") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, _, err := config.Load(config.Options{Path: "none"}); problem.CodeOf(err) != config.CodeInvalid {
		t.Errorf("without HOME: %v", err)
	}
}

func TestShownConfigHasOriginsAndNoSecrets(t *testing.T) {
	path := write(t, strings.ReplaceAll(strings.Replace(whole, "API_off", "api_off", 1), "username: demo", "username: hush"))
	o := options(path)
	o.Environ = config.Environment{"HUMANCONNECT_TOKEN_TTL=5m"}
	o.Overrides = map[string]string{"clientId": "flagged"}
	got := map[string]string{}
	for _, e := range load(t, o).Redacted() {
		got[e.Key] = strings.ReplaceAll(e.Value+" < "+e.Origin, path, "F")
	}
	for key, want := range map[string]string{
		"clientId": "flagged < flag", "token.ttl": "5m < env HUMANCONNECT_TOKEN_TTL", "store.driver": "sqlite < F:3",
		"store.key.env": "THE_KEY < F:3", "sources[0].settings.tenant": "(set) < F:13",
		"sources[0].clientSecret.file": "secrets/withings < F:12", "hooks[1].command": `[notify, "a b"] < F:16`,
		"plan.actions[0].answers.username": "(set) < F:20", "plan.actions[0].answers.password.command": "[pass, show] < F:20",
	} {
		if got[key] != want {
			t.Errorf("%s: %s, want %s", key, got[key], want)
		}
	}
	if strings.Contains(fmt.Sprint(got), "hush") {
		t.Error("an answer is shown")
	}
}
