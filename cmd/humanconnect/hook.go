package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

func newHook(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "hook",
		Short:   "Look at hooks and try them out",
		Long:    "Look at the hooks of the config file, try one out, and enable one that was disabled.",
		Example: "  humanconnect hook list",
	})
	c.AddCommand(newHookList(app), newHookTest(app), newHookEnable(app), newHookSecret(app))
	return exits(c, exitOK, exitUsage)
}

// hookRow is a hook as it is listed. Of a URL only scheme and host are shown.
type hookRow struct {
	Name     string      `json:"name"`
	Kind     hook.Kind   `json:"kind"`
	On       []event.On  `json:"on"`
	Required bool        `json:"required"`
	Origin   string      `json:"origin,omitempty"`
	Pending  int         `json:"pending"`
	Dead     int         `json:"dead"`
	Disabled *event.Time `json:"disabledAt,omitempty"`
	Error    string      `json:"error,omitempty"`
}

func newHookList(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the hooks of the config file",
		Long:    "List the hooks of the config file, with how many of their deliveries are pending and dead.",
		Example: "  humanconnect hook list -o json",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.hookList(c) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
}

func (a *App) hookList(c *cobra.Command) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	rows := []hookRow{}
	var left []store.DeliveryCount
	err = st.store.View(c.Context(), func(tx store.Tx) error {
		counts, err := countsOf(tx)
		if err != nil {
			return err
		}
		rows, left = rows[:0], st.pendingElsewhere(counts)
		for _, h := range st.hooks {
			r, err := st.hookRow(tx, h, counts)
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range left {
		a.warn("%d deliveries are pending to the hook %s, which the config does not name; see: humanconnect delivery list --hook %s", l.N, l.Hook, l.Hook)
	}
	return a.print(rows, func(w io.Writer) error {
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, r.cells())
		}
		return writeTable(w, []string{"HOOK", "KIND", "ON", "REQUIRED", "PENDING", "DEAD", "STATE"}, cells)
	})
}

// countsOf counts the deliveries that are not delivered.
func countsOf(tx store.Tx) ([]store.DeliveryCount, error) {
	pending, err := tx.CountDeliveries(store.DeliveryFilter{State: store.DeliveryPending})
	if err != nil {
		return nil, err
	}
	dead, err := tx.CountDeliveries(store.DeliveryFilter{State: store.DeliveryDead})
	return slices.Concat(pending, dead), err
}

// pendingElsewhere are the counts of pending deliveries to hooks that the config named once.
func (st *state) pendingElsewhere(counts []store.DeliveryCount) []store.DeliveryCount {
	var left []store.DeliveryCount
	for _, c := range counts {
		known := slices.ContainsFunc(st.hooks, func(h hook.Hook) bool { return h.Name == c.Hook })
		if c.State == store.DeliveryPending && !known && !hook.IsGiven(c.Hook) {
			left = append(left, c)
		}
	}
	return left
}

func (st *state) hookRow(tx store.Tx, h hook.Hook, counts []store.DeliveryCount) (hookRow, error) {
	r := hookRow{Name: h.Name, Kind: h.Kind(), On: h.On, Required: h.Required, Origin: h.Origin()}
	for _, c := range counts {
		switch {
		case c.Hook != h.Name:
		case c.State == store.DeliveryPending:
			r.Pending = c.N
		default:
			r.Dead = c.N
		}
	}
	row, disabled, err := hook.FindDisabled(tx, st.store.MAC, h)
	if disabled {
		at := event.Time(row.At)
		r.Disabled, r.Error = &at, row.Error
	}
	return r, err
}

func (r hookRow) cells() []string {
	on := make([]string, len(r.On))
	for i, o := range r.On {
		on[i] = string(o)
	}
	required, state := "no", "enabled"
	if r.Required {
		required = "yes"
	}
	if r.Disabled != nil {
		state = "disabled: " + r.Error
	}
	return []string{r.Name, string(r.Kind), strings.Join(on, ","), required, strconv.Itoa(r.Pending), strconv.Itoa(r.Dead), state}
}

func newHookTest(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "test NAME",
		Short: "Send a test event to a hook",
		Long: `Send an event of type hook.test to a hook of the config file, once, in the way in which it
gets real ones, and say what came of it. Nothing of it is stored.`,
		Example:           "  humanconnect hook test journal",
		Args:              exactArgs("NAME"),
		ValidArgsFunction: app.completeHooks,
		RunE:              func(c *cobra.Command, args []string) error { return app.hookTest(c, args[0]) },
	}
	return exits(c, exitOK, exitError, exitUsage, exitConfig, exitNotFound)
}

// tested is what came of a test.
type tested struct {
	Hook    string   `json:"hook"`
	EventID id.Event `json:"eventId"`
	Took    int64    `json:"milliseconds"`
	Output  []string `json:"output,omitempty"`
}

