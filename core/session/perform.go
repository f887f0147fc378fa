package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// grace is how long a close waits for a step that has begun.
const grace = 5 * time.Second

// maxLabel is how much of an account label is kept, in characters.
const maxLabel = 200

// errDone: a front end that has lost the session since its step began has connected this attempt, or ended its action.
var errDone = errors.New("another front end has done this")

// perform makes one step. An attempt that an ousted front end has connected is at its end.
func (a *Attempt) perform(ctx context.Context, reply sdk.Reply) (Prompt, error) {
	p, err := a.step(ctx, reply)
	if errors.Is(err, errDone) {
		return Prompt{Step: sdk.Connected{}}, nil
	}
	return p, err
}

// step marks a reply that must not be repeated, calls the provider, and commits what came of it.
func (a *Attempt) step(ctx context.Context, reply sdk.Reply) (Prompt, error) {
	if err := ctx.Err(); err != nil {
		return Prompt{}, context.Cause(ctx)
	}
	if err := a.expired(reply); err != nil {
		return Prompt{}, a.fail(ctx, err)
	}
	if err := a.begin(ctx, reply); err != nil {
		return Prompt{}, err
	}
	step, cut, err := a.call(ctx, reply)
	switch {
	case err != nil && cut:
		return Prompt{}, a.lost(ctx)
	case provider.Replaced(err):
		return Prompt{}, a.leave(ctx, err)
	case err != nil:
		return a.recordOutcome(ctx, reply, err)
	}
	if done, ok := step.(sdk.Connected); ok {
		return a.commitConnected(ctx, done)
	}
	return a.commitStep(ctx, reply, step)
}

// callDeadline is when the attempt, or what its last step shows, is too old for a reply.
func (a *Attempt) callDeadline(reply sdk.Reply) time.Time {
	end := a.row.ExpiresAt
	if _, ok := reply.(sdk.TimePassed); ok {
		switch last := a.last.(type) {
		case sdk.ShowCode:
			end = soonest(end, last.ExpiresAt)
		case sdk.Wait:
			end = soonest(end, last.ExpiresAt)
		}
	}
	return end
}

// expired returns a failure if the attempt, or the code that it shows, is too old.
func (a *Attempt) expired(reply sdk.Reply) error {
	now := a.s.e.o.Clock.Now()
	switch {
	case now.Before(a.callDeadline(reply)):
		return nil
	case !now.Before(a.s.EndsAt):
		return ErrEnded
	}
	return failure.New(failure.AttemptExpired, "the attempt took too long")
}

func soonest(end, other time.Time) time.Time {
	if other.IsZero() {
		return end
	}
	return earlier(end, other)
}

// begin makes it durable that a provider gets a reply which must not be repeated. No step begins in a session that is not
// this front end's any more.
func (a *Attempt) begin(ctx context.Context, reply sdk.Reply) error {
	var kind string
	switch reply.(type) {
	case sdk.FormValues:
		kind = begunForm
	case sdk.Callback:
		kind = begunCallback
	default:
		return a.s.e.o.Store.View(ctx, func(tx store.Tx) error {
			_, err := a.s.guard(tx)
			return err
		})
	}
	return a.save(ctx, func(row *store.Attempt) { row.Begun = kind })
}

// save changes the stored row of the attempt, if the session and the attempt are still this front end's.
func (a *Attempt) save(ctx context.Context, change func(*store.Attempt)) error {
	var row store.Attempt
	err := a.s.e.o.Store.Update(ctx, func(tx store.Tx) (err error) {
		ses, err := a.s.guard(tx)
		if err != nil {
			return err
		}
		if row, err = tx.Attempt(a.row.ID); err != nil {
			return err
		}
		if err := a.changed(ses, row); err != nil {
			return err
		}
		change(&row)
		row.Version++
		return tx.SaveAttempt(row)
	})
	if err != nil {
		return fmt.Errorf("keep an attempt: %w", err)
	}
	a.row = row
	a.s.e.bell.ring()
	return nil
}

