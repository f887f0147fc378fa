package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// finding is what doctor says of one thing.
type finding struct {
	Check string `json:"check"`
	// State is "ok", "warning" or "failed".
	State   string       `json:"state"`
	Message string       `json:"message"`
	Code    problem.Code `json:"code,omitempty"`
	Hints   []string     `json:"hints"`
	exit    int
}

func newDoctor(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, change nothing",
		Long: `Check the config, the state and its key, the service that has the session tokens, every
provider, the sources and the plan of the config with their secrets, the hooks, and the way back
from a browser, and say what is wrong and what to do. It changes nothing; what SQLite keeps of its
readers in state.db-shm is no part of the state. It ends with 0 if nothing has failed, else with
the exit code of the first thing that has.`,
		Example: "  humanconnect doctor\n  humanconnect doctor -o json",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.doctor(c.Context()) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitNetwork, exitStore)
}

func (a *App) doctor(ctx context.Context) error {
	d := &examination{
		app: a, findings: []finding{}, line: a.startProgress("examining the config"), disabled: make(map[string]store.DisabledHook),
	}
	d.examine(ctx)
	d.line.Done()
	if ctx.Err() != nil { // what was cut is no finding
		return context.Cause(ctx)
	}
	if err := a.print(map[string]any{"checks": d.findings}, d.write); err != nil {
		return err
	}
	for _, f := range d.findings {
		if f.State == "failed" {
			return endWith(f.exit)
		}
	}
	return nil
}

// examination collects what is found.
type examination struct {
	app      *App
	findings []finding
	line     *Progress
	// disabled has the hooks that are, by name.
	disabled map[string]store.DisabledHook
}

func (d *examination) write(w io.Writer) error {
	for _, f := range d.findings {
		text := clean(f.Message)
		if f.Code != "" {
			text += " [" + string(f.Code) + "]"
		}
		if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.State, f.Check, text); err != nil {
			return err
		}
		for _, h := range f.Hints {
			if _, err := fmt.Fprintf(w, "         hint: %s\n", clean(h)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *examination) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{Check: check, State: "ok", Message: fmt.Sprintf(format, args...), Hints: []string{}})
}

func (d *examination) warn(check, hint, format string, args ...any) {
	d.findings = append(d.findings, finding{Check: check, State: "warning", Message: fmt.Sprintf(format, args...), Hints: []string{hint}})
}

func (d *examination) failed(check string, err error) {
	said := describe(err)
	d.findings = append(d.findings, finding{
		Check: check, State: "failed", Message: said.Message, Code: said.Code, Hints: append(said.Hints, said.Facts...), exit: said.Exit,
	})
}

func (d *examination) examine(ctx context.Context) {
	cfg, err := d.app.loadConfig()
	if err != nil {
		d.failed("config", err)
		return
	}
	st, err := d.app.prepareWith(cfg, "") // nothing is kept: a doctor changes nothing
	if err != nil {
		d.failed("providers", err)
		return
	}
	defer st.Close()
	if st.config.File == "" {
		d.ok("config", "no file; defaults and environment")
	} else {
		d.ok("config", "%s", st.config.File)
	}
	d.state(ctx, st)
	d.tokens(ctx, st)
	for _, spec := range st.sources.specs {
		d.provider(ctx, st, spec)
	}
	if len(st.sources.specs) == 0 {
		d.warn("providers", "install a provider beside this program", "none is installed")
	}
	if catalog, err := st.sources.merge(); err != nil {
		d.failed("sources", err)
	} else {
		d.sources(ctx, st, catalog)
		d.plan(ctx, st, catalog)
	}
	d.line.Set("examining the hooks")
	for _, h := range d.app.hooksOf(st.config) {
		d.hook(ctx, h)
	}
	d.callback(ctx, st.config.Callback.Listen)
	d.browser()
}

// sources looks whether what the config says of sources can be read.
func (d *examination) sources(ctx context.Context, st *state, catalog *source.Catalog) {
	for _, c := range st.config.Sources {
		s, err := catalog.Find(c.ID)
		if err != nil {
			continue // its provider could not be asked, which is told already
		}
		check := "source " + c.ID
		d.line.Set("examining " + check)
		if _, err := s.Resolve(ctx, d.app.Environ()); err != nil {
			d.failed(check, err)
			continue
		}
		d.ok(check, "its settings can be read")
	}
}

// plan looks whether the plan of the config can be carried out.
func (d *examination) plan(ctx context.Context, st *state, catalog *source.Catalog) {
	if st.config.Plan == nil {
		return
	}
	d.line.Set("examining the plan")
	if err := catalog.CheckPlan(st.config.Plan); err != nil {
		d.failed("plan", err)
		return
	}
	actions, err := st.planned(ctx, "")
	if err != nil {
		d.failed("plan", err)
		return
	}
	d.ok("plan", "%d actions, and their answers can be read", len(actions))
}

