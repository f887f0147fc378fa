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

// cancelTime limits how long cancelling an attempt may take.
const cancelTime = 5 * time.Second

// prompter shows the steps of an attempt to a person.
type prompter interface {
	// fill shows a form and returns its values. It returns the cause of ctx when that ends.
	fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error)
	// show shows a step without a reply; hide ends it.
	show(ctx context.Context, p session.Prompt) (hide func())
	// browse shows a browser step, and passes pasted text to paste. notOpened reports that no browser was started, and may
	// be called until hide has returned.
	browse(ctx context.Context, step sdk.OpenURL, paste paster) (notOpened func(error), hide func())
}

// paster takes a pasted redirect URL; see [Attempt].
type paster func(ctx context.Context, text string) (session.CallbackOutcome, error)

// Texts about redirect URLs.
const (
	noPendingURL  = "No pending authorization matches this URL. Paste the full redirect URL."
	noAddress     = "This text contains no redirect URL. Copy it from the address bar of the browser."
	noState       = "This URL has no state. Copy all of it from the address bar of the browser."
	notStoredURL  = "The redirect could not be stored. Paste the URL again."
	pasteQuestion = "If the last page looks broken, that is fine: paste its full URL here:"
	openURLText   = "Open this URL in a browser:"
)

// refusal says why a pasted redirect URL was refused, or "".
func refusal(outcome session.CallbackOutcome, err error) string {
	switch {
	case err != nil:
		return notStoredURL
	case outcome == session.CallbackAccepted:
		return ""
	case outcome == session.CallbackNoAddress:
		return noAddress
	case outcome == session.CallbackNoState:
		return noState
	}
	return noPendingURL
}

// runAttempt runs an attempt from the first step to the last. errBack: the person cancelled it.
func runAttempt(ctx context.Context, s Session, target string, p prompter) error {
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
		if reply, err = replyTo(ctx, a, prompt, p); err == nil {
			prompt, err = a.Reply(ctx, reply)
		}
	}
	if errors.Is(err, errBack) {
		return cancelAttempt(ctx, a)
	}
	return err
}

// replyTo gets the reply to one step.
func replyTo(ctx context.Context, a Attempt, prompt session.Prompt, p prompter) (sdk.Reply, error) {
	switch step := prompt.Step.(type) {
	case sdk.Form:
		values, err := p.fill(ctx, step, prompt.Again)
		return sdk.FormValues{Values: values}, err
	case sdk.ShowCode, sdk.Wait:
		defer p.show(ctx, prompt)()
		return sdk.TimePassed{}, a.WaitDue(ctx)
	case sdk.OpenURL:
		notOpened, hide := p.browse(ctx, step, a.Paste)
		defer hide()
		reply, err := a.Browse(ctx, prompt, notOpened)
		if f := (*failure.Failure)(nil); errors.As(err, &f) {
			return nil, a.Fail(ctx, f)
		}
		return reply, err
	}
	return nil, a.Fail(ctx, failure.New(failure.SourceError, "the source sent a step that is not supported here"))
}

// abandon cancels an unfinished attempt. Then it returns errBack.
func abandon(ctx context.Context, s Session, target string) error {
	a, err := s.Connect(ctx, target)
	if err != nil {
		return err
	}
	return cancelAttempt(ctx, a)
}

// watchEvery is how often the connections of a session are read while it is idle.
const watchEvery = 5 * time.Second

// watch reads the connections at intervals, until ctx ends or the session is lost: then it returns the error.
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

func cancelAttempt(ctx context.Context, a Attempt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer cancel()
	if err := a.Cancel(ctx); err != nil {
		return fmt.Errorf("cancel an attempt: %w", err)
	}
	return errBack
}
