package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/plugins"
)

// finding is what doctor says of one thing.
type finding struct {
	Check string `json:"check"`
	// State is "ok", "warning" or "failed".
	State   string   `json:"state"`
	Message string   `json:"message"`
	Code    string   `json:"code,omitempty"`
	Hints   []string `json:"hints"`
	exit    int
}

func newDoctor(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, change nothing",
		Long: `Check the config, the state and its key, the service that has the session tokens, every
provider, and the hooks, and say what is wrong and what to do. It changes nothing. It ends
with 0 if nothing has failed, else with the exit code of the first thing that has.`,
		Example: "  humanconnect doctor\n  humanconnect doctor -o json",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.doctor(c.Context()) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitNetwork, exitStore)
}

func (a *App) doctor(ctx context.Context) error {
	d := &examination{app: a, findings: []finding{}}
	d.examine(ctx)
	err := a.print(map[string]any{"checks": d.findings}, func(w io.Writer) error {
		for _, f := range d.findings {
			if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.State, f.Check, clean(f.Message)); err != nil {
				return err
			}
			for _, h := range f.Hints {
				if _, err := fmt.Fprintf(w, "         hint: %s\n", clean(h)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
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
	if _, err := st.sources.merge(); err != nil {
		d.failed("sources", err)
	}
	for _, h := range d.app.hooksOf(st.config) {
		d.hook(ctx, h)
	}
}

func (d *examination) state(ctx context.Context, st *state) {
	o := sqlite.Options{Dir: st.config.StateDir, ReadOnly: true}
	if st.config.Store.Key != nil {
		o.Key = d.app.masterKey(st.config.Store.Key)
	}
	s, err := sqlite.Open(ctx, o)
	if err != nil {
		if missing := (*sqlite.Error)(nil); errors.As(err, &missing) && missing.Code() == sqlite.CodeMissing {
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
}

func (d *examination) deliveries(ctx context.Context, s *sqlite.Store) {
	var dead []store.Delivery
	err := s.View(ctx, func(tx store.Tx) (err error) {
		dead, err = tx.Deliveries(store.DeliveryFilter{State: store.DeliveryDead})
		return err
	})
	switch {
	case err != nil:
		d.failed("deliveries", err)
	case len(dead) > 0:
		d.warn("deliveries", "see: humanconnect delivery list --state dead", "%d are dead", len(dead))
	default:
		d.ok("deliveries", "none is dead")
	}
}

func (d *examination) provider(ctx context.Context, st *state, spec plugins.Spec) {
	check := "provider " + spec.Name
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
	d.ok(check, "%s, and its secret is there; try it with: humanconnect hook test %s", endpoint.Origin(h.URL), h.Name)
}
