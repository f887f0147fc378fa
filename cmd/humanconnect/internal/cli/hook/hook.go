// Package hook has the commands that list, test and enable hooks, and show the signing secret.
package hook

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// New returns the command hook.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "hook",
		Short:   "List, test and enable hooks",
		Long:    "List the hooks of the config file, test one, and enable one that was disabled.",
		Example: "  humanconnect hook list",
	})
	c.AddCommand(newList(a), newTest(a), newEnable(a), newSecret(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a hook as it is listed. A URL is shown by scheme and host only.
type row struct {
	Kind string `json:"kind"`
	// ID is its name in the config.
	ID       string     `json:"id"`
	Type     hook.Kind  `json:"type"`
	On       []event.On `json:"on"`
	Required bool       `json:"required"`
	// Origin is scheme and host of a URL.
	Origin *string `json:"origin"`
	// Concurrency is how many tries one process runs at once.
	Concurrency int `json:"concurrency"`
	// Pending and Dead are how many deliveries to it are. 10000 stands for as many or more.
	Pending    int         `json:"pending"`
	Dead       int         `json:"dead"`
	DisabledAt *event.Time `json:"disabledAt"`
	// Error is why it is disabled.
	Error *string `json:"error"`
	// ResumesAt is when a hook is tried again that did not answer.
	ResumesAt *event.Time `json:"resumesAt"`
}

// The kinds of what the commands print.
const (
	kind       = "hook"
	kindTest   = "hook.test"
	kindEnable = "hook.enable"
	kindSecret = "hook.secret"
)

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "hook list", Sample: []row{{Kind: kind}}},
		{Command: "hook test", Sample: testResult{Kind: kindTest}},
		{Command: "hook enable", Sample: enabled{Kind: kindEnable}},
		{Command: "hook secret show", Sample: shownSecret{Kind: kindSecret}},
	}
}

func newList(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the hooks of the config file",
		Long:    "List the hooks of the config file, with their numbers of pending and dead deliveries.",
		Example: "  humanconnect hook list -o json",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return list(a, c) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}

func list(a *app.App, c *cobra.Command) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	views, err := query.Hooks(c.Context(), st.Store, st.Store.MAC, st.Hooks)
	if err != nil {
		return err
	}
	for _, l := range views.NotConfigured {
		a.IO.Warn("hook %s is not in the config and has pending deliveries (%s); see: humanconnect delivery list --hook %s", l.Hook, query.Number(l.N), l.Hook)
	}
	var rows []row
	for _, v := range views.Hooks {
		rows = append(rows, rowOf(v))
	}
	if err := command.PrintList(a.IO, rows, []string{"HOOK", "TYPE", "ON", "REQUIRED", "PENDING", "DEAD", "STATE"}, row.cells); err != nil {
		return err
	}
	command.SayIfNone(a.IO, len(rows), "hooks in the config")
	return nil
}

func rowOf(v query.HookView) row {
	h := v.Hook
	r := row{
		Kind: kind, ID: h.Name, Type: h.Kind(), On: iostreams.OrEmpty(h.On), Required: h.Required, Concurrency: h.TriesAtOnce(), Origin: iostreams.OrNull(h.Origin()),
		Pending: v.Pending, Dead: v.Dead, ResumesAt: event.MaybeTime(v.PausedUntil),
	}
	if v.Disabled != nil {
		r.DisabledAt, r.Error = event.MaybeTime(v.Disabled.At), iostreams.OrNull(v.Disabled.Error)
	}
	return r
}

func (r row) cells() []string {
	on := make([]string, len(r.On))
	for i, o := range r.On {
		on[i] = string(o)
	}
	required, state := "no", "enabled"
	if r.Required {
		required = "yes"
	}
	if r.ResumesAt != nil {
		state = "does not answer: next try at " + r.ResumesAt.String()
	}
	if r.DisabledAt != nil {
		state = "disabled: " + command.Text(r.Error)
	}
	return []string{r.ID, string(r.Type), strings.Join(on, ","), required, query.Number(r.Pending), query.Number(r.Dead), state}
}

