package terminal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// runScreens runs the screens until the person is done or ctx ends, and waits for their work.
func runScreens(ctx context.Context, o Options) error {
	working, stop := context.WithCancelCause(ctx)
	w := &work{session: o.Session, crashed: o.Crashed, child: func() (context.Context, context.CancelCauseFunc) {
		return context.WithCancelCause(working)
	}}
	d := newModel(o, w)
	guarded := tty.AsGuarded(o.Terminal)
	p := tea.NewProgram(d, tea.WithInput(tty.Filtered(guarded)), tea.WithOutput(guarded), tea.WithEnvironment(o.Environ),
		tea.WithoutSignalHandler())
	w.send = p.Send
	stops := tty.NewSuspender(guarded, func() { giveBack(p, guarded) }, func() { retake(p, guarded) })
	w.suspend = stops.Request
	w.run(func(ctx context.Context) {
		if err := watch(ctx, o, func(c []session.Connected) { p.Send(loadedMsg{c, nil}) }); ctx.Err() == nil {
			p.Send(sessionLostMsg{err})
		}
	})
	var watching sync.WaitGroup
	running, over := context.WithCancel(ctx)
	watching.Go(func() { stops.Run(running) })
	watching.Go(func() {
		<-running.Done()
		p.Quit() // nothing, if it is over
	})
	_, err := p.Run()
	over()
	watching.Wait()
	guarded.Restore()
	stop(errBack)
	done := o.Waiting()
	w.running.Wait()
	done()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("the screens: %w", err)
	case err != nil:
		return lostTerminal(err)
	}
	return d.err
}

// giveBack gives the terminal back before a stop.
func giveBack(p *tea.Program, t *tty.Guarded) {
	if tty.Background(t.File) {
		t.SetAway(true) // too late to change it
	}
	_ = p.ReleaseTerminal() // if it is lost, the next read says so
	t.SetAway(true)
}

// retake takes the terminal again after a stop, and draws all of it.
func retake(p *tea.Program, t *tty.Guarded) {
	t.SetAway(false)
	_ = p.RestoreTerminal() // if it is lost, the next read says so
	p.Send(tea.ClearScreen())
}

// work runs the actions of the screens, each on its own goroutine, which reports by a message. runScreens waits for them.
type work struct {
	session Session
	send    func(tea.Msg)
	// child makes a context that ends with the screens; running are the goroutines.
	child   func() (context.Context, context.CancelCauseFunc)
	running sync.WaitGroup
	// crashed is called before a panic continues; suspend stops the program.
	crashed, suspend func()
}

// run runs a function with its own context, and returns the cancel function.
func (w *work) run(piece func(context.Context)) context.CancelCauseFunc {
	ctx, cancel := w.child()
	w.running.Go(func() {
		defer cancel(nil)
		defer func() {
			if p := recover(); p != nil {
				w.crashed()
				panic(p)
			}
		}()
		piece(ctx)
	})
	return cancel
}

// load reads the connections of the user.
func (w *work) load() {
	w.run(func(ctx context.Context) {
		connections, err := w.session.Connections(ctx)
		if err != nil {
			w.send(sessionLostMsg{err})
			return
		}
		w.send(loadedMsg{connections, nil})
	})
}

// begin reads the connections of the user, then the unfinished attempts.
func (w *work) begin() {
	w.run(func(ctx context.Context) {
		connections, err := w.session.Connections(ctx)
		var targets []string
		if err == nil {
			targets, err = w.session.HalfDone(ctx)
		}
		if err != nil {
			w.send(sessionLostMsg{err})
			return
		}
		w.send(loadedMsg{connections, targets})
	})
}

// abandon cancels an unfinished attempt.
func (w *work) abandon(l abandonAttempt, source string) {
	w.run(func(ctx context.Context) {
		w.send(actionDoneMsg{source, didConnect, abandon(ctx, w.session, l.target)})
	})
}

// connect runs an attempt to its end. The returned function cancels it.
func (w *work) connect(c connect, source string) context.CancelCauseFunc {
	return w.run(func(ctx context.Context) {
		w.send(actionDoneMsg{source, didConnect, runAttempt(ctx, w.session, c.target, screenPrompter{w.send})})
	})
}

// paste passes on a pasted redirect URL, and reports a refusal.
func (w *work) paste(take paster, address string) {
	w.run(func(ctx context.Context) {
		if why := refusal(take(ctx, address)); why != "" {
			w.send(pasteRefusedMsg{why})
		}
	})
}

func (w *work) disconnect(d disconnect, source string) {
	w.run(func(ctx context.Context) {
		w.send(actionDoneMsg{source, didDisconnect, w.session.Disconnect(ctx, d.target)})
	})
}

// screenPrompter is the prompter of the screens.
type screenPrompter struct{ send func(tea.Msg) }

func (p screenPrompter) fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error) {
	replies := make(chan map[string]sdk.Secret, 1)
	p.send(formMsg{form, again, replies})
	select {
	case values := <-replies:
		return values, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p screenPrompter) show(_ context.Context, prompt session.Prompt) func() {
	p.send(stepMsg{prompt})
	return func() {}
}

func (p screenPrompter) browse(_ context.Context, step sdk.OpenURL, paste paster) (notOpened func(error), hide func()) {
	p.send(browserMsg{step, paste})
	return func(err error) { p.send(noBrowserMsg{err}) }, func() { p.send(browserDoneMsg{}) }
}
