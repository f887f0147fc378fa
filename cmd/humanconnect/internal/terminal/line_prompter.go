package terminal

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// linePrompter is the prompter of line-by-line prompts.
type linePrompter struct {
	*lines
	title string
	leave context.CancelCauseFunc
	shown string
	// listened: lines were read without a prompt; an incomplete line must not answer the next prompt.
	listened bool
}

// discardInput drops input that was typed without a prompt.
func (p *linePrompter) discardInput() {
	if p.listened {
		p.keys.discardInput()
	}
	p.listened = false
}

// fill prompts for one field after the other.
func (p *linePrompter) fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error) {
	p.discardInput()
	p.shown = ""
	if again != nil {
		p.say("\n%s", text(again.Message))
	}
	p.say("\n%s", firstOf(name(form.Title), p.title))
	if t := text(form.Text); t != "" {
		p.say("%s", t)
	}
	values := make(map[string]sdk.Secret)
	for _, f := range form.Fields {
		v, err := p.field(ctx, f)
		if err != nil {
			return nil, err
		}
		if v != "" || f.Required {
			values[f.ID] = sdk.Secret(v)
		}
	}
	return values, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// field prompts until there is a value, or the field is optional.
func (p *linePrompter) field(ctx context.Context, f sdk.Field) (string, error) {
	if help := text(f.Help); help != "" {
		p.say("Help: %s", help)
	}
	for {
		v, err := p.value(ctx, f)
		if err != nil || !missing(f, v) {
			return v, err
		}
		p.say("This field is required.")
	}
}

func (p *linePrompter) value(ctx context.Context, f sdk.Field) (string, error) {
	switch f.Kind {
	case sdk.KindChoice:
		return p.choice(ctx, f)
	case sdk.KindSecret:
		p.question("%s, not shown while you type:", label(f))
		v, err := p.keys.secret(ctx, p.o.Interrupt)
		p.say("")
		return v, err
	}
	p.question("%s:", label(f))
	return p.keys.line(ctx)
}

func (p *linePrompter) choice(ctx context.Context, f sdk.Field) (string, error) {
	for i, c := range f.Choices {
		p.say("%d  %s", i+1, firstOf(name(c.Label), name(c.Value)))
	}
	for {
		p.question("%s, number:", label(f))
		line, err := p.keys.line(ctx)
		if err != nil || blank(line) && !f.Required {
			return "", err
		}
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && n >= 1 && n <= len(f.Choices) {
			return f.Choices[n-1].Value, nil
		}
		p.say("Invalid number.")
	}
}

// show prints a step once, even if it is repeated, and listens for Ctrl-D.
func (p *linePrompter) show(ctx context.Context, prompt session.Prompt) (hide func()) {
	if description := describe(prompt.Step); description != p.shown {
		p.shown = description
		p.say("\n%s", description)
	}
	return p.listen(ctx, func(context.Context, string) {})
}

// browse prints the URL to open, and reads lines as redirect URLs.
func (p *linePrompter) browse(ctx context.Context, step sdk.OpenURL, paste paster) (notOpened func(error), hide func()) {
	p.shown = ""
	p.say("\nContinue in the browser: sign in there and allow access.\nThen it continues automatically.")
	p.say("If no page has opened, open this URL:\n%s", host.CleanText(step.URL, maxURL))
	p.question("%s", pasteQuestion)
	var pasted session.Pasted
	hide = p.listen(ctx, func(ctx context.Context, line string) {
		if blank(line) {
			return
		}
		if why := refusal(pasted.Take(ctx, line, paste)); why != "" {
			p.say("%s", why)
			p.question("%s", pasteQuestion)
		}
	})
	return func(err error) {
		if errors.Is(err, ErrNoBrowser) {
			return // the URL is printed already
		}
		p.say("\nThe browser could not be started: %s. Open the URL above yourself.", text(err.Error()))
		p.question("%s", pasteQuestion)
	}, hide
}

// listen passes lines to take until hide is called. Ctrl-D cancels the attempt.
func (p *linePrompter) listen(ctx context.Context, take func(context.Context, string)) (hide func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.listened = true
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			switch line, err := p.keys.line(ctx); {
			case errors.Is(err, errBack):
				p.leave(errBack)
				return
			case err != nil:
				return
			default:
				take(ctx, line)
			}
		}
	})
	return func() { cancel(nil); listening.Wait() }
}

func describe(step sdk.Step) string {
	switch step := step.(type) {
	case sdk.ShowCode:
		s := "Open this URL on any device: " + host.CleanText(step.VerificationURI, maxURL) +
			"\nEnter this code there: " + name(step.UserCode)
		if whole := step.VerificationURIComplete; whole != "" && whole != step.VerificationURI {
			s += "\nOr open this URL, which includes the code: " + host.CleanText(whole, maxURL)
		}
		if until := step.ExpiresAt; !until.IsZero() {
			s += "\nThe code is valid until " + clockTime(until) + "."
		}
		return s + "\nIt continues automatically after your confirmation."
	case sdk.Wait:
		return firstOf(text(step.Text), "Waiting for the source.")
	}
	return ""
}
