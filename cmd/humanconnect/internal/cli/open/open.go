// Package open has the command that runs a connect session: its input, its prompts, and its output.
package open

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/browser"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/terminal"
	"github.com/humanconnect/humanconnect/core/background"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// options are the flags of open.
type options struct {
	clientID     string
	clientUserID string
	token        string
	actions      []session.Action
	answers      []string
	plan         string
	hooks        []givenHook
	noHooks      bool
	hookWait     time.Duration
	takeOver     bool
	timeout      time.Duration
	noBrowser    bool
	ui           string
	accessible   bool
}

const defaultHookWait = 30 * time.Second

// New returns the command open.
func New(a *app.App) *cobra.Command {
	o := options{}
	c := &cobra.Command{
		Use:   "open",
		Short: "Run a connect session and print its response",
		Long: `Run a connect session: open it with a session token, connect and disconnect sources, close
it, and print the response. The flags mirror the argument of HumanConnect.open.

A token opens only one session. While the session is open, the same command resumes it after
any interruption. Once it is closed, the same command prints the stored response again and
exits with the stored exit code. So a script can safely retry.

The actions are those of --connect and --disconnect in their order, else of --plan, else of
plan: in the config file. Adjacent connects run concurrently; a disconnect waits for all
actions before it, and the next action waits for it. At a terminal, the user is asked for
answers that are missing. Without actions, the user is prompted on the terminal; standard input
and output stay free. Esc goes back, Ctrl-C closes the session.

For a source that needs a browser, the command in BROWSER opens the URL, at a terminal also that
of the desktop. With --no-browser, or without such a command at a terminal, the URL is printed,
and the redirect URL can be pasted. Otherwise such a source fails with interaction_required.

Pass the token in a file, on standard input or in the environment: other users of the machine
can see the command line.`,
		Example: `  humanconnect open --token @token.txt
  humanconnect open --token @token.txt --connect sandbox-instant
  humanconnect open --token @token.txt --connect sandbox-clinic --answer sandbox-clinic.username=demouser --answer sandbox-clinic.password=password
  humanconnect open --token @token.txt --plan plan.yaml --on-close 'cat >> sessions.ndjson'`,
		Args: command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error { return run(a, c, o) },
	}
	f := c.Flags()
	f.StringVar(&o.token, "token", "", "session token: `VALUE`, @FILE, or - for standard input")
	f.StringVar(&o.clientID, "client-id", "", "expected client `ID` of the token")
	f.StringVar(&o.clientUserID, "client-user-id", "", "expected user `ID` of the token, or @FILE")
	f.Var(&actionFlag{into: &o.actions, kind: store.ActionConnect}, "connect", "connect `SOURCE`, or renew a CONNECTION; repeatable")
	f.Var(&actionFlag{into: &o.actions, kind: store.ActionDisconnect}, "disconnect", "disconnect `SOURCE`, all its connections, or one CONNECTION; repeatable")
	f.StringArrayVar(&o.answers, "answer", nil, "form field value, overrides the plan: `SOURCE.FIELD=VALUE`, or =@FILE; repeatable")
	f.StringVar(&o.plan, "plan", "", "plan `FILE` with the actions")
	addHookFlags(f, &o.hooks)
	f.BoolVar(&o.noHooks, "no-hooks", false, "ignore the hooks of the config file")
	f.DurationVar(&o.hookWait, "hook-wait", defaultHookWait, "how long to wait for hook deliveries before exiting")
	f.BoolVar(&o.takeOver, "take-over", false, "take the session over from another process")
	f.BoolVar(&o.noBrowser, "no-browser", false, "print URLs instead of opening a browser, and accept a pasted redirect URL")
	f.DurationVar(&o.timeout, "timeout", 0, "time limit of the whole call; 0 means none")
	addTerminalFlags(c, &o)
	for _, name := range []string{"connect", "disconnect"} {
		_ = c.RegisterFlagCompletionFunc(name, command.Sources(a))
	}
	return command.Exits(c, exit.OK, exit.Failures, exit.Token, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider,
		exit.Timeout, exit.Hook, exit.Network, exit.Store, exit.Hangup, exit.Interrupted, exit.Terminated)
}

// errTimeLimit is the cause of a context that --timeout ended.
var errTimeLimit error = timeLimit{problem.New(problem.CodeTimeout, "time limit exceeded").Hint("set a longer one with --timeout")}

type timeLimit struct{ error }

