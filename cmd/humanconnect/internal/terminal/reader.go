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

// reader is the person who answers line by line.
type reader struct {
	*lines
	title string
	leave context.CancelCauseFunc
	shown string
	// listened says that lines were read while nothing was asked: what is half typed then answers no question.
	listened bool
}

// forget drops what was typed while nothing was asked.
func (p *reader) forget() {
	if p.listened {
		p.keys.forget()
	}
	p.listened = false
}

// fill asks for one field after the other.
func (p *reader) fill(ctx context.Context, form sdk.Form, again *failure.Failure) (map[string]sdk.Secret, error) {
	p.forget()
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

// field asks until there is an answer, or none is needed.
func (p *reader) field(ctx context.Context, f sdk.Field) (string, error) {
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

func (p *reader) value(ctx context.Context, f sdk.Field) (string, error) {
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

func (p *reader) choice(ctx context.Context, f sdk.Field) (string, error) {
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

// show says what there is to do elsewhere, once, however often it is asked for again, and listens for Ctrl-D.
func (p *reader) show(ctx context.Context, prompt session.Prompt) (hide func()) {
	if said := describe(prompt.Step); said != p.shown {
		p.shown = said
		p.say("\n%s", said)
	}
	return p.listen(ctx, func(context.Context, string) {})
}

// browse says where to go on, and takes lines for the address that the browser ended at.
func (p *reader) browse(ctx context.Context, step sdk.OpenURL, paste paster) (no func(error), hide func()) {
	p.shown = ""
	p.say("\nContinue in the browser: sign in there and allow access.\nThen it continues automatically.")
	p.say("If no page has opened, open this URL:\n%s", host.CleanText(step.URL, maxAddress))
	p.question("%s", pasteQuestion)
	hide = p.listen(ctx, func(ctx context.Context, line string) {
		if blank(line) {
			return
		}
		if why := refusal(paste(ctx, line)); why != "" {
			p.say("%s", why)
			p.question("%s", pasteQuestion)
		}
	})
	return func(err error) {
		if errors.Is(err, ErrNoBrowser) {
			return // what was said holds
		}
		p.say("\nThe browser could not be started: %s. Open the URL above yourself.", text(err.Error()))
		p.question("%s", pasteQuestion)
	}, hide
}

// listen hands on lines until hide is called. Ctrl-D leaves the attempt.
func (p *reader) listen(ctx context.Context, take func(context.Context, string)) (hide func()) {
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
		s := "Open this URL on any device: " + host.CleanText(step.VerificationURI, maxAddress) +
			"\nEnter this code there: " + name(step.UserCode)
		if whole := step.VerificationURIComplete; whole != "" && whole != step.VerificationURI {
			s += "\nOr open this URL, which includes the code: " + host.CleanText(whole, maxAddress)
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
