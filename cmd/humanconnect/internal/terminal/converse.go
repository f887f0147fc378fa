package terminal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// cancelTime bounds how long the end of an attempt that the person left is written.
const cancelTime = 5 * time.Second

// person is whom a conversation is with.
type person interface {
	// fill shows a form and returns what the person fills in. It ends early, with the cause, when ctx does.
	fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error)
	// show shows a step that the person has nothing to answer to here; hide says that it is over.
	show(ctx context.Context, p session.Prompt) (hide func())
	// browse shows a step that goes on in a browser, and hands what the person pastes to paste. no is told why no browser is
	// on its way, and may be called until hide has returned.
	browse(ctx context.Context, step sdk.OpenURL, paste paster) (no func(error), hide func())
}

// paster takes the address that a browser ended at; see [Attempt].
type paster func(ctx context.Context, text string) (bool, error)

// What a person is told of an address that was not taken.
const (
	strayAddress   = "No pending authorization matches this URL. Paste the full redirect URL."
	unkeptAddress  = "The redirect could not be stored. Paste the URL again."
	pasteQuestion  = "Or paste the full redirect URL:"
	openByYourself = "Open this URL in a browser:"
)

// refusal says why an address was not taken, or "".
func refusal(taken bool, err error) string {
	switch {
	case err != nil:
		return unkeptAddress
	case !taken:
		return strayAddress
	}
	return ""
}

// converse connects a source, from the first step to the last. errBack says that the person left and that the attempt is
// cancelled.
func converse(ctx context.Context, s Session, target string, p person) error {
	a, err := s.Connect(ctx, target)
	if err != nil {
		return err
	}
	prompt, err := a.Next(ctx)
	for err == nil {
		if _, done := prompt.Step.(sdk.Connected); done {
			return nil
		}
		var reply sdk.Reply
		if reply, err = answer(ctx, a, prompt, p); err == nil {
			prompt, err = a.Reply(ctx, reply)
		}
	}
	if errors.Is(err, errBack) {
		return leave(ctx, a)
	}
	return err
}

// answer gets the reply to one step.
func answer(ctx context.Context, a Attempt, prompt session.Prompt, p person) (sdk.Reply, error) {
	switch step := prompt.Step.(type) {
	case sdk.Form:
		values, err := p.fill(ctx, step, prompt.Again)
		return sdk.FormValues{Values: values}, err
	case sdk.ShowCode, sdk.Wait:
		defer p.show(ctx, prompt)()
		return sdk.TimePassed{}, a.WaitDue(ctx)
	case sdk.OpenURL:
		no, hide := p.browse(ctx, step, a.Paste)
		defer hide()
		reply, err := a.Browse(ctx, prompt, no)
		if f := (*failure.Failure)(nil); errors.As(err, &f) {
			return nil, a.Fail(ctx, f)
		}
		return reply, err
	}
	return nil, a.Fail(ctx, failure.New(failure.SourceError, "the source sent a step that is not supported here"))
}

// abandon cancels a half-done attempt that the person does not go on with. It returns errBack then.
func abandon(ctx context.Context, s Session, target string) error {
	a, err := s.Connect(ctx, target)
	if err != nil {
		return err
	}
	return leave(ctx, a)
}

// watchEvery is how often a session is looked at while nobody does anything.
const watchEvery = 5 * time.Second

// watch looks at the connections now and then, until the session is lost, whose error it returns, or ctx ends.
func watch(ctx context.Context, o Options, now func([]session.Connected)) error {
	for {
		next, stop := o.Clock.After(watchEvery)
		select {
		case <-next:
		case <-ctx.Done():
			stop()
			return context.Cause(ctx)
		}
		connections, err := o.Session.Connections(ctx)
		switch {
		case errors.Is(err, session.ErrTakenOver), errors.Is(err, session.ErrEnded):
			return err
		case err == nil:
			now(connections)
		}
	}
}

func leave(ctx context.Context, a Attempt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer cancel()
	if err := a.Cancel(ctx); err != nil {
		return fmt.Errorf("cancel an attempt: %w", err)
	}
	return errBack
}
