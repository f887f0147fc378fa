package terminal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// runScreens runs the screens until the person is done or ctx ends, and waits for all that they began.
func runScreens(ctx context.Context, o Options) error {
	working, stop := context.WithCancelCause(ctx)
	w := &work{session: o.Session, crashed: o.Crashed, child: func() (context.Context, context.CancelCauseFunc) {
		return context.WithCancelCause(working)
	}}
	d := newDesk(o, w)
	p := tea.NewProgram(d, tea.WithInput(o.Terminal), tea.WithOutput(o.Terminal), tea.WithEnvironment(o.Environ),
		tea.WithoutSignalHandler())
	w.send = p.Send
	w.run(func(ctx context.Context) {
		if err := watch(ctx, o, func(c []session.Connected) { p.Send(loaded{c, nil}) }); ctx.Err() == nil {
			p.Send(lost{err})
		}
	})
	var watching sync.WaitGroup
	over := make(chan struct{})
	watching.Go(func() {
		select {
		case <-ctx.Done():
			p.Quit()
		case <-over:
		}
	})
	_, err := p.Run()
	close(over)
	stop(errBack)
	done := o.Waiting()
	w.running.Wait()
	watching.Wait()
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

// work is what the screens do beside drawing: each piece on a goroutine of its own, that tells of its end by a message.
// Whoever runs the screens waits for them.
type work struct {
	session Session
	send    func(tea.Msg)
	// child makes a context that ends with the screens; running are the goroutines.
	child   func() (context.Context, context.CancelCauseFunc)
	running sync.WaitGroup
	// crashed is called before a panic goes on its way.
	crashed func()
}

// run does a piece of work with a context of its own, and returns what ends it.
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

// load brings the connections of the user.
func (w *work) load() {
	w.run(func(ctx context.Context) {
		connections, err := w.session.Connections(ctx)
		if err != nil {
			w.send(lost{err})
			return
		}
		w.send(loaded{connections, nil})
	})
}

// begin brings the connections of the user, and then what was left half done.
func (w *work) begin() {
	w.run(func(ctx context.Context) {
		connections, err := w.session.Connections(ctx)
		var targets []string
		if err == nil {
			targets, err = w.session.HalfDone(ctx)
		}
		if err != nil {
			w.send(lost{err})
			return
		}
		w.send(loaded{connections, targets})
	})
}

// abandon cancels an attempt that was left half done.
func (w *work) abandon(l leaveBehind, source string) {
	w.run(func(ctx context.Context) {
		w.send(ended{source, didConnect, abandon(ctx, w.session, l.target)})
	})
}

// connect runs an attempt to its end. The function that it returns cancels it.
func (w *work) connect(c connect, source string) context.CancelCauseFunc {
	return w.run(func(ctx context.Context) {
		w.send(ended{source, didConnect, converse(ctx, w.session, c.target, onScreen{w.send})})
	})
}

// paste hands on an address that the person pasted, and tells if it was not taken.
func (w *work) paste(take paster, address string) {
	w.run(func(ctx context.Context) {
		if why := refusal(take(ctx, address)); why != "" {
			w.send(refused{why})
		}
	})
}

func (w *work) disconnect(d disconnect, source string) {
	w.run(func(ctx context.Context) {
		w.send(ended{source, didDisconnect, w.session.Disconnect(ctx, d.target)})
	})
}

// onScreen is the person in front of the screens.
type onScreen struct{ send func(tea.Msg) }

func (p onScreen) fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error) {
	replies := make(chan map[string]sdk.Secret, 1)
	p.send(asked{form, again, replies})
	select {
	case values := <-replies:
		return values, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p onScreen) show(_ context.Context, prompt session.Prompt) func() {
	p.send(showing{prompt})
	return func() {}
}

func (p onScreen) browse(_ context.Context, step sdk.OpenURL, paste paster) (no func(error), hide func()) {
	p.send(browsing{step, paste})
	return func(err error) { p.send(noBrowser{err}) }, func() { p.send(browsed{}) }
}
