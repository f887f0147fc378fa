package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/terminal"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// The values of --ui.
const (
	uiTerminal = "terminal"
	uiNone     = "none"
)

func addTerminalFlags(c *cobra.Command, o *openOptions) {
	f := c.Flags()
	f.Var(&choice{value: &o.ui, of: []string{uiTerminal, uiNone}}, "ui", "where a person is asked: terminal or none")
	f.BoolVar(&o.accessible, "accessible", false, "ask line by line, without screens, for screen readers")
	_ = c.RegisterFlagCompletionFunc("ui", cobra.FixedCompletions([]string{uiTerminal, uiNone}, cobra.ShellCompDirectiveNoFileComp))
}

// tty is an open terminal, or nil where a script says what to do.
type tty struct {
	*terminal.Guarded
	app *App
}

// guard makes an open terminal one that is given back when the program stops at once.
func (a *App) guard(f terminal.File) *tty {
	t := &tty{terminal.Guard(f), a}
	giveBack := func() {
		t.GiveBack()
		a.releaseNotices()
	}
	a.giveBack.Store(&giveBack)
	return t
}

// Close closes the terminal, if there is one.
func (t *tty) Close() {
	if t != nil {
		t.app.giveBack.Store(nil)
		_ = t.File.Close()
	}
}

// giveBackTime bounds how long giving the terminal back keeps a program that stops at once: a terminal can be held.
const giveBackTime = 500 * time.Millisecond

// stopAsking gives the terminal back where a person is asked on one, and takes the line away that does not stay. The
// program ends after it.
func (a *App) stopAsking() {
	given := make(chan struct{})
	go func() { // it has no owner but the end of the program
		defer close(given)
		if giveBack := a.giveBack.Load(); giveBack != nil {
			(*giveBack)()
		}
		if n, ok := a.Streams.Err.(*notices); ok {
			n.wipe()
		}
	}()
	over, stop := a.Clock.After(giveBackTime)
	defer stop()
	select {
	case <-given:
	case <-over:
	}
}

// askOn opens the terminal to ask a person on, where nothing says what to do; else it returns nil. Where nobody can be
// asked either, that is wrong use.
func (a *App) askOn(c *cobra.Command, o openOptions, script session.Script) (*tty, error) {
	if len(script.Actions) > 0 {
		return nil, nil
	}
	nothing := usage(c, "nothing to do").Hint("say what to do with --connect SOURCE, --disconnect SOURCE or --plan FILE").
		Hint("see which sources there are with: humanconnect source list")
	if o.ui == uiNone || a.unattended() {
		return nil, nothing
	}
	opened, err := a.Streams.OpenTerminal()
	if err != nil {
		return nil, nothing.Fact("there is no terminal to ask a person on")
	}
	f, ok := opened.(terminal.File)
	if !ok {
		_ = opened.Close()
		return nil, nothing
	}
	return a.guard(f), nil
}

// ask lets a person steer the session on the terminal.
func (a *App) ask(ctx context.Context, st *state, s *session.Session, t *tty, b *browser) error {
	catalog, err := st.catalog(ctx)
	if err != nil {
		return err
	}
	before, err := st.before(ctx, s.ID)
	if err != nil {
		return err
	}
	plain := a.plain() || a.env("TERM") == "dumb"
	if !plain {
		a.holdNotices()
		defer a.releaseNotices()
	}
	return terminal.Run(ctx, terminal.Options{
		Session: terminal.Steer(s, steered{b}), Sources: catalog.All(), Before: before, EndsAt: s.EndsAt, Terminal: t.Guarded, Crashed: a.stopAsking,
		Plain: plain, Clock: a.Clock, Environ: a.terminalEnviron(), Interrupt: a.Signals.Interrupt,
		Waiting: func() func() {
			a.releaseNotices()
			return a.startProgress("waiting for the source").Done
		},
	})
}

// before is what was done in a session that is resumed.
func (st *state) before(ctx context.Context, ses id.Session) ([]terminal.Done, error) {
	var r event.Response
	err := st.store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Session(ses)
		if err != nil {
			return err
		}
		r, err = event.Build(tx, row, "")
		return err
	})
	var done []terminal.Done
	for _, c := range r.SessionResults.ConnectedSources {
		done = append(done, terminal.Done{Source: c.ID, Name: c.Name, Connected: true})
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		done = append(done, terminal.Done{Source: c.ID, Name: c.Name})
	}
	for _, f := range r.Failures {
		done = append(done, terminal.Done{Source: f.Source.ID, Name: f.Source.Name, Failed: f.Message})
	}
	return done, err
}

// plain says whether a person reads with a screen reader: nothing is drawn over, nothing moves.
func (a *App) plain() bool { return a.accessible || a.env("ACCESSIBLE") != "" }

// holdNotices keeps what is said on standard error while the screens are on the same terminal: it would tear the picture,
// and be gone with it. releaseNotices says it.
func (a *App) holdNotices() {
	if n, ok := a.Streams.Err.(*notices); ok && a.Streams.ErrTerminal {
		n.hold()
	}
}

func (a *App) releaseNotices() {
	if n, ok := a.Streams.Err.(*notices); ok {
		n.release()
	}
}

// terminalEnviron is the environment as the terminal packages read it: --color and NO_COLOR mean there what they mean
// here.
func (a *App) terminalEnviron() []string {
	environ := a.Environ()
	switch {
	case a.global.colour == colourAlways:
		return append(environ, "NO_COLOR=", "CLICOLOR_FORCE=1")
	case !a.colour(true):
		return append(environ, "NO_COLOR=1")
	}
	return environ
}

// saySummary tells a person, who has the screens no more, what came of the session. It is all that is left of them on
// the terminal.
func (a *App) saySummary(final *session.Final) {
	var r event.Response
	if a.global.quiet || json.Unmarshal(final.Response, &r) != nil {
		return
	}
	say := func(format string, args ...any) {
		_, _ = io.WriteString(a.Streams.Err, "humanconnect: "+clean(fmt.Sprintf(format, args...))+"\n")
	}
	for _, c := range r.SessionResults.ConnectedSources {
		say("%s is connected", c.Name)
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		say("%s is disconnected", c.Name)
	}
	for _, f := range r.Failures {
		say("%s could not be %sed: %s [%s]", f.Source.Name, f.Action, f.Message, f.Code)
	}
	if len(r.SessionResults.ConnectedSources)+len(r.SessionResults.DisconnectedSources)+len(r.Failures) == 0 {
		say("nothing was changed")
	}
	say("the session is closed: %s", r.Status)
}
