package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	// attemptTime is how long an attempt may take, never longer than its session.
	attemptTime = 15 * time.Minute
	// maxSteps is how many steps an attempt may have, polls not counted.
	maxSteps = 64
	// minPoll is the shortest wait between two polls.
	minPoll = time.Second
	// stateSize is the size of an OAuth state in bytes.
	stateSize = 32
)

// Kinds of replies that must not be repeated, as they stand in store.Attempt.Begun.
const (
	begunForm     = "form"
	begunCallback = "callback"
)

// Prompt is what a driver shows next.
type Prompt struct {
	// Step is the provider's; after sdk.Connected there is nothing to reply.
	Step sdk.Step
	// Again says why the same form is shown once more: a value was refused, or the provider died with the last reply.
	Again *failure.Failure
	// DueAt is when a poll may be made, for sdk.ShowCode and sdk.Wait.
	DueAt time.Time
}

// Attempt is this front end's grip on one try to connect a source. It is used by one goroutine.
//
// A [*failure.Failure] that its methods return has ended the attempt and is kept with the session. [ErrTakenOver] and
// [ErrEnded] say that the session is lost.
type Attempt struct {
	Source source.Source

	s        *Session
	row      store.Attempt
	stored   bool
	last     sdk.Step
	again    *failure.Failure
	action   store.Action
	expected *sdk.Account
	settings sdk.Settings
}

// Connect begins to connect a source, or to renew a named connection; action is its number in the script, or [store.NoScript]. A
// half-done attempt of the same action is continued; without a script, the last one for the same target is, whoever
// began it.
func (s *Session) Connect(ctx context.Context, asked string, action int) (*Attempt, error) {
	t, err := s.resolve(ctx, asked)
	a := &Attempt{s: s, action: store.Action{
		Position: s.position(action), Kind: store.ActionConnect, Target: asked, Source: t.source, SourceName: t.sourceName,
	}}
	if err != nil {
		return nil, a.refuse(ctx, err)
	}
	if t.connection != nil {
		if t.connection.State == store.ConnectionDisconnected {
			return nil, a.refuse(ctx, notConnected())
		}
		a.expected = &sdk.Account{ID: t.connection.AccountID, Label: t.connection.AccountLabel}
		a.action.Connection = t.connection.ID
	}
	if err := a.prepare(ctx, t); err != nil {
		return nil, a.refuse(ctx, err)
	}
	if err := a.resume(ctx); err != nil {
		return a, err
	}
	if err := a.bind(ctx); err != nil {
		return nil, a.refuse(ctx, err)
	}
	return a, nil
}

// refuse is fail for what comes before the first step: what was cut by the end of ctx says nothing about the source.
func (a *Attempt) refuse(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.fail(ctx, err)
}

// prepare finds the source and its settings.
func (a *Attempt) prepare(ctx context.Context, t target) error {
	e := a.s.e
	if !a.s.allows(t.source) {
		return failure.New(failure.SourceNotAllowed, "the session token does not allow this source")
	}
	src, err := e.o.Sources.Find(ctx, t.source)
	if err != nil {
		if provider.Replaced(err) {
			return fmt.Errorf("connect a source: %w", err)
		}
		if problem.Is(err, source.CodeUnknown) {
			return failure.New(failure.SourceUnknown, "no installed provider offers this source")
		}
		return failure.OfSettings(err)
	}
	a.Source, a.action.SourceName = src, src.Name
	a.s.setName(src.ID, src.Name)
	if src.Retired() {
		return src.RetiredFailure()
	}
	if a.settings, err = e.o.Sources.Settings(ctx, src.ID, src.Provider); err != nil {
		if provider.Replaced(err) {
			return fmt.Errorf("connect a source: %w", err)
		}
		return failure.OfSettings(err)
	}
	a.Source = src.Reaching(a.settings)
	now := e.o.Clock.Now()
	a.row = store.Attempt{
		ID: id.New[id.Attempt](), Session: a.s.ID, Position: a.action.Position,
		Source: src.ID, Provider: src.Provider, Expected: a.action.Connection, State: store.AttemptOpen, Version: 1,
		OAuthState: newState(), CreatedAt: now, ExpiresAt: earlier(now.Add(attemptTime), a.s.EndsAt),
	}
	return nil
}

