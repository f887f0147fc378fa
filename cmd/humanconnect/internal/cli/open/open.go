// Package open has the command that runs a connect session: what it reads, who is asked, and what it prints.
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

A token opens one session, ever. While the session is open, the same command goes on where
it was stopped, whatever stopped it; once it is closed, the same command prints the stored
response again and ends with the stored exit code. So a script may be retried at any time.

What to do is given by --connect and --disconnect in their order, else by --plan, else by
plan: in the config file. Neighbouring connects run at once; a disconnect waits for all
before it and is waited for. Where nothing says what to do, a person is asked on the
terminal; standard input and output stay free. Esc goes back there, Ctrl-C closes the session.

A source that needs a browser is opened with BROWSER, if that is set, or shown with
--no-browser; then the address that the browser ends at may be pasted. Otherwise such a source
fails with interaction_required.

Pass the token by file, by standard input or by environment: a token on the command line is
seen by other users of the machine.`,
		Example: `  humanconnect open --token @token.txt
  humanconnect open --token @token.txt --connect sandbox-instant
  humanconnect open --token @token.txt --connect sandbox-clinic --answer sandbox-clinic.username=demouser --answer sandbox-clinic.password=password
  humanconnect open --token @token.txt --plan plan.yaml --on-close 'cat >> sessions.ndjson'`,
		Args: command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error { return run(a, c, o) },
	}
	f := c.Flags()
	f.StringVar(&o.token, "token", "", "session token: `VALUE`, @FILE, or - for standard input")
	f.StringVar(&o.clientID, "client-id", "", "client `ID` that the token must be of")
	f.StringVar(&o.clientUserID, "client-user-id", "", "user `ID`, or @FILE, that the token must be of")
	f.Var(&actionFlag{into: &o.actions, kind: store.ActionConnect}, "connect", "connect `SOURCE`, or renew a CONNECTION; repeatable")
	f.Var(&actionFlag{into: &o.actions, kind: store.ActionDisconnect}, "disconnect", "disconnect `SOURCE`, all its connections, or one CONNECTION; repeatable")
	f.StringArrayVar(&o.answers, "answer", nil, "answer to a form, before one of a plan: `SOURCE.FIELD=VALUE`, or =@FILE; repeatable")
	f.StringVar(&o.plan, "plan", "", "`FILE` with what to do")
	addHookFlags(f, &o.hooks)
	f.BoolVar(&o.noHooks, "no-hooks", false, "drop the hooks of the config file")
	f.DurationVar(&o.hookWait, "hook-wait", defaultHookWait, "how long to wait for the hooks in the end")
	f.BoolVar(&o.takeOver, "take-over", false, "take the session over from another process")
	f.BoolVar(&o.noBrowser, "no-browser", false, "show addresses instead of opening them, and take the redirect pasted")
	f.DurationVar(&o.timeout, "timeout", 0, "limit of the whole call; 0 means none")
	addTerminalFlags(c, &o)
	for _, name := range []string{"connect", "disconnect"} {
		_ = c.RegisterFlagCompletionFunc(name, command.Sources(a))
	}
	return command.Exits(c, exit.OK, exit.Failures, exit.Token, exit.Usage, exit.Config, exit.NotFound, exit.InUse, exit.Provider,
		exit.Timeout, exit.Hook, exit.Network, exit.Store, exit.Hangup, exit.Interrupted, exit.Terminated)
}

// errTimeLimit is the cause of a context that --timeout ended.
var errTimeLimit error = timeLimit{problem.New(problem.CodeTimeout, "the time limit is over").Hint("give more with --timeout")}

type timeLimit struct{ error }

func (t timeLimit) Unwrap() error { return t.error }

// Cut says to the engine what cut the session.
func (timeLimit) Cut() session.Cut { return session.CutTimeLimit }

// run runs the session; see the command's help for what it promises.
func run(a *app.App, c *cobra.Command, o options) error {
	ctx := c.Context()
	if err := o.check(c); err != nil {
		return err
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
	call := call{a: a, inst: inst, options: o, request: req}
	t, err := call.askOn(c)
	if err != nil {
		return call.printStored(ctx, err)
	}
	defer t.Close()
	inst.Warm(ctx, req.Script)
	return call.run(ctx, t)
}

// call is one run of the command.
type call struct {
	a       *app.App
	inst    *app.Installation
	options options
	request session.OpenRequest

	st  *app.State
	web *browser.Browser
}

// run opens the session, lets a script or a person act, and prints the response.
func (c *call) run(ctx context.Context, t *tty) error {
	var err error
	if c.st, err = c.inst.Open(ctx, app.Options{NoHooks: c.options.noHooks}); err != nil {
		return causeOf(ctx, err)
	}
	defer c.st.Close()
	c.web = browser.New(browser.Options{
		App: c.a, Engine: c.st.Engine, Callback: c.inst.Config.Callback, Screens: t != nil, Terminal: c.options.ui == uiTerminal,
		NoBrowser: c.options.noBrowser,
	})
	defer c.web.Close()
	c.request.FrontEnd.Browser, c.request.Redirects = c.web != nil, c.web.Redirects()
	opening, err := c.open(ctx)
	if err != nil {
		return causeOf(ctx, err)
	}
	work := c.st.StartBackground(scopeOf(opening))
	defer work.Stop()
	final := opening.Final
	if final == nil {
		act := func(ctx context.Context) error { return c.runScript(ctx, opening.Session) }
		if t != nil {
			act = func(ctx context.Context) error { return c.ask(ctx, opening.Session, t) }
		}
		if final, err = c.drive(ctx, opening.Session, act); err != nil {
			return err
		}
		if t != nil {
			c.saySummary(final)
		}
	}
	if final.OtherScript {
		c.a.IO.Warn("the session is closed and had worked through another list of actions; this is its response")
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

// runScript lets a script act.
func (c *call) runScript(ctx context.Context, s *session.Session) error {
	line := c.a.IO.StartProgress(doing(c.request.Script))
	defer line.Done()
	p := session.Person{Show: c.showCode}
	if c.web != nil {
		c.web.ShowProgress(line)
		p.Browser = c.web
	}
	return s.Run(ctx, c.request.Script, p)
}

// doing tells in a few words what a script does.
func doing(script session.Script) string {
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
	if len(targets) > maxDoing {
		what = fmt.Sprintf("%d sources", len(targets))
	}
	return strings.Join(verbs, " and ") + " " + what
}

// maxDoing is how many targets are named in one line.
const maxDoing = 2

// check refuses flags that make no sense. An empty id is none: a script whose variable is not set means some user, and
// would get whoever's session the token opens.
func (o options) check(c *cobra.Command) error {
	if o.timeout < 0 || o.hookWait < 0 {
		return command.Usage(c, "a time limit is not negative")
	}
	for _, name := range []string{"client-id", "client-user-id"} {
		if f := c.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return command.Usage(c, "--%s is empty", name)
		}
	}
	return nil
}

// printStored prints the response of a session that is closed already, for which nobody need be asked; else it ends with
// refused.
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
	return c.printFinal(ctx, final)
}

// drive lets a script or a person act, and reports a credential that is lost, whatever else ends the call.
func (c *call) drive(ctx context.Context, s *session.Session, act func(context.Context) error) (*session.Final, error) {
	final, err := s.Drive(ctx, act)
	hangup := errors.Is(err, session.ErrFrontEndLost)
	if errors.Is(err, session.ErrCredentialLost) && (final != nil || hangup || ctx.Err() != nil) {
		c.a.IO.Report(session.ErrCredentialLost)
	}
	switch {
	case hangup:
		return nil, exit.With(exit.Hangup)
	case final != nil:
		return final, nil
	}
	return nil, exit.Outranked(exit.OfCut(session.CutOf(ctx)), err)
}

// causeOf prefers why a context ended to what its end looked like.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// showCode shows a person a code to type elsewhere. --quiet does not hide it: nothing goes on without it.
func (c *call) showCode(src source.Source, code sdk.ShowCode) {
	c.a.IO.Say("%s: open %s and type %s", iostreams.Clean(src.Name), browser.CleanURL(code.VerificationURI), iostreams.Clean(code.UserCode))
	if whole := code.VerificationURIComplete; whole != "" && whole != code.VerificationURI {
		c.a.IO.Say("or open %s, which has the code in it", browser.CleanURL(whole))
	}
}
