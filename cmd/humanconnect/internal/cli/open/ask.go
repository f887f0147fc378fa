package open

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/terminal"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/session"
)

// The values of --ui.
const (
	uiTerminal = "terminal"
	uiNone     = "none"
)

func addTerminalFlags(c *cobra.Command, o *options) {
	f := c.Flags()
	f.Var(&command.Choice{Value: &o.ui, Of: []string{uiTerminal, uiNone}}, "ui", "user interface: terminal or none")
	f.BoolVar(&o.accessible, "accessible", false, "prompt line by line, without screens, for screen readers")
	_ = c.RegisterFlagCompletionFunc("ui", cobra.FixedCompletions([]string{uiTerminal, uiNone}, cobra.ShellCompDirectiveNoFileComp))
}

// prompts is an open terminal, or nil in a scripted call.
type prompts struct {
	*tty.Guarded
	a *app.App
}

// guard makes an open terminal one that is restored when the program is killed by a second signal.
func guard(a *app.App, f tty.File) *prompts {
	t := &prompts{tty.Guard(f), a}
	a.IO.OnStop(func() {
		t.Restore()
		a.IO.ReleaseNotices()
	})
	return t
}

// Close closes the terminal, if there is one.
func (t *prompts) Close() {
	if t != nil {
		t.a.IO.OnStop(nil)
		_ = t.File.Close()
	}
}

// openTerminal opens the terminal to prompt on. Without one, a script runs alone: it returns nil. No actions and no terminal
// is a usage error.
func (c *call) openTerminal(cmd *cobra.Command) (*prompts, error) {
	t, err := c.openPrompts(cmd)
	if len(c.request.Script.Actions) > 0 {
		c.request.Script.Asks = t != nil
		return t, nil
	}
	return t, err
}

func (c *call) openPrompts(cmd *cobra.Command) (*prompts, error) {
	nothing := command.Usage(cmd, "nothing to do").Hint("use --connect SOURCE, --disconnect SOURCE or --plan FILE").
		Hint("list the sources with: humanconnect source list")
	if c.options.ui == uiNone || c.a.NonInteractive() {
		return nil, nothing
	}
	opened, err := c.a.IO.OpenTerminal()
	if err != nil {
		return nil, nothing.Fact("no terminal to prompt on: %s", err)
	}
	f, ok := opened.(tty.File)
	if !ok {
		_ = opened.Close()
		return nil, nothing
	}
	return guard(c.a, f), nil
}

// runTerminal lets a person drive the session on the terminal.
func (c *call) runTerminal(ctx context.Context, s *session.Session, t *prompts) error {
	catalog, err := c.inst.Offered(ctx)
	if err != nil {
		return err
	}
	results, err := query.Results(ctx, c.st.Store, s.ID, c.st.Engine.States())
	if err != nil {
		return err
	}
	plain := c.a.IO.Plain() || c.a.IO.Dumb()
	if !plain {
		c.a.IO.HoldNotices()
		defer c.a.IO.ReleaseNotices()
	}
	return terminal.Run(ctx, terminal.Options{
		Session: terminal.NewSession(s, c.web.ForScreens()), Sources: catalog.All(), Before: earlierResults(results), EndsAt: s.EndsAt,
		Terminal: t.Guarded, Crashed: c.a.IO.Stop,
		Plain: plain, Clock: c.a.Clock, Environ: c.a.IO.TerminalEnviron(c.a.Environ()), Interrupt: c.a.Signals.Interrupt,
		Waiting: func() func() {
			c.a.IO.ReleaseNotices()
			return c.a.IO.StartProgress("waiting for the source").Done
		},
	})
}

// earlierResults are the results of a session that is resumed.
func earlierResults(r event.Response) []terminal.Outcome {
	var done []terminal.Outcome
	for _, c := range r.SessionResults.ConnectedSources {
		done = append(done, terminal.Outcome{Source: c.ID, Name: c.Name, Connected: true})
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		done = append(done, terminal.Outcome{Source: c.ID, Name: c.Name})
	}
	for _, f := range r.Failures {
		done = append(done, terminal.Outcome{Source: f.Source.ID, Name: f.Source.Name, Failed: f.Message})
	}
	return done
}

// saySummary prints the result of the session to the person who drove it or answered for it: nothing else remains of the
// screens on the terminal.
func (c *call) saySummary(final *session.Final) {
	var r event.Response
	if c.a.IO.Flags.Quiet || json.Unmarshal(final.Response, &r) != nil {
		return
	}
	say := func(format string, args ...any) { c.a.IO.Say("%s", iostreams.Clean(fmt.Sprintf(format, args...))) }
	for _, c := range r.SessionResults.ConnectedSources {
		say("%s is connected", c.Name)
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		say("%s is disconnected", c.Name)
	}
	if !c.onScreen && len(r.Failures) > 0 {
		return // the error names them
	}
	for _, f := range r.Failures {
		say("%s could not be %sed: %s [%s]", f.Source.Name, f.Action, f.Message, f.Code)
	}
	if len(r.SessionResults.ConnectedSources)+len(r.SessionResults.DisconnectedSources)+len(r.Failures) == 0 {
		say("nothing was changed")
	}
	say("the session is closed: %s", r.Status)
}