func newTest(a *app.App) *cobra.Command {
	var typ string
	c := &cobra.Command{
		Use:   "test NAME",
		Short: "Send a test event to a hook",
		Long: `Send an event to a hook of the config file once, in the same way as a real event, and print the
result. It has the whole shape of a real one, made-up values, and "test": true. Nothing is stored.`,
		Example:           "  humanconnect hook test journal\n  humanconnect hook test journal --type source.connected",
		Args:              command.ExactArgs("NAME"),
		ValidArgsFunction: command.Hooks(a),
		RunE:              func(c *cobra.Command, args []string) error { return test(a, c, args[0], event.Type(typ)) },
	}
	types := make([]string, len(event.Types))
	for i, t := range event.Types {
		types[i] = string(t)
	}
	c.Flags().Var(&command.Choice{Value: &typ, Of: types}, "type", "type of the event; default: that of the first moment in on")
	return command.Exits(c, exit.OK, exit.Error, exit.Usage, exit.Config, exit.NotFound)
}

// testResult is the result of a test.
type testResult struct {
	Kind string `json:"kind"`
	// ID is that of the hook.
	ID        string     `json:"id"`
	EventID   id.Event   `json:"eventId"`
	EventType event.Type `json:"eventType"`
	// Milliseconds that the hook took.
	Milliseconds int64 `json:"milliseconds"`
	// Output has the lines that the hook printed.
	Output []string `json:"output"`
}

func test(a *app.App, c *cobra.Command, name string, typ event.Type) error {
	cfg, err := a.LoadConfig()
	if err != nil {
		return err
	}
	hooks := a.Hooks(cfg)
	at := slices.IndexFunc(hooks, func(h hook.Hook) bool { return h.Name == name })
	if at < 0 {
		return unknown(hooks, name)
	}
	if typ == "" {
		typ = hooks[at].On[0].Type() // the config allows none without
	}
	waiting := a.IO.StartProgress("delivering the test event")
	began := a.Clock.Now()
	sent, outcome := hook.Probe(c.Context(), a.Sender(nil), hooks[at], typ, began)
	waiting.Done()
	if outcome.Verdict == hook.Interrupted {
		return context.Cause(c.Context())
	}
	r := testResult{
		Kind: kindTest, ID: name, EventID: sent, EventType: typ, Milliseconds: a.Clock.Now().Sub(began).Milliseconds(),
		Output: iostreams.OrEmpty(outcome.Lines()),
	}
	if outcome.Verdict != hook.Accepted {
		p := problem.New(exit.CodeHookNotAccepted, "the hook %s did not accept the event: %s", name, hook.At(hooks[at].Origin(), outcome.Error)).
			Hint("fix its command or its endpoint, then retry: humanconnect hook test %s", name)
		return p.WithFacts(a.LastLines(r.Output)...)
	}
	return a.IO.Print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "the hook %s accepted the event %s in %d ms\n", r.ID, r.EventID, r.Milliseconds)
		return err
	})
}

func newEnable(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "enable NAME",
		Short: "Enable a hook that was disabled",
		Long: `Enable a hook that was disabled because its endpoint answered HTTP 410 Gone. Later events are
delivered to it again; dead deliveries stay dead. An enabled hook is left as it is.`,
		Example:           "  humanconnect hook enable journal",
		Args:              command.ExactArgs("NAME"),
		ValidArgsFunction: command.Hooks(a),
		RunE:              func(c *cobra.Command, args []string) error { return enable(a, c, args[0]) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Store)
}

// enabled is what hook enable did.
type enabled struct {
	Kind string `json:"kind"`
	// ID is that of the hook.
	ID          string `json:"id"`
	WasDisabled bool   `json:"wasDisabled"`
}

func enable(a *app.App, c *cobra.Command, name string) error {
	st, err := a.Open(c.Context(), app.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	r := enabled{Kind: kindEnable, ID: name}
	r.WasDisabled, err = hook.Enable(c.Context(), st.Store, name, st.Hooks)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(st.Hooks, func(h hook.Hook) bool { return h.Name == name })
	if !known && !r.WasDisabled {
		return unknown(st.Hooks, name)
	}
	return a.IO.Print(r, func(w io.Writer) error {
		text := "the hook %s is already enabled\n"
		if r.WasDisabled {
			text = "the hook %s is enabled\n"
		}
		_, err := fmt.Fprintf(w, text, r.ID)
		return err
	})
}

func unknown(hooks []hook.Hook, name string) error {
	var names []string
	for _, h := range hooks {
		names = append(names, h.Name)
	}
	p := problem.New(exit.CodeHookUnknown, "hook %q is not in the config file", name)
	if near := problem.Nearest(name, names); near != "" {
		p = p.Hint("did you mean %s?", near)
	}
	return p.Hint("see: humanconnect hook list")
}