// changed says why the stored row is not as this front end left it, or returns nil.
func (a *Attempt) changed(ses store.Session, row store.Attempt) error {
	switch {
	case row.Version == a.row.Version && row.State == store.AttemptOpen:
		return nil
	case row.State == store.AttemptConnected && ses.Epoch == a.s.epoch:
		return errDone
	}
	return ErrTakenOver
}

// call asks the provider, once more on a fresh process if it crashed and the reply may be repeated. A session that is
// closing, or at its end, waits for it for a while; cut says that it was not waited for any longer.
func (a *Attempt) call(ctx context.Context, reply sdk.Reply) (step sdk.Step, cut bool, err error) {
	ctx, cancel := a.graceful(ctx)
	defer cancel()
	req := a.request(reply)
	for again := false; ; again = true {
		step, err = a.ask(ctx, req)
		if err == nil || again || !repeatable(reply) || !provider.Crashed(err) {
			return step, ctx.Err() != nil, err
		}
	}
}

// lost says why a call was cut: this front end is closing, or the session is not its own any more.
func (a *Attempt) lost(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.s.lost(ctx); err != nil {
		return err
	}
	return ErrEnded
}

func (a *Attempt) ask(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	select {
	case a.s.calls <- struct{}{}:
		defer func() { <-a.s.calls }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	p, err := a.s.e.o.Providers.Provider(ctx, a.Source.Provider, a.Source.ID)
	if err != nil {
		return nil, err
	}
	return p.Connect(ctx, req)
}

func repeatable(r sdk.Reply) bool {
	switch r.(type) {
	case sdk.Start, sdk.TimePassed:
		return true
	}
	return false
}

func (a *Attempt) request(reply sdk.Reply) *sdk.ConnectRequest {
	return &sdk.ConnectRequest{
		Source: a.Source.ID, Settings: a.settings, AttemptID: string(a.row.ID), RedirectURI: a.row.RedirectURI,
		OAuthState: string(a.row.OAuthState), Expected: a.expected, FrontEnd: a.s.frontEnd, Resume: a.row.Resume,
		Reply: reply, Locale: a.s.locale,
	}
}

// graceful returns a context that outlives its parent, and the session, by the grace time. The goroutine behind it ends
// with cancel.
func (a *Attempt) graceful(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	both, stop := context.WithCancel(parent)
	release := context.AfterFunc(ctx, stop)
	go func() {
		defer cancel()
		defer stop()
		defer release()
		_ = a.s.sleep(both, a.s.EndsAt) // whatever ends it, the grace begins
		over, stopOver := a.s.e.o.Clock.After(grace)
		defer stopOver()
		select {
		case <-over:
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// leave keeps the attempt as it was before a reply that has not reached the provider, for a process that can send it. The error is
// err, or that of the store.
func (a *Attempt) leave(ctx context.Context, err error) error {
	if a.row.Begun != "" {
		if err := a.save(context.WithoutCancel(ctx), func(row *store.Attempt) { row.Begun = "" }); err != nil {
			return err
		}
	}
	return fmt.Errorf("connect a source: %w", err)
}

// recordOutcome decides what an error of a call means: the form again, or a failure.
func (a *Attempt) recordOutcome(ctx context.Context, reply sdk.Reply, err error) (Prompt, error) {
	f := failure.Of(err)
	_, form := reply.(sdk.FormValues)
	_, callback := reply.(sdk.Callback)
	lost := provider.Crashed(err)
	if lost && (form || callback) {
		text := f.Message
		f = failure.New(failure.AttemptInterrupted, "%s", text)
	}
	if form && (lost || f.Code == failure.InvalidInput) {
		if err := a.save(context.WithoutCancel(ctx), func(row *store.Attempt) { row.Begun = "" }); err != nil {
			return Prompt{}, err
		}
		return Prompt{Step: a.last, Again: f}, nil
	}
	return Prompt{}, a.fail(ctx, f)
}

// commitStep keeps the next step.
func (a *Attempt) commitStep(ctx context.Context, reply sdk.Reply, step sdk.Step) (Prompt, error) {
	next, err := a.after(reply, step)
	if err != nil {
		return Prompt{}, a.fail(ctx, err)
	}
	ctx = context.WithoutCancel(ctx)
	if a.stored {
		err = a.save(ctx, func(row *store.Attempt) {
			version := row.Version
			*row = next
			row.Version = version
		})
	} else {
		err = a.insert(ctx, next)
	}
	if err != nil {
		return Prompt{}, err
	}
	a.last = step
	return Prompt{Step: step, DueAt: a.row.DueAt}, nil
}

func (a *Attempt) insert(ctx context.Context, row store.Attempt) error {
	err := a.s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := a.s.guard(tx); err != nil {
			return err
		}
		return tx.InsertAttempt(row)
	})
	if err != nil {
		return fmt.Errorf("keep an attempt: %w", err)
	}
	a.row, a.stored = row, true
	a.s.addHeld(row.ID)
	return nil
}

// after is the row with the next step in it.
func (a *Attempt) after(reply sdk.Reply, step sdk.Step) (store.Attempt, error) {
	row := a.row
	if _, poll := reply.(sdk.TimePassed); !poll {
		row.Steps++
	}
	resume := host.ResumeOf(step)
	if row.Steps > maxSteps {
		return row, failure.New(failure.SourceError, "the source asked for more than %d steps", maxSteps)
	}
	if len(resume) > sdk.MaxResume {
		return row, failure.New(failure.SourceError, "the provider returned more than %d bytes to resume", sdk.MaxResume)
	}
	last, err := host.MarshalStep(step)
	if err != nil {
		return row, failure.New(failure.SourceError, "the provider answered with an unknown step")
	}
	row.Resume, row.LastStep, row.Callback, row.Begun, row.DueAt = resume, last, nil, "", time.Time{}
	row.StateHash = nil
	switch r := reply.(type) {
	case sdk.Callback:
		row.OAuthState = nil // it is used up
	case sdk.FormValues:
		row.Hosts = a.named(r)
	}
	if method := methodOf(step); method != "" && !slices.Contains(a.Source.Methods, method) {
		return row, failure.New(failure.SourceError, "the provider sent a step of the method %q, which the source does not declare", method)
	}
	if err := send(&row, a.Source, step); err != nil {
		return row, err
	}
	if wait := pollAfter(step); wait > 0 {
		row.DueAt = a.s.e.o.Clock.Now().Add(wait)
	}
	return row, nil
}

// methodOf is the method of connecting that a step belongs to; "" for none.
func methodOf(step sdk.Step) sdk.Method {
	switch step.(type) {
	case sdk.Form:
		return sdk.MethodForm
	case sdk.OpenURL:
		return sdk.MethodBrowser
	case sdk.ShowCode:
		return sdk.MethodCode
	}
	return ""
}

// pollAfter is how long a poll waits after a step; 0 for a step that is not polled.
func pollAfter(step sdk.Step) time.Duration {
	switch s := step.(type) {
	case sdk.ShowCode:
		return max(s.PollAfter, minPoll)
	case sdk.Wait:
		return max(s.PollAfter, minPoll)
	}
	return 0
}

// commitConnected makes the connection, if the attempt is unchanged since the step began, whatever the epoch. A grant
// that comes too late, or of another account than the one expected, is kept to be revoked.
func (a *Attempt) commitConnected(ctx context.Context, done sdk.Connected) (Prompt, error) {
	e := a.s.e
	done.Account.Label = host.CleanText(done.Account.Label, maxLabel)
	g := connection.Authorization{
		User: a.s.User.HumanID, Source: a.Source.ID, SourceName: a.Source.Name, Provider: a.Source.Provider,
		CanRevoke:  slices.Contains(a.Source.Capabilities, sdk.CapabilityRevoke),
		CanRefresh: slices.Contains(a.Source.Capabilities, sdk.CapabilityRefresh),
		CanCheck:   slices.Contains(a.Source.Capabilities, sdk.CapabilityCheck), Connected: done,
	}
	k := keeper{a: a, key: connection.AccountKey(e.o.Store.MAC, g.Source, done.Account.ID), auth: g}
	err := k.keep(context.WithoutCancel(ctx))
	switch {
	case err != nil && k.done.unwanted == "":
		return Prompt{}, err
	case k.done.unwanted != "":
		if err == nil {
			err = a.fail(ctx, k.done.refused)
		}
		if failed := e.revokeNow(ctx, []id.Revocation{k.done.unwanted}); failed != nil && k.done.refused != nil {
			return Prompt{}, failed
		}
		return Prompt{}, err
	}
	e.wake()
	e.bell.ring()
	return Prompt{Step: done}, nil
}

// giveBack revokes a grant that could not be kept, unless a connection holds its account: nobody else will ever know of
// it. The error is [ErrCredentialLost].
func (a *Attempt) giveBack(ctx context.Context, key []byte, done sdk.Connected) error {
	e := a.s.e
	if !slices.Contains(a.Source.Capabilities, sdk.CapabilityRevoke) {
		return ErrCredentialLost
	}
	free := func(ctx context.Context) (free bool, err error) {
		err = e.o.Store.View(ctx, func(tx store.Tx) error {
			held, err := tx.AccountHeld(a.Source.ID, key, a.s.User.HumanID)
			free = !held
			return err
		})
		return free, err
	}
	if e.revoker().RevokeUnsaved(context.WithoutCancel(ctx), a.Source.Provider, &sdk.CredentialRequest{
		Source: a.Source.ID, Settings: a.settings, Account: done.Account, Credential: done.Credential,
	}, free) != nil {
		return ErrCredentialLost
	}
	return nil
}

// refusal says why a grant cannot become a connection, or nil.
func (a *Attempt) refusal(tx store.Tx, ses store.Session, key []byte) (refused, err error) {
	if !ses.ClosedAt.IsZero() || !a.s.e.o.Clock.Now().Before(ses.EndsAt) {
		return ErrEnded, nil
	}
	if a.stored {
		row, err := tx.Attempt(a.row.ID)
		if err != nil {
			return nil, err
		}
		if refused := a.changed(ses, row); refused != nil {
			return refused, nil
		}
	}
	if a.row.Expected == "" {
		return nil, nil
	}
	c, err := tx.Connection(a.row.Expected)
	switch {
	case err != nil:
		return nil, err
	case c.State == store.ConnectionDisconnected:
		return notConnected(), nil
	case string(c.AccountKey) != string(key):
		return failure.New(failure.AccountMismatch, "authorized with another account than that of this connection"), nil
	}
	return nil, nil
}

// connected writes connection, action, attempt and event in the caller's transaction.
func (a *Attempt) connected(tx store.Tx, ses store.Session, key []byte, g connection.Authorization, now time.Time) error {
	e := a.s.e
	c, err := connection.Save(tx, key, g, now)
	if err != nil {
		return err
	}
	if a.stored {
		if err := tx.SaveAttempt(endAttempt(a.row, store.AttemptConnected)); err != nil {
			return err
		}
	}
	action := a.action
	action.Session, action.Connection, action.AccountKey, action.At = ses.ID, c.ID, key, now
	if _, err := tx.InsertAction(action); err != nil {
		return err
	}
	return e.recordSourceEvent(tx, ses, event.SourceConnected, c, now)
}

// recordSourceEvent writes the event of a changed connection and moves the session's sequence.
func (e *Engine) recordSourceEvent(tx store.Tx, ses store.Session, kind event.Type, c store.Connection, now time.Time) error {
	status := event.ConnectedSource
	if kind == event.SourceDisconnected {
		status = event.DisconnectedSource
	}
	resp, err := event.Build(tx, ses, status, e.states(now))
	if err != nil {
		return err
	}
	changed, err := event.Of(tx, c)
	if err != nil {
		return err
	}
	ses.Sequence++
	if err := tx.SaveSession(ses); err != nil {
		return err
	}
	return e.record(tx, ses, now, event.Event{Type: kind, Source: &changed, Response: resp})
}
