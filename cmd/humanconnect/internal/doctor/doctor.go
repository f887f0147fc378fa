// Package doctor checks an installation: config, state and key, token service, providers, sources, plan, hooks, and the redirect
// listener. It changes nothing, and knows no flag.
package doctor

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/browser"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// State is the outcome of a check.
type State string

// The states.
const (
	StateOK      State = "ok"
	StateWarning State = "warning"
	StateFailed  State = "failed"
)

// Finding is the outcome of one check.
type Finding struct {
	// Check is what was checked: "config", "state", "hook".
	Check string `json:"check"`
	// Name is that of the hook, provider or source that was checked; null for what there is one of.
	Name    *string       `json:"name"`
	State   State         `json:"state"`
	Code    *problem.Code `json:"code"`
	Message string        `json:"message"`
	// Hint is what to do, each line one thing.
	Hint *string `json:"hint"`
	// Facts and Problems are those of an error.
	Facts    []string            `json:"facts"`
	Problems []iostreams.Problem `json:"problems"`

	// Exit is the exit code of a check that failed.
	Exit int `json:"-"`
	// all facts, those that Problems has apart included.
	all []string
}

// Examine checks everything, with progress, and returns what it found; of a large state only the newest rows, unless it is to be
// read in full. If ctx ends it returns the cause.
func Examine(ctx context.Context, a *app.App, full bool) ([]Finding, error) {
	d := &examination{
		app: a, full: full, findings: []Finding{}, line: a.IO.StartProgress("checking the config"), disabled: make(map[string]store.DisabledHook),
	}
	d.examine(ctx)
	d.line.Done()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return d.findings, nil
}

// Write prints findings for a person.
func Write(w io.Writer, findings []Finding) error {
	for _, f := range findings {
		if _, err := io.WriteString(w, f.text()); err != nil {
			return err
		}
	}
	return nil
}

func (f Finding) text() string {
	var b strings.Builder
	subject := f.Check
	if f.Name != nil {
		subject += " " + *f.Name
	}
	fmt.Fprintf(&b, "%-8s %s: %s", f.State, subject, iostreams.Clean(f.Message))
	if f.Code != nil {
		fmt.Fprintf(&b, " [%s]", *f.Code)
	}
	b.WriteByte('\n')
	if f.Hint != nil {
		for hint := range strings.Lines(*f.Hint) {
			fmt.Fprintf(&b, "         hint: %s\n", iostreams.Clean(strings.TrimSuffix(hint, "\n")))
		}
	}
	for _, fact := range f.all {
		fmt.Fprintf(&b, "         %s\n", fact)
	}
	return b.String()
}

// examination collects the findings.
type examination struct {
	app      *app.App
	full     bool
	findings []Finding
	line     *iostreams.Progress
	// disabled has the disabled hooks, by name.
	disabled map[string]store.DisabledHook
}

// add adds a finding. Its subject is what was checked, as "state", and where there are many of these the name of the one: "hook journal".
func (d *examination) add(subject string, f Finding) {
	check, name, _ := strings.Cut(subject, " ")
	f.Check, f.Name = check, iostreams.OrNull(name)
	f.Facts, f.Problems = iostreams.OrEmpty(f.Facts), iostreams.OrEmpty(f.Problems)
	d.findings = append(d.findings, f)
}

func (d *examination) ok(subject, format string, args ...any) {
	d.add(subject, Finding{State: StateOK, Message: fmt.Sprintf(format, args...)})
}

func (d *examination) warn(subject, hint, format string, args ...any) {
	d.add(subject, Finding{State: StateWarning, Message: fmt.Sprintf(format, args...), Hint: iostreams.OrNull(hint)})
}

func (d *examination) failed(subject string, err error) {
	described := iostreams.Describe(err)
	placed := described.ForJSON()
	d.add(subject, Finding{
		State: StateFailed, Message: described.Message, Code: &described.Code, Hint: iostreams.OrNull(strings.Join(described.Hints, "\n")),
		Facts: placed.Facts, Problems: described.Problems, Exit: described.Exit, all: described.Facts,
	})
}