func newState() []byte {
	var b [stateSize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return []byte(base64.RawURLEncoding.EncodeToString(b[:]))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// resume takes up the half-done attempt of the action, if there is one. What a provider had begun and has no result is not
// repeated: a form is shown again, a callback ends the attempt.
func (a *Attempt) resume(ctx context.Context) error {
	var begun string
	fresh := a.row
	err := a.s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		begun, a.row, a.stored = "", fresh, false
		if _, err := a.s.guard(tx); err != nil {
			return err
		}
		if err := a.ended(tx); err != nil {
			return err
		}
		rows, err := tx.Attempts(a.s.ID)
		if err != nil {
			return err
		}
		for _, row := range slices.Backward(rows) {
			if !a.continues(row) {
				continue
			}
			begun, a.row, a.stored = row.Begun, row, true
			if begun == begunForm { // a callback stays begun until the attempt has ended with it
				a.row.Begun = ""
				a.row.Version++
				return tx.SaveAttempt(a.row)
			}
			return nil
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for a half-done attempt: %w", err)
	}
	if a.stored {
		a.s.addHeld(a.row.ID)
		a.action.Position = a.row.Position
		if a.row.Provider != a.Source.Provider { // what the one wants back is not for the other
			return a.fail(ctx, failure.New(failure.AttemptInterrupted, "another provider reaches the source now"))
		}
		if a.last, err = host.UnmarshalStep(a.row.LastStep); err != nil {
			return a.fail(ctx, failure.New(failure.AttemptInterrupted, "the last step could not be read"))
		}
	}
	switch begun {
	case begunCallback:
		return a.fail(ctx, interrupted())
	case begunForm:
		a.again = interrupted()
	}
	return nil
}

// ended returns errDone if the action of a script has ended: a front end that has lost the session since may have done it.
func (a *Attempt) ended(tx store.Tx) error {
	if !a.action.Position.Scripted() {
		return nil
	}
	rows, err := tx.Actions(a.s.ID)
	if slices.ContainsFunc(rows, func(r store.Action) bool {
		return r.Position == a.action.Position
	}) {
		return errDone
	}
	return err
}

// continues says whether the action goes on with a stored attempt.
func (a *Attempt) continues(row store.Attempt) bool {
	if a.action.Position.Scripted() {
		return row.State == store.AttemptOpen && row.Position == a.action.Position
	}
	return a.s.halfDone(row) && row.Source == a.action.Source && row.Expected == a.action.Connection
}

// halfDone says whether a person may go on with an attempt: another front end left it behind.
func (s *Session) halfDone(row store.Attempt) bool {
	return row.State == store.AttemptOpen && s.e.o.Clock.Now().Before(row.ExpiresAt) && !s.isHeld(row.ID)
}

// HalfDone returns what attempts that were begun and have not ended would connect: sources, and named connections; the
// last one first. A front end that a person steers goes on with them by [Session.Connect].
func (s *Session) HalfDone(ctx context.Context) ([]string, error) {
	var targets []string
	err := s.e.o.Store.View(ctx, func(tx store.Tx) error {
		if _, err := s.guard(tx); err != nil {
			return err
		}
		rows, err := tx.Attempts(s.ID)
		for _, row := range slices.Backward(rows) {
			if target := cmp.Or(string(row.Expected), row.Source); s.halfDone(row) && !slices.Contains(targets, target) {
				targets = append(targets, target)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for half-done attempts: %w", err)
	}
	return targets, nil
}

func interrupted() *failure.Failure {
	return failure.New(failure.AttemptInterrupted, "the attempt was interrupted while the source processed the reply")
}

// Next returns the step that waits for a reply: the stored one of a half-done attempt, or the provider's first.
func (a *Attempt) Next(ctx context.Context) (Prompt, error) {
	if a.last == nil {
		return a.perform(ctx, sdk.Start{})
	}
	p := Prompt{Step: a.last, Again: a.again, DueAt: a.row.DueAt}
	a.again = nil
	return p, nil
}

// Reply answers the last step and returns the next.
func (a *Attempt) Reply(ctx context.Context, r sdk.Reply) (Prompt, error) { return a.perform(ctx, r) }

// WaitDue waits until the provider may be asked again, but not past the end of what the step shows, of the attempt, or of
// the session: after the former two it ends the attempt with attempt_expired.
func (a *Attempt) WaitDue(ctx context.Context) error {
	// The process that stored DueAt may have had another clock.
	due := earlier(a.row.DueAt, a.s.e.o.Clock.Now().Add(pollAfter(a.last)))
	until := earlier(due, a.callDeadline(sdk.TimePassed{}))
	if err := a.s.sleep(ctx, until); err != nil {
		return err
	}
	if err := a.expired(sdk.TimePassed{}); err != nil {
		return a.fail(ctx, err)
	}
	return nil
}

// Fail ends the attempt with a failure of the driver's, and returns what [Attempt.Reply] would.
func (a *Attempt) Fail(ctx context.Context, f *failure.Failure) error { return a.fail(ctx, f) }

// Cancel ends the attempt without a failure: the person went back.
func (a *Attempt) Cancel(ctx context.Context) error {
	if !a.stored {
		return nil
	}
	err := a.s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := a.s.guard(tx); err != nil {
			return err
		}
		row, err := tx.Attempt(a.row.ID)
		if err != nil || row.State != store.AttemptOpen {
			return err
		}
		return tx.SaveAttempt(endAttempt(row, store.AttemptCancelled))
	})
	if err != nil {
		return fmt.Errorf("cancel an attempt: %w", err)
	}
	a.s.e.bell.ring()
	return nil
}

// fail keeps a failure and returns it; any other error is returned as it is.
func (a *Attempt) fail(ctx context.Context, err error) error {
	var f *failure.Failure
	if !errors.As(err, &f) {
		return err
	}
	f = a.Source.FailureOf(f)
	var row *store.Attempt
	if a.stored {
		row = &a.row
	}
	if err := a.s.recordFailure(context.WithoutCancel(ctx), a.action, row, f); err != nil {
		return err
	}
	return f
}
