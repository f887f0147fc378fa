package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/sdk"
)

// openOptions are the flags of open.
type openOptions struct {
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

func newOpen(app *App) *cobra.Command {
	o := openOptions{}
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
		Args: upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error { return app.open(c, o) },
	}
	f := c.Flags()
	f.StringVar(&o.token, "token", "", "session token: `VALUE`, @FILE, or - for standard input")
	f.StringVar(&o.clientID, "client-id", "", "client `ID` that the token must be of")
	f.StringVar(&o.clientUserID, "client-user-id", "", "user `ID`, or @FILE, that the token must be of")
	f.Var(&actionFlag{into: &o.actions, kind: actionConnect}, "connect", "connect `SOURCE`, or renew a CONNECTION; repeatable")
	f.Var(&actionFlag{into: &o.actions, kind: actionDisconnect}, "disconnect", "disconnect `SOURCE`, all its connections, or one CONNECTION; repeatable")
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
		_ = c.RegisterFlagCompletionFunc(name, app.completeSources)
	}
	return exits(c, exitOK, exitFailures, exitToken, exitUsage, exitConfig, exitNotFound, exitInUse, exitProvider,
		exitTimeout, exitHook, exitNetwork, exitStore, exitHangup, exitInterrupted, exitTerminated)
}

// errTimeLimit is the cause of a context that --timeout ended.
var errTimeLimit error = timeLimit{problem.New("timeout", "the time limit is over").Hint("give more with --timeout")}

type timeLimit struct{ error }

func (t timeLimit) Unwrap() error { return t.error }

// Cut says to the engine what cut the session.
func (timeLimit) Cut() session.Cut { return session.CutTimeLimit }

// open runs the session; see the command's help for what it promises.
func (a *App) open(c *cobra.Command, o openOptions) error {
	ctx := c.Context()
	if err := o.check(c); err != nil {
		return err
	}
	a.accessible = o.accessible
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, errTimeLimit)
		defer cancel()
	}
	st, err := a.prepare()
	if err != nil {
		return err
	}
	defer st.Close()
	req, err := a.openRequest(ctx, c, o, st)
	if err != nil {
		return causeOf(ctx, err)
	}
	tty, err := a.askOn(c, o, req.Script)
	if err != nil {
		return a.openFinished(ctx, st, req, o, err)
	}
	defer tty.Close()
	st.warm(ctx, req.Script)
	if err := st.open(ctx, stateOptions{noHooks: o.noHooks}); err != nil {
		return causeOf(ctx, err)
	}
	web := a.newBrowser(st, o, tty != nil)
	defer web.close()
	web.describe(&req)
	opening, err := a.openSession(ctx, st, req)
	if err != nil {
		return causeOf(ctx, err)
	}
	chores := st.startChores(opened(opening))
	defer chores.stop()
	final := opening.Final
	if final == nil {
		run := func(ctx context.Context) error { return a.runScript(ctx, st, opening.Session, req.Script, web) }
		if tty != nil {
			run = func(ctx context.Context) error { return a.ask(ctx, st, opening.Session, tty, web) }
		}
		if final, err = a.drive(ctx, opening.Session, run); err != nil {
			return err
		}
		if tty != nil {
			a.saySummary(final)
		}
	}
	if final.OtherScript {
		a.warn("the session is closed and had worked through another list of actions; this is its response")
	}
	return a.printFinal(ctx, st, final, o.hookWait)
}

func (a *App) openSession(ctx context.Context, st *state, req session.OpenRequest) (session.Opening, error) {
	defer a.startProgress("opening the session").Done()
	opening, err := st.engine.Open(ctx, req)
	if opening.Session != nil {
		a.logger().Debug("session opened", "session", opening.Session.ID)
	}
	return opening, err
}

// runScript lets a script act.
func (a *App) runScript(ctx context.Context, st *state, s *session.Session, script session.Script, web *browser) error {
	line := a.startProgress(doing(script))
	defer line.Done()
	if web != nil {
		web.line = line
	}
	return s.Run(ctx, script, st.person(web))
}

// doing tells in a few words what a script does.
func doing(script session.Script) string {
	var verbs, targets []string
	for _, act := range script.Actions {
		verb := map[store.ActionKind]string{actionConnect: "connecting", actionDisconnect: "disconnecting"}[act.Kind]
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
func (o openOptions) check(c *cobra.Command) error {
	if o.timeout < 0 || o.hookWait < 0 {
		return usage(c, "a time limit is not negative")
	}
	for _, name := range []string{"client-id", "client-user-id"} {
		if f := c.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return usage(c, "--%s is empty", name)
		}
	}
	return nil
}

// openFinished prints the response of a session that is closed already, for which nobody need be asked; else it ends with
// refused.
func (a *App) openFinished(ctx context.Context, st *state, req session.OpenRequest, o openOptions, refused error) error {
	if !sqlite.Exists(st.config.StateDir) {
		return refused
	}
	if err := st.open(ctx, stateOptions{noHooks: o.noHooks}); err != nil {
		return causeOf(ctx, err)
	}
	final, err := st.engine.Finished(ctx, req)
	if err != nil || final == nil {
		return refused
	}
	return a.printFinal(ctx, st, final, o.hookWait)
}

// drive lets a script or a person act, and tells of a grant that is lost whatever else ends the call.
func (a *App) drive(ctx context.Context, s *session.Session, run func(context.Context) error) (*session.Final, error) {
	final, err := s.Drive(ctx, run)
	hangup := errors.Is(err, session.ErrFrontEndLost)
	if errors.Is(err, session.ErrGrantLost) && (final != nil || hangup || ctx.Err() != nil) {
		a.report(session.ErrGrantLost)
	}
	switch {
	case hangup:
		return nil, endWith(exitHangup)
	case final != nil:
		return final, nil
	}
	return nil, outranked(cutExits()[session.CutOf(ctx)], err)
}

// causeOf prefers why a context ended to what its end looked like.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// showCode tells a person of a code that has to be typed elsewhere. --quiet does not hide it: nothing goes on without it.
func (a *App) showCode(src source.Source, code sdk.ShowCode) {
	say := func(format string, args ...any) {
		_, _ = io.WriteString(a.Streams.Err, "humanconnect: "+fmt.Sprintf(format, args...)+"\n")
	}
	say("%s: open %s and type %s", clean(src.Name), cleanAddress(code.VerificationURI), clean(code.UserCode))
	if whole := code.VerificationURIComplete; whole != "" && whole != code.VerificationURI {
		say("or open %s, which has the code in it", cleanAddress(whole))
	}
}
