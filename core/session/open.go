package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// OpenRequest opens a session.
type OpenRequest struct {
	Token sdk.Secret
	// ClientID and ClientUserID, where given, must equal the token's.
	ClientID     string
	ClientUserID string
	// DefaultClientID stands in the response of a token that is not genuine where no ClientID was given.
	DefaultClientID string
	// Script is what to do; without actions, a person steers the session.
	Script Script
	// Hooks are those given for this session alone.
	Hooks []hook.Hook
	// TakeOver takes the session from a living front end.
	TakeOver bool
	// FrontEnd is what the driver can do.
	FrontEnd sdk.FrontEnd
	// Redirects listens for the redirects of sources; nil where FrontEnd has no browser.
	Redirects Redirects
	// Locale is the BCP 47 tag of the person's language, or empty.
	Locale string
}

// Opening is what became of an Open: either a Session to go on with, or a Final to print.
type Opening struct {
	Session *Session
	Final   *Final
}

// Open opens the session of a token, or resumes it. A closed session gives its stored response; a bad token without a
// session gives a response that says so. Problems: session_in_use, and whatever the check of the script finds.
func (e *Engine) Open(ctx context.Context, r OpenRequest) (Opening, error) {
	if err := e.CloseOverdue(ctx); err != nil {
		return Opening{}, err
	}
	v, err := e.checkToken(ctx, r)
	if err != nil {
		return Opening{}, err
	}
	known, found, v, err := e.findSession(ctx, v)
	switch {
	case err != nil:
		return Opening{}, err
	case found && !known.ClosedAt.IsZero():
		return Opening{Final: e.stored(known, r.Script.Actions)}, hook.Adopt(ctx, e.o.Store, known.ID, r.Hooks)
	case !found && v.Status != event.Success:
		f, err := e.refuse(ctx, r, v)
		return Opening{Final: f}, err
	}
	e.prepare(ctx, r)
	names, err := e.checkOpen(ctx, r, v, known)
	if err != nil {
		return Opening{}, err
	}
	return e.openOrResume(ctx, r, v, names)
}

// Finished returns what the session of a token ended with, if it is closed; else nil. It opens nothing, and
// changes no more than whose the hooks are.
func (e *Engine) Finished(ctx context.Context, r OpenRequest) (*Final, error) {
	v, err := e.checkToken(ctx, r)
	if err != nil {
		return nil, err
	}
	known, found, _, err := e.findSession(ctx, v)
	if err != nil || !found || known.ClosedAt.IsZero() {
		return nil, err
	}
	return e.stored(known, r.Script.Actions), hook.Adopt(ctx, e.o.Store, known.ID, r.Hooks)
}

// checkToken asks the checker; a token of another client or user than the caller's is invalid.
func (e *Engine) checkToken(ctx context.Context, r OpenRequest) (token.Verdict, error) {
	v, err := e.o.Checker.Check(ctx, r.Token)
	if err != nil {
		return v, err
	}
	switch {
	case !v.Genuine():
	case r.ClientID != "" && r.ClientID != v.ClientID:
		return refused("it is of another client than the one that was asked for"), nil
	case r.ClientUserID != "" && r.ClientUserID != v.ClientUserID:
		return refused("it is of another user than the one that was asked for"), nil
	}
	return v, nil
}

// refused is the verdict on a token that is genuine and not for this call.
func refused(reason string) token.Verdict {
	return token.Verdict{Status: event.TokenInvalid, Reason: reason}
}

const otherUser = "its service says today that it is of another user than the one whose session it opened"

// errOtherUser: the service that has the tokens says today that a token is another user's than the one whose session it
// opened. Neither gets to see that session.
var errOtherUser = errors.New("the session of the token is another user's")

// sessionOf returns the session of a genuine token, or store.ErrNotFound, or errOtherUser.
func sessionOf(tx store.Tx, v token.Verdict) (store.Session, error) {
	ses, err := tx.SessionByToken(v.Key)
	if err != nil {
		return store.Session{}, err
	}
	user, err := tx.UserByID(ses.User)
	switch {
	case err != nil:
		return ses, err
	case user.ClientID != v.ClientID || user.ClientUserID != v.ClientUserID:
		return store.Session{}, errOtherUser
	}
	return ses, nil
}