func (d *examination) examine(ctx context.Context) {
	cfg, err := d.app.LoadConfig()
	if err != nil {
		d.failed("config", err)
		return
	}
	inst, err := d.app.PrepareWith(cfg, false) // nothing is kept: a doctor changes nothing
	if err != nil {
		d.failed("providers", err)
		return
	}
	defer inst.Close()
	if inst.Config.File == "" {
		d.ok("config", "no file; defaults and environment")
	} else {
		d.ok("config", "%s", inst.Config.File)
	}
	tokens, described := ask(ctx, inst)
	d.state(ctx, inst)
	d.tokens(inst, tokens)
	for i, spec := range inst.Specs {
		d.provider(spec, described[i])
	}
	if len(inst.Specs) == 0 {
		d.warn("providers", "install a provider next to this program", "none installed")
	}
	if catalog, err := inst.Providers.Known(); err != nil {
		d.failed("sources", err)
	} else {
		for _, c := range inst.Providers.Conflicts() {
			d.failed("source "+c.Source, c.Problem())
		}
		d.sources(ctx, inst, catalog)
		d.plan(ctx, inst, catalog)
	}
	d.line.Set("checking the hooks")
	for _, h := range d.app.Hooks(inst.Config) {
		d.hook(ctx, h)
	}
	d.callback(ctx, inst.Config.Callback.Listen)
	d.browser()
}

// answer waits for what was asked, within the limit of the one who was asked.
type answer[T any] func() (T, error)

// inBackground asks meanwhile. The answer must be waited for.
func inBackground[T any](question func() (T, error)) answer[T] {
	done := make(chan struct{})
	var value T
	var err error
	go func() {
		defer close(done)
		value, err = question()
	}()
	return func() (T, error) {
		<-done
		return value, err
	}
}

// ask asks the session token service and the providers, side by side.
func ask(ctx context.Context, inst *app.Installation) (tokens answer[bool], described []answer[*sdk.Description]) {
	tokens = inBackground(func() (bool, error) { return inst.ProbeTokenService(ctx) })
	for _, spec := range inst.Specs {
		described = append(described, inBackground(func() (*sdk.Description, error) { return inst.Providers.DescribeLive(ctx, spec.Name) }))
	}
	return tokens, described
}

// sources checks that the settings of sources can be read.
func (d *examination) sources(ctx context.Context, inst *app.Installation, catalog *source.Catalog) {
	for _, c := range inst.Config.Sources {
		s, err := catalog.Find(c.ID)
		if err != nil {
			continue // its provider has failed, which is a finding already
		}
		check := "source " + c.ID
		d.line.Set("checking " + check)
		if _, err := s.Resolve(ctx, d.app.Environ()); err != nil {
			d.failed(check, err)
			continue
		}
		d.ok(check, "its settings can be read")
	}
}

// plan checks the plan of the config and its answers.
func (d *examination) plan(ctx context.Context, inst *app.Installation, catalog *source.Catalog) {
	if inst.Config.Plan == nil {
		return
	}
	d.line.Set("checking the plan")
	if err := catalog.CheckPlan(inst.Config.Plan); err != nil {
		d.failed("plan", err)
		return
	}
	actions, err := inst.Planned(ctx, "")
	if err != nil {
		d.failed("plan", err)
		return
	}
	d.ok("plan", "%d actions, and their answers can be read", len(actions))
}

// callback checks that the redirect listener can listen.
func (d *examination) callback(ctx context.Context, address string) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		d.failed("callback", problem.New(exit.CodeCallback, "cannot listen for redirects at %s", address).Because(err).
			Hint("free the address, or set another port in callback.listen; a running open may use it"))
		return
	}
	_ = listener.Close()
	d.ok("callback", "can listen for redirects at %s", address)
}

// browser checks that the program in BROWSER exists, if BROWSER is set.
func (d *examination) browser() {
	argv := strings.Fields(browser.CommandOf(d.app.Variable("BROWSER")))
	if len(argv) == 0 {
		return
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		d.warn("browser", "fix BROWSER, or unset it", "the program in BROWSER cannot be run")
		return
	}
	d.ok("browser", "the program in BROWSER exists")
}

func (d *examination) state(ctx context.Context, inst *app.Installation) {
	o := inst.StoreOptions()
	o.ReadOnly = true
	s, err := sqlite.Open(ctx, o)
	if err != nil {
		if problem.Is(err, sqlite.CodeMissing) {
			d.ok("state", "none yet; the first command that needs it creates it")
			d.creatable(inst.Config.StateDir)
			return
		}
		d.failed("state", err)
		return
	}
	defer s.Close()
	whole, err := s.Check(ctx, d.full)
	switch {
	case err != nil:
		d.failed("state", err)
		return
	case whole:
		d.ok("state", "%s is intact and its key is correct", inst.Config.StateDir)
	default:
		d.ok("state", "%s: its key is correct, and the newest %d rows of each table can be read; --full reads all", inst.Config.StateDir, sqlite.SampledRows)
	}
	d.writable(inst.Config.StateDir)
	if names := sqlite.Exposed(inst.Config.StateDir); len(names) > 0 {
		d.warn("state", "any command that opens the state restricts the permissions", "accessible to other users: %s", strings.Join(names, ", "))
	}
	d.orphans(ctx, s, inst.Specs)
	d.deliveries(ctx, s)
	d.disabledHooks(ctx, s, d.app.Hooks(inst.Config))
}