func (t timeLimit) Unwrap() error { return t.error }

// Cut tells the engine what interrupted the session.
func (timeLimit) Cut() session.Cut { return session.CutTimeLimit }

// run runs the session; see the command's help for what it promises.
func run(a *app.App, c *cobra.Command, o options) error {
	ctx := c.Context()
	if err := o.check(c); err != nil {
		return err
	}
	if fromStdin := slices.DeleteFunc([]string{o.token, o.plan, a.ConfigPath}, func(v string) bool { return v != config.Stdin }); len(fromStdin) > 1 {
		return command.Usage(c, "standard input (-) can be only one of --token, --plan and --config")
	}
	a.IO.Accessible = o.accessible
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, errTimeLimit)
		defer cancel()
	}
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	req, err := request(ctx, a, c, o, inst)
	if err != nil {
		return causeOf(ctx, err)
	}
	if !o.noHooks {
		if err := inst.RequiredSecrets(ctx); err != nil {
			return causeOf(ctx, err)
		}
	}
	call := call{a: a, inst: inst, options: o, request: req}
	t, err := call.openTerminal(c)
	if err != nil {
		return call.printStored(ctx, err)
	}
	defer t.Close()
	if !inst.Closed().Has(req.Token) {
		if err := call.startProviders(ctx); err != nil {
			return causeOf(ctx, err)
		}
	}
	return call.run(ctx, t)
}

// call is one run of the command.
type call struct {
	a       *app.App
	inst    *app.Installation
	options options
	request session.OpenRequest

	st   *app.State
	web  *browser.Browser
	work *background.Work
	// onScreen: a person saw on the screen what became of each action.
	onScreen bool
	// asked: a person was asked for answers of a script.
	asked bool
}

// startProviders starts those of the script in the background, when it is this process's turn.
func (c *call) startProviders(ctx context.Context) error {
	if len(c.request.Script.Actions) > 0 {
		if err := c.inst.Admit(ctx); err != nil {
			return err
		}
	}
	c.inst.Warm(ctx, c.request.Script)
	return nil
}

// stopWork waits for the background work, which may be amid delivery tries.
func (c *call) stopWork() {
	defer c.a.IO.StartProgress(app.DeliveringToHooks).Done()
	c.work.Stop()
}

// run opens the session, runs a script or the terminal, and prints the response.
func (c *call) run(ctx context.Context, t *prompts) error {
	var err error
	if c.st, err = c.inst.Open(ctx, app.Options{NoHooks: c.options.noHooks}); err != nil {
		return causeOf(ctx, err)
	}
	defer c.st.Close()
	screens := t != nil && len(c.request.Script.Actions) == 0
	c.web = browser.New(browser.Options{
		App: c.a, Engine: c.st.Engine, Callback: c.inst.Config.Callback, Screens: screens, Terminal: t != nil || c.options.ui == uiTerminal,
		NoBrowser: c.options.noBrowser,
	})
	defer c.web.Close()
	c.request.FrontEnd.Browser, c.request.Redirects = c.web != nil, c.web.Redirects()
	opening, err := c.open(ctx)
	if err != nil {
		return causeOf(ctx, err)
	}
	c.work = c.st.StartBackground(scopeOf(opening))
	if c.options.hookWait == 0 {
		c.work.Rest() // a try that it begins, it would have to wait for
	}
	defer c.stopWork()
	final := opening.Final
	if final == nil {
		act := func(ctx context.Context) error { return c.runScript(ctx, opening.Session, t) }
		if screens {
			act = func(ctx context.Context) error { return c.runTerminal(ctx, opening.Session, t) }
		}
		if final, err = c.drive(ctx, opening.Session, act); err != nil {
			return err
		}
		if c.onScreen = screens; screens || c.asked {
			c.saySummary(final)
		}
	}
	if final.Session != "" {
		c.inst.Closed().Add(c.request.Token)
	}
	c.sayStored(final)
	if final.OtherScript {
		c.a.IO.Warn("the session is already closed and had a different list of actions; this is its response")
	}
	if !screens { // a person has seen it on the screen
		c.hintAtSettings(final)
	}
	return c.printFinal(ctx, final)
}

func (c *call) open(ctx context.Context) (session.Opening, error) {
	defer c.a.IO.StartProgress("opening the session").Done()
	opening, err := c.st.Engine.Open(ctx, c.request)
	if opening.Session != nil {
		c.a.IO.Logger().Debug("session opened", "session", opening.Session.ID)
	}
	return opening, err
}