// findSession returns the session of a token, if there is one, and the verdict on the token that stands with it.
func (e *Engine) findSession(ctx context.Context, v token.Verdict) (ses store.Session, found bool, _ token.Verdict, err error) {
	if !v.Genuine() {
		return ses, false, v, nil
	}
	err = e.o.Store.View(ctx, func(tx store.Tx) error {
		ses, err = sessionOf(tx, v)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ses, false, v, nil
	case errors.Is(err, errOtherUser):
		return ses, false, refused(otherUser), nil
	case err != nil:
		return ses, false, v, fmt.Errorf("look up the session of a token: %w", err)
	}
	return ses, true, v, nil
}

// checkOpen makes sure, before anything is opened, that the session is free and the script can run. It returns the names of
// the script's sources by id.
func (e *Engine) checkOpen(ctx context.Context, r OpenRequest, v token.Verdict, known store.Session) (map[string]string, error) {
	if known.ID != "" && !r.TakeOver {
		if err := e.checkOwner(known); err != nil {
			return nil, err
		}
	}
	if err := e.checkHooks(ctx); err != nil {
		return nil, err
	}
	return e.check(ctx, r, v, known)
}

// prepare prepares the statements of a session that runs a script. Its providers start meanwhile.
func (e *Engine) prepare(ctx context.Context, r OpenRequest) {
	if e.o.Prepare == nil || len(r.Script.Actions) == 0 {
		return
	}
	e.o.Prepare(ctx, func(tx store.Tx) {
		_, _ = tx.User("", "")
		_ = tx.InsertSession(store.Session{})
		_, _ = tx.SessionHooks("")
		_, _ = tx.Session("")
		_, _ = tx.Actions("")
		_, _ = tx.Attempts("")
		_, _ = tx.ActiveConnection("", "", nil)
		_ = tx.InsertConnection(store.Connection{})
		_, _ = tx.InsertAction(store.Action{})
		_, _ = tx.Connection("")
		_, _ = tx.Connections("")
		_ = tx.InsertEvent(store.Event{})
		_, _ = tx.HeadDeliveries("")
		_ = tx.SaveSession(store.Session{})
		_ = tx.CancelAttempts("")
		_, _ = tx.RevocationsOf("")
	})
}

// checkHooks makes sure that the required hooks can sign: a session whose events they cannot accept would end as a failure.
func (e *Engine) checkHooks(ctx context.Context) error {
	for _, h := range e.o.Hooks {
		if !h.Required || h.Kind() != hook.KindHTTP {
			continue
		}
		if err := h.CheckSecret(ctx); err != nil {
			return fmt.Errorf("required hook %s: %w", h.Name, err)
		}
	}
	return nil
}

// checkOwner returns a problem if a living front end owns the session.
func (e *Engine) checkOwner(ses store.Session) error {
	if ses.Owner == "" || ses.Owner == e.o.Liveness.Self() {
		return nil
	}
	alive, err := e.o.Liveness.Alive(ses.Owner)
	if err != nil {
		return fmt.Errorf("look whether a front end lives: %w", err)
	}
	if alive {
		return problem.New(CodeInUse, "session %s is open in another process (%s)", ses.ID, ses.Owner).
			Hint("wait for it, or take the session over with --take-over")
	}
	return nil
}

// openOrResume opens or resumes the session in one transaction.
func (e *Engine) openOrResume(ctx context.Context, r OpenRequest, v token.Verdict, names map[string]string) (Opening, error) {
	var ses store.Session
	var user store.User
	var verdict token.Verdict
	err := e.o.Store.Update(ctx, func(tx store.Tx) (err error) {
		verdict = v
		now := e.o.Clock.Now()
		if user, err = store.EnsureUser(tx, v.ClientID, v.ClientUserID); err != nil {
			return err
		}
		ses, err = sessionOf(tx, v)
		switch {
		case errors.Is(err, errOtherUser):
			verdict = refused(otherUser)
			return nil
		case errors.Is(err, store.ErrNotFound):
			verdict.Status, err = e.confirm(tx, v, now)
			if err != nil || verdict.Status != event.Success {
				return err
			}
			ses = e.newSessionRow(v, user, r, now)
			err = tx.InsertSession(ses)
		case err == nil && ses.ClosedAt.IsZero():
			ses, err = e.resume(tx, ses, r)
		}
		if err != nil || !ses.ClosedAt.IsZero() {
			return err
		}
		_, err = hook.Attach(tx, e.o.Store.MAC, ses.ID, r.Hooks)
		return err
	})
	switch {
	case err != nil:
		return Opening{}, fmt.Errorf("open a session: %w", err)
	case verdict.Status != event.Success && ses.ID == "":
		f, err := e.refuse(ctx, r, verdict)
		return Opening{Final: f}, err
	case !ses.ClosedAt.IsZero():
		return Opening{Final: e.stored(ses, r.Script.Actions)}, hook.Adopt(ctx, e.o.Store, ses.ID, r.Hooks)
	}
	return Opening{Session: newSession(e, ses, user, r, names)}, nil
}

// confirm judges a good verdict once more at the instant of the transaction that opens its session.
func (e *Engine) confirm(tx store.Tx, v token.Verdict, now time.Time) (event.Status, error) {
	if v.Status != event.Success {
		return v.Status, nil
	}
	if !now.Before(v.ExpiresAt) {
		return event.TokenExpired, nil
	}
	ok, err := e.o.Checker.Confirm(tx, v)
	if err == nil && !ok {
		return event.TokenInvalid, nil
	}
	return event.Success, err
}

func (e *Engine) newSessionRow(v token.Verdict, user store.User, r OpenRequest, now time.Time) store.Session {
	return store.Session{
		ID: id.New[id.Session](), TokenKey: v.Key, User: user.HumanID, Sources: v.Sources, OpenedAt: now,
		EndsAt: v.ExpiresAt, EndReason: store.EndExpired, Owner: e.o.Liveness.Self(), Epoch: 1,
		Hooks: hook.Names(e.o.Hooks), Script: e.digest(r.Script.Actions), ScriptRun: 1,
	}
}

// resume makes this process the owner of an open session. Another list of actions begins a new run of the script.
func (e *Engine) resume(tx store.Tx, ses store.Session, r OpenRequest) (store.Session, error) {
	if !r.TakeOver {
		if err := e.checkOwner(ses); err != nil {
			return ses, err
		}
	}
	ses.Owner, ses.Hooks = e.o.Liveness.Self(), hook.Names(e.o.Hooks)
	ses.Epoch++
	if script := e.digest(r.Script.Actions); script != nil && string(script) != string(ses.Script) {
		ses.Script = script
		ses.ScriptRun++
	}
	return ses, tx.SaveSession(ses)
}

// refuse tells of a token that opens nothing, to the caller and to the hooks.
func (e *Engine) refuse(ctx context.Context, r OpenRequest, v token.Verdict) (*Final, error) {
	var resp event.Response
	evt := id.New[id.Event]()
	err := e.o.Store.Update(ctx, func(tx store.Tx) error {
		resp = event.Empty(v.Status)
		if client := firstOf(r.ClientID, r.DefaultClientID); client != "" {
			resp.ClientID = &client
		}
		if v.Genuine() && v.Status == event.TokenExpired {
			resp.ClientID = &v.ClientID
			user, err := store.EnsureUser(tx, v.ClientID, v.ClientUserID)
			if err != nil {
				return err
			}
			resp.ClientUserID, resp.HumanID = &user.ClientUserID, &user.HumanID
		}
		extra, err := hook.Attach(tx, e.o.Store.MAC, "", r.Hooks)
		if err != nil {
			return err
		}
		now := e.o.Clock.Now()
		return hook.Record(tx, event.Event{
			Type: event.SessionClosed, ID: evt, Sequence: 1, Timestamp: event.Time(now), Response: resp,
		}, "", now, e.o.Hooks, extra)
	})
	if err != nil {
		return nil, fmt.Errorf("record a rejected token: %w", err)
	}
	e.wake()
	return &Final{Event: evt, Status: v.Status, Reason: v.Reason, Response: event.JSON(resp)}, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
