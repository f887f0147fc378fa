package terminal

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// Asker asks for single forms, line by line, while a script runs. It is used by one goroutine at a time.
type Asker struct {
	// Terminal for input and output. The caller closes it.
	Terminal *tty.Guarded
	// Interrupt is called when the person presses Ctrl-C while nothing is echoed.
	Interrupt func()
}

// Ask asks for the fields of a form that have no answer, or for all of them if the answers were refused. It returns
// [session.ErrNotAnswered] if the person goes back, the cause of ctx, or [ErrLost].
func (a Asker) Ask(ctx context.Context, src source.Source, form sdk.Form, given map[string]sdk.Secret, again *failure.Failure) (map[string]sdk.Secret, error) {
	k, err := openKeyboard(a.Terminal)
	if err != nil {
		return nil, fmt.Errorf("read from the terminal: %w", err)
	}
	defer k.close()
	l := &lines{o: Options{Terminal: a.Terminal, Interrupt: a.Interrupt}, keys: k}
	stops := tty.NewSuspender(a.Terminal, k.giveBack, func() { k.retake(); l.askAgain() })
	k.suspend = stops.Request
	watching, over := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stops.Run(watching)
	}()
	defer func() { over(); <-stopped }()
	values := maps.Clone(given)
	if again != nil || values == nil {
		values = make(map[string]sdk.Secret)
	}
	l.say("\n%s", name(src.Name))
	p := &linePrompter{lines: l, title: name(src.Name)}
	open := form
	open.Fields = nil
	for _, f := range form.Fields {
		if _, ok := values[f.ID]; !ok {
			open.Fields = append(open.Fields, f)
		}
	}
	answers, err := p.fill(ctx, open, again)
	if errors.Is(err, errBack) {
		return nil, session.ErrNotAnswered
	}
	maps.Copy(values, answers)
	return values, err
}