func (a *App) hookTest(c *cobra.Command, name string) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	hooks := a.hooksOf(cfg)
	at := slices.IndexFunc(hooks, func(h hook.Hook) bool { return h.Name == name })
	if at < 0 {
		return hookUnknown(hooks, name)
	}
	waiting := a.startProgress("telling the hook")
	began := a.Clock.Now()
	sent, came := hook.Probe(c.Context(), a.sender(nil), hooks[at], began)
	waiting.Done()
	if came.Verdict == hook.Interrupted {
		return causeOf(c.Context(), context.Canceled)
	}
	r := tested{Hook: name, EventID: sent, Took: a.Clock.Now().Sub(began).Milliseconds(), Output: came.Lines()}
	if came.Verdict != hook.Accepted {
		p := problem.New("hook_not_accepted", "the hook %s did not accept the event: %s", name, hook.At(hooks[at].Origin(), came.Error)).
			Hint("mend what it runs or whom it tells, and try again: humanconnect hook test %s", name)
		p.Facts = a.lastLines(r.Output)
		return p
	}
	return a.print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "the hook %s accepted the event %s in %d ms\n", r.Hook, r.EventID, r.Took)
		return err
	})
}

func newHookEnable(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "enable NAME",
		Short: "Enable a hook that was disabled",
		Long: `Enable a hook that was disabled because its receiver answered 410 Gone. Later events are told
to it again; deliveries that are dead stay dead. A hook that is enabled stays so.`,
		Example:           "  humanconnect hook enable journal",
		Args:              exactArgs("NAME"),
		ValidArgsFunction: app.completeHooks,
		RunE:              func(c *cobra.Command, args []string) error { return app.hookEnable(c, args[0]) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider, exitStore)
}

// enabled is what hook enable did.
type enabled struct {
	Hook        string `json:"hook"`
	WasDisabled bool   `json:"wasDisabled"`
}

func (a *App) hookEnable(c *cobra.Command, name string) error {
	st, err := a.openState(c.Context(), stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	r := enabled{Hook: name}
	err = st.store.Update(c.Context(), func(tx store.Tx) (err error) {
		r.WasDisabled, err = hook.Enable(tx, name)
		return err
	})
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(st.hooks, func(h hook.Hook) bool { return h.Name == name })
	if !known && !r.WasDisabled {
		return hookUnknown(st.hooks, name)
	}
	return a.print(r, func(w io.Writer) error {
		text := "the hook %s was enabled already\n"
		if r.WasDisabled {
			text = "the hook %s is enabled\n"
		}
		_, err := fmt.Fprintf(w, text, r.Hook)
		return err
	})
}

func hookUnknown(hooks []hook.Hook, name string) error {
	var names []string
	for _, h := range hooks {
		names = append(names, h.Name)
	}
	p := problem.New("hook_unknown", "the config file names no hook %q", name)
	if near := problem.Nearest(name, names); near != "" {
		p.Hint("did you mean %s?", near)
	}
	return p.Hint("see: humanconnect hook list")
}

// completeHooks completes names of hooks of the config.
func (a *App) completeHooks(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if err := a.beQuiet(c); err != nil {
		return nil, completed
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, completed
	}
	var out []string
	for _, h := range cfg.Hooks {
		out = append(out, h.Name)
	}
	return out, completed
}

// hooksOf are the hooks of the config as the outbox knows them.
func (a *App) hooksOf(cfg *config.Config) []hook.Hook {
	var out []hook.Hook
	for _, h := range cfg.Hooks {
		out = append(out, hook.Hook{
			Name: h.Name, On: h.On, Shell: h.Shell, Command: h.Command, Timeout: h.Timeout, Required: h.Required, Dir: cfg.Dir,
			URL: h.URL, Secret: a.hookSecret(h.Secret), AllowInsecure: h.AllowInsecure, Proxy: h.Proxy,
		})
	}
	return out
}

// hookSecret reads a secret at each use; nil where there is none.
func (a *App) hookSecret(ref *config.SecretRef) func(context.Context) (sdk.Secret, error) {
	if ref == nil {
		return nil
	}
	return func(ctx context.Context) (sdk.Secret, error) { return ref.Resolve(ctx, a.Environ()) }
}

// sender makes the tries. secret is the state's, for the URLs of flags.
func (a *App) sender(secret func(context.Context) (sdk.Secret, error)) hook.Sender {
	return hook.ByKind{
		Commands: hook.Shell{Environ: a.Env, Clock: a.Clock},
		URLs:     hook.HTTP{Clock: a.Clock, Version: version, Default: secret},
	}
}

// secret is the state's own, for hooks without one.
func (st *state) secret(ctx context.Context) (sdk.Secret, error) {
	return hook.DefaultSecret(ctx, st.store, st.app.Clock.Now().Truncate(time.Millisecond))
}