// callback looks whether the address can be listened at that browsers come back to.
func (d *examination) callback(ctx context.Context, address string) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		d.failed("callback", problem.New(codeCallback, "browsers cannot come back to %s", address).Because(err).
			Hint("free the address, or choose another port with callback.listen; an open that runs now may hold it"))
		return
	}
	_ = listener.Close()
	d.ok("callback", "browsers can come back to %s", address)
}

// browser looks whether BROWSER names a program, where it is set.
func (d *examination) browser() {
	argv := strings.Fields(commandOf(d.app.env("BROWSER")))
	if len(argv) == 0 {
		return
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		d.warn("browser", "correct BROWSER, or leave it out", "BROWSER names no program that can be run")
		return
	}
	d.ok("browser", "the program of BROWSER is there")
}

func (d *examination) state(ctx context.Context, st *state) {
	o := d.app.storeOptions(st.config)
	o.ReadOnly = true
	s, err := sqlite.Open(ctx, o)
	if err != nil {
		if problem.Is(err, sqlite.CodeMissing) {
			d.ok("state", "none yet; the first command that needs one makes it")
			return
		}
		d.failed("state", err)
		return
	}
	defer s.Close()
	if err := s.Check(ctx); err != nil {
		d.failed("state", err)
		return
	}
	d.ok("state", "%s is sound and its key fits", st.config.StateDir)
	if names := sqlite.Exposed(st.config.StateDir); len(names) > 0 {
		d.warn("state", "any command that opens the state takes them back", "others have permissions on: %s", strings.Join(names, ", "))
	}
	d.deliveries(ctx, s)
	d.disabledHooks(ctx, s, d.app.hooksOf(st.config))
}

func (d *examination) deliveries(ctx context.Context, s *sqlite.Store) {
	dead := 0
	err := s.View(ctx, func(tx store.Tx) error {
		counts, err := tx.CountDeliveries(store.DeliveryFilter{State: store.DeliveryDead})
		dead = 0
		for _, c := range counts {
			dead += c.N
		}
		return err
	})
	switch {
	case err != nil:
		d.failed("deliveries", err)
	case dead > 0:
		d.warn("deliveries", "see: humanconnect delivery list --state dead", "%d are dead", dead)
	default:
		d.ok("deliveries", "none is dead")
	}
}

// disabledHooks notes them for their own checks.
func (d *examination) disabledHooks(ctx context.Context, s *sqlite.Store, hooks []hook.Hook) {
	err := s.View(ctx, func(tx store.Tx) error {
		for _, h := range hooks {
			row, disabled, err := hook.FindDisabled(tx, s.MAC, h)
			if err != nil {
				return err
			}
			if disabled {
				d.disabled[h.Name] = row
			}
		}
		return nil
	})
	if err != nil {
		d.failed("hooks", err)
	}
}

func (d *examination) provider(ctx context.Context, st *state, spec plugins.Spec) {
	check := "provider " + spec.Name
	d.line.Set("examining " + check)
	said, err := st.sources.host.Describe(ctx, spec.Name)
	if err != nil {
		d.failed(check, err)
		return
	}
	st.sources.keep(spec.Name, said, nil)
	d.ok(check, "%s, %d sources, pinned by: %s", said.Version, len(said.Sources), pinText(spec))
	if interprets(spec.Path()) {
		d.warn(check, "make the script itself the executable, with a #! line", "the pin covers an interpreter, not what it runs")
	}
}

// interprets says whether an executable is one that runs other files, so that a pin of it pins nothing.
func interprets(path string) bool {
	name := strings.TrimRight(filepath.Base(path), "0123456789.")
	return slices.Contains([]string{"sh", "bash", "dash", "zsh", "python", "node", "ruby", "perl", "java", "env", "deno", "bun", "php"}, name)
}

func (d *examination) hook(ctx context.Context, h hook.Hook) {
	check := "hook " + h.Name
	switch h.Kind() {
	case hook.KindShell:
		d.ok(check, "a line for sh")
		return
	case hook.KindHTTP:
		d.url(ctx, check, h)
		return
	}
	if _, err := exec.LookPath(h.Command[0]); err != nil {
		d.warn(check, "correct command: in the config file", "its command cannot be run")
		return
	}
	d.ok(check, "its command is there")
}

// url looks at the secret; nothing is sent.
func (d *examination) url(ctx context.Context, check string, h hook.Hook) {
	if err := h.CheckSecret(ctx); err != nil {
		d.failed(check, err)
		return
	}
	if row, disabled := d.disabled[h.Name]; disabled {
		d.warn(check, "enable it with: humanconnect hook enable "+h.Name, "%s; disabled since %s", hook.At(h.Origin(), row.Error), event.Time(row.At))
		return
	}
	d.ok(check, "%s, and its secret is there; try it with: humanconnect hook test %s", h.Origin(), h.Name)
}