// orphans checks that each provider is installed that connections and pending revocations need.
func (d *examination) orphans(ctx context.Context, s *sqlite.Store, specs []plugins.Spec) {
	var installed []string
	for _, spec := range specs {
		if spec.FileState() != plugins.FileMissing {
			installed = append(installed, spec.Name)
		}
	}
	orphans, err := query.Orphans(ctx, s, installed)
	if err != nil {
		d.failed("connections", err)
	}
	for _, o := range orphans {
		d.failed("provider "+o.Provider, problem.New(plugins.CodeNotFound, "provider %q is not installed; connections that need it: %s, pending revocations: %s",
			o.Provider, query.Number(o.Connections), query.Number(o.Revocations)).
			Hint("install it again: until then nothing of it is refreshed or revoked"))
	}
}

func (d *examination) deliveries(ctx context.Context, s *sqlite.Store) {
	dead, err := query.DeadDeliveries(ctx, s)
	switch {
	case err != nil:
		d.failed("deliveries", err)
	case dead > 0:
		d.warn("deliveries", "see: humanconnect delivery list --state dead", "%s dead", query.Number(dead))
	default:
		d.ok("deliveries", "none dead")
	}
}

// disabledHooks reads the disabled hooks, for their own checks.
func (d *examination) disabledHooks(ctx context.Context, s *sqlite.Store, hooks []hook.Hook) {
	views, err := query.Hooks(ctx, s, s.MAC, hooks)
	if err != nil {
		d.failed("hooks", err)
	}
	for _, v := range views.Hooks {
		if v.Disabled != nil {
			d.disabled[v.Hook.Name] = *v.Disabled
		}
	}
}

func (d *examination) provider(spec plugins.Spec, describe answer[*sdk.Description]) {
	check := "provider " + spec.Name
	d.line.Set("checking " + check)
	described, err := describe()
	if err != nil {
		d.failed(check, err)
		return
	}
	d.ok(check, "%s, %d sources, pinned by: %s", described.Version, len(described.Sources), spec.PinText())
	if !spec.Dev && spec.Sources == nil {
		d.warn(check, "humanconnect provider lock "+spec.Name, "its pin has no sources yet")
	}
	if interprets(spec.Path()) {
		d.warn(check, "make the script itself the executable, with a #! line", "the pin covers the interpreter, not the script")
	}
}

// interprets says whether an executable is an interpreter, so that its pin does not cover the script.
func interprets(path string) bool {
	name := strings.TrimRight(filepath.Base(path), "0123456789.")
	return slices.Contains([]string{"sh", "bash", "dash", "zsh", "python", "node", "ruby", "perl", "java", "env", "deno", "bun", "php"}, name)
}

func (d *examination) hook(ctx context.Context, h hook.Hook) {
	check := "hook " + h.Name
	switch {
	case h.Kind() == hook.KindHTTP:
		d.url(ctx, check, h)
	case !d.runnable(check, h):
	case h.Kind() == hook.KindShell:
		d.shell(check, h)
	default:
		d.ok(check, "its command exists, and this user can run it in %s", h.Dir)
	}
}

// url checks the secret; nothing is sent.
func (d *examination) url(ctx context.Context, check string, h hook.Hook) {
	if err := h.CheckSecret(ctx); err != nil {
		d.failed(check, err)
		return
	}
	if row, disabled := d.disabled[h.Name]; disabled {
		d.warn(check, "enable it with: humanconnect hook enable "+h.Name, "%s; disabled since %s", hook.At(h.Origin(), row.Error), event.Time(row.At))
		return
	}
	d.ok(check, "%s, and its secret can be read; test it with: humanconnect hook test %s", h.Origin(), h.Name)
}

// tokens checks the session token service.
func (d *examination) tokens(inst *app.Installation, probed answer[bool]) {
	d.line.Set(app.CheckingToken)
	own, err := probed()
	switch {
	case err != nil:
		d.failed("tokens", err)
	case own:
		d.ok("tokens", "issued by this installation")
	default:
		d.ok("tokens", "tokens of another service can be checked (token.check: %s)", inst.Config.Token.Check)
	}
}
