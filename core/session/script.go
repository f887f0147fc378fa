package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Person is whom a script may turn to. Its fields may be nil.
type Person struct {
	// Show is called with a code that has to be typed somewhere else, once for each code.
	Show func(source source.Source, code sdk.ShowCode)
	// Browser is sent to addresses of sources; without one, a source that needs it fails with interaction_required.
	Browser Browser
	// Ask asks for what a form still needs: given are the answers that the script has, again is why the answers before were
	// refused, or nil. [ErrNotAnswered]: the person does not answer. It is called by one action at a time.
	Ask func(ctx context.Context, source source.Source, form sdk.Form, given map[string]sdk.Secret, again *failure.Failure) (map[string]sdk.Secret, error)
}

// ErrNotAnswered: the person does not answer a form.
var ErrNotAnswered = errors.New("the form was not answered")

// Run works through a script: it goes on after the actions that the session has ended already. A failure of an action is
// kept with the session and stops nothing. An error is [ErrTakenOver], [ErrEnded], the cause of ctx's end, or one of the
// store.
func (s *Session) Run(ctx context.Context, script Script, p Person) error {
	s.follow(script.Actions) // before all that may be cut
	var row store.Session
	err := s.e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Session(s.ID)
		return err
	})
	if err != nil {
		return err
	}
	ended, err := s.e.endedActions(ctx, row, script.Actions)
	if err != nil {
		return err
	}
	r := runner{s: s, script: script, person: p}
	for i := 0; i < len(script.Actions); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		j := i + 1
		for connects(script.Actions, i) && j < len(script.Actions) && connects(script.Actions, j) {
			j++
		}
		if err := r.group(ctx, i, j, ended); err != nil {
			return err
		}
		i = j
	}
	return nil
}

func connects(actions []Action, i int) bool { return actions[i].Kind == store.ActionConnect }

type runner struct {
	s      *Session
	script Script
	person Person
}

// group runs the actions from i to j at once and returns the first error. The others are then cut short; a grant that one
// of them loses all the same is told of too.
func (r *runner) group(ctx context.Context, i, j int, ended map[int]bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs := make([]error, j-i)
	var wg sync.WaitGroup
	for no := i; no < j; no++ {
		if ended[no] {
			continue
		}
		wg.Go(func() {
			if err := r.action(ctx, no); err != nil {
				errs[no-i] = err
				cancel(err)
			}
		})
	}
	wg.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	first := context.Cause(ctx)
	for _, err := range errs {
		if grantTrouble(err) != nil && !errors.Is(first, err) {
			first = fmt.Errorf("%w; %w", first, err)
		}
	}
	return first
}

// action runs one action. A failure has been kept and is no error here.
func (r *runner) action(ctx context.Context, no int) error {
	a := r.script.Actions[no]
	r.s.markBegun(no)
	var err error
	if a.Kind == store.ActionDisconnect {
		err = r.s.Disconnect(ctx, a.Target, no)
	} else {
		err = r.connect(ctx, a, no)
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return nil
	}
	return err
}

func (r *runner) connect(ctx context.Context, action Action, no int) error {
	a, err := r.s.Connect(ctx, action.Target, no)
	switch {
	case errors.Is(err, errDone):
		return nil
	case err != nil:
		return err
	}
	answers := r.script.answers(action, a.Source.ID)
	var shown sdk.ShowCode
	for p, err := a.Next(ctx); ; {
		if err != nil {
			return err
		}
		if p.Again != nil && r.person.Ask == nil { // a script answers each form once
			return a.Fail(ctx, p.Again)
		}
		if code, ok := p.Step.(sdk.ShowCode); ok && r.person.Show != nil && !sameCode(code, shown) {
			shown = code
			r.person.Show(a.Source, code)
		}
		reply, done, stop := r.reply(ctx, a, p, answers)
		if done || stop != nil {
			return stop
		}
		p, err = a.Reply(ctx, reply)
	}
}

// reply answers a step; done says that there is nothing left to answer.
func (r *runner) reply(ctx context.Context, a *Attempt, p Prompt, answers map[string]sdk.Secret) (sdk.Reply, bool, error) {
	switch step := p.Step.(type) {
	case sdk.Connected:
		return nil, true, nil
	case sdk.Form:
		values, missing := fill(step, answers)
		if r.person.Ask != nil && (missing != "" || p.Again != nil) {
			return r.ask(ctx, a, step, values, p.Again)
		}
		if missing != "" {
			f := failure.New(failure.InputRequired, "the source asks for %q", host.CleanText(missing, 64))
			f.Field = host.CleanText(missing, 64)
			return nil, false, a.Fail(ctx, f)
		}
		return sdk.FormValues{Values: values}, false, nil
	case sdk.ShowCode, sdk.Wait:
		return sdk.TimePassed{}, false, a.WaitDue(ctx)
	case sdk.OpenURL:
		reply, err := a.Browse(ctx, step, r.person.Browser)
		return reply, false, err
	}
	return nil, false, a.Fail(ctx, failure.New(failure.SourceError, "the provider asks for an unknown kind of step"))
}

// ask turns to the person with a form. One attempt of a session at a time holds the person; the others wait.
func (r *runner) ask(ctx context.Context, a *Attempt, form sdk.Form, given map[string]sdk.Secret, again *failure.Failure) (sdk.Reply, bool, error) {
	select {
	case r.s.person <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	defer func() { <-r.s.person }()
	values, err := r.person.Ask(ctx, a.Source, form, given, again)
	if errors.Is(err, ErrNotAnswered) {
		return nil, false, a.Fail(ctx, failure.New(failure.InputRequired, "the form was not answered"))
	}
	return sdk.FormValues{Values: values}, false, err
}

// sameCode says whether a step shows what another one did: it may ask for polls at another pace (RFC 8628 §3.5).
func sameCode(a, b sdk.ShowCode) bool {
	return a.UserCode == b.UserCode && a.VerificationURI == b.VerificationURI &&
		a.VerificationURIComplete == b.VerificationURIComplete
}

// fill answers a form; missing is the first required field without an answer.
func fill(form sdk.Form, answers map[string]sdk.Secret) (values map[string]sdk.Secret, missing string) {
	values = make(map[string]sdk.Secret)
	for _, f := range form.Fields {
		v, ok := answers[f.ID]
		switch {
		case ok:
			values[f.ID] = v
		case f.Required && missing == "":
			missing = f.ID
		}
	}
	return values, missing
}