// runScript runs the actions of the script. A person at a terminal is asked for answers that are missing.
func (c *call) runScript(ctx context.Context, s *session.Session, t *prompts) error {
	line := c.a.IO.StartProgress(progressText(c.request.Script))
	defer line.Done()
	p := session.Person{Show: c.showCode}
	if t != nil {
		asker := terminal.Asker{Terminal: t.Guarded, Interrupt: c.a.Signals.Interrupt}
		p.Ask = func(ctx context.Context, src source.Source, form sdk.Form, given map[string]sdk.Secret, again *failure.Failure) (map[string]sdk.Secret, error) {
			defer line.Hide()()
			c.asked = true
			c.a.IO.HoldNotices() // they would be written into the prompt
			defer c.a.IO.ReleaseNotices()
			return asker.Ask(ctx, src, form, given, again)
		}
	}
	if c.web != nil {
		c.web.SetProgress(line)
		p.Browser = c.web
	}
	return s.Run(ctx, c.request.Script, p)
}

// progressText describes a script in a few words.
func progressText(script session.Script) string {
	var verbs, targets []string
	for _, act := range script.Actions {
		verb := map[store.ActionKind]string{store.ActionConnect: "connecting", store.ActionDisconnect: "disconnecting"}[act.Kind]
		if !slices.Contains(verbs, verb) {
			verbs = append(verbs, verb)
		}
		if !slices.Contains(targets, act.Target) {
			targets = append(targets, act.Target)
		}
	}
	what := strings.Join(targets, ", ")
	if len(targets) > maxNamedTargets {
		what = fmt.Sprintf("%d sources", len(targets))
	}
	return strings.Join(verbs, " and ") + " " + what
}

// maxNamedTargets is how many targets a progress line names.
const maxNamedTargets = 2

// check refuses invalid flags. An empty id is refused because it is likely a variable that is not set: the session would
// be that of any user whose token it is.
func (o options) check(c *cobra.Command) error {
	if o.timeout < 0 || o.hookWait < 0 {
		return command.Usage(c, "a time limit must not be negative")
	}
	for _, name := range []string{"client-id", "client-user-id"} {
		if f := c.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return command.Usage(c, "--%s is empty", name)
		}
	}
	if err := command.Plain(c, "--client-id", o.clientID); err != nil {
		return err
	}
	return nil
}

// printStored prints the response of a session that is already closed, which needs no prompt; else it returns refused.
func (c *call) printStored(ctx context.Context, refused error) error {
	if !sqlite.Exists(c.inst.Config.StateDir) {
		return refused
	}
	var err error
	if c.st, err = c.inst.Open(ctx, app.Options{NoHooks: c.options.noHooks}); err != nil {
		return causeOf(ctx, err)
	}
	defer c.st.Close()
	final, err := c.st.Engine.Finished(ctx, c.request)
	if err != nil || final == nil {
		return refused
	}
	c.sayStored(final)
	return c.printFinal(ctx, final)
}

// drive runs a script or the terminal, and reports a lost credential even if the call ends for another reason.
func (c *call) drive(ctx context.Context, s *session.Session, act func(context.Context) error) (*session.Final, error) {
	final, err := s.Drive(ctx, act)
	hangup := errors.Is(err, session.ErrFrontEndLost)
	for _, trouble := range []error{session.ErrCredentialLost, session.ErrCredentialUnknown} {
		if errors.Is(err, trouble) && (final != nil || hangup || ctx.Err() != nil) {
			c.a.IO.Report(trouble)
		}
	}
	switch {
	case hangup:
		return nil, exit.With(exit.Hangup)
	case final != nil:
		return final, nil
	}
	return nil, exit.Outranked(exit.OfCut(session.CutOf(ctx)), err)
}

// causeOf returns the cause of a context that ended, else err.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// showCode prints a user code to enter elsewhere. --quiet does not hide it: the flow cannot continue without it.
func (c *call) showCode(src source.Source, code sdk.ShowCode) {
	c.a.IO.Say("%s: open %s and enter %s", iostreams.Clean(src.Name), browser.CleanURL(code.VerificationURI), iostreams.Clean(code.UserCode))
	if whole := code.VerificationURIComplete; whole != "" && whole != code.VerificationURI {
		c.a.IO.Say("or open %s, which includes the code", browser.CleanURL(whole))
	}
}
