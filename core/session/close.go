package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Final is the end of a session: the response, and what whoever scripted it must know beside.
type Final struct {
	// Session is "" for a token that opened none; Event is then the one that tells of it.
	Session id.Session
	Event   id.Event
	Status  event.Status
	// Reason is why the token was refused, where this call looked at it: for the operator alone; see [token.Verdict].
	Reason string
	// Failed says that the response has failures.
	Failed bool
	// Cut says why the front end that closed the session stopped before it was done.
	Cut Cut
	// Response is the JSON document, stored with the session byte for byte.
	Response []byte
	// Stored says that the session had been closed before this call.
	Stored bool
	// OtherScript says that the session was closed before and had worked through another list of actions.
	OtherScript bool
}

// stored returns what a closed session ended with.
func (e *Engine) stored(ses store.Session, actions []Action) *Final {
	f := FinalOf(ses)
	f.Stored = true
	script := e.digest(actions)
	f.OtherScript = script != nil && string(script) != string(ses.Script)
	return f
}

// FinalOf is the end of a closed session.
func FinalOf(ses store.Session) *Final {
	var said struct{ Failures []json.RawMessage }
	unreadable := json.Unmarshal(ses.Response, &said) != nil
	return &Final{
		Session: ses.ID, Status: event.Status(ses.Status), Failed: unreadable || len(said.Failures) > 0, Cut: Cut(ses.Cut),
		Response: ses.Response,
	}
}

// Close closes the session once and for all and returns its response. cut says why the front end stopped before it was done;
// for [CutHangup] nothing is closed, and the error is [ErrFrontEndLost]. A session that was closed in the meantime gives its
// stored response; one that was taken over gives [ErrTakenOver]. Actions of a script that [Session.Run] has not finished fail with
// attempt_interrupted.
func (s *Session) Close(ctx context.Context, cut Cut) (*Final, error) {
	if cut == CutHangup {
		return nil, ErrFrontEndLost
	}
	var ses store.Session
	err := s.e.o.Store.Update(ctx, func(tx store.Tx) (err error) {
		if ses, err = tx.Session(s.ID); err != nil {
			return err
		}
		if ses.Epoch != s.epoch {
			return ErrTakenOver // whatever the new owner did with it
		}
		if !ses.ClosedAt.IsZero() {
			return nil
		}
		if err := s.recordUnfinished(tx, ses, cut, s.e.o.Clock.Now()); err != nil {
			return err
		}
		ses, err = s.e.closeRow(tx, ses, cut)
		return err
	})
	switch {
	case errors.Is(err, ErrTakenOver):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("close session %s: %w", s.ID, err)
	}
	s.e.wake()
	return FinalOf(ses), nil
}

// CloseOverdue closes the open sessions whose end has passed, whoever owns them. One whose rows cannot be read stays open
// and stops nobody else.
func (e *Engine) CloseOverdue(ctx context.Context) error {
	var overdue []id.Session
	err := e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		overdue, err = tx.OverdueSessions(e.o.Clock.Now(), 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for overdue sessions: %w", err)
	}
	for _, ses := range overdue {
		err := e.closeOverdue(ctx, ses)
		if err != nil && !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("close overdue session %s: %w", ses, err)
		}
	}
	if len(overdue) > 0 {
		e.wake()
	}
	return nil
}

// closeOverdue closes one, unless another process was faster.
func (e *Engine) closeOverdue(ctx context.Context, session id.Session) error {
	return e.o.Store.Update(ctx, func(tx store.Tx) error {
		ses, err := tx.Session(session)
		if err != nil || !ses.ClosedAt.IsZero() {
			return err
		}
		_, err = e.closeRow(tx, ses, CutNone)
		return err
	})
}

// CloseByID closes an open session that no living front end owns, or any with force: its front end then gets the
// response of this close from its own.
func (e *Engine) CloseByID(ctx context.Context, session id.Session, force bool) (*Final, error) {
	var ses store.Session
	was := false
	err := e.o.Store.Update(ctx, func(tx store.Tx) (err error) {
		if ses, err = tx.Session(session); err != nil {
			return err
		}
		if was = !ses.ClosedAt.IsZero(); was {
			return nil
		}
		if !force {
			if err := e.checkOwner(ses); err != nil {
				return err
			}
		}
		ses, err = e.closeRow(tx, ses, CutNone)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("close session %s: %w", session, err)
	}
	e.wake()
	f := FinalOf(ses)
	f.Stored = was
	return f, nil
}

// closeRow closes an open session in the caller's transaction: attempts cancelled, event, response.
func (e *Engine) closeRow(tx store.Tx, ses store.Session, cut Cut) (store.Session, error) {
	now := e.o.Clock.Now()
	if err := tx.CancelAttempts(ses.ID); err != nil {
		return ses, err
	}
	over := !now.Before(ses.EndsAt)
	status := event.Success
	if over {
		status = endStatus(ses.EndReason)
	}
	resp, err := event.Build(tx, ses, status, e.states(now))
	if err != nil {
		return ses, err
	}
	if over {
		resp.SetEnded(ses.EndsAt)
	}
	ses.Sequence++
	ses.ClosedAt, ses.Status, ses.Response, ses.Owner = now, string(status), event.JSON(resp), ""
	ses.Cut = string(cut)
	if err := tx.SaveSession(ses); err != nil {
		return ses, err
	}
	return ses, e.record(tx, ses, now, event.Event{Type: event.SessionClosed, Response: resp})
}

func endStatus(reason store.EndReason) event.Status {
	if reason == store.EndRevoked {
		return event.TokenInvalid
	}
	return event.TokenExpired
}

// endAttempt forgets what only an open attempt needs, as [store.AttemptTx].CancelAttempts does.
func endAttempt(a store.Attempt, state store.AttemptState) store.Attempt {
	a.State, a.Begun, a.DueAt = state, "", time.Time{}
	a.Resume, a.LastStep, a.Callback, a.Hosts, a.OAuthState, a.StateHash = nil, nil, nil, nil, nil, nil
	a.Version++
	return a
}

// record writes an event of a session, whose sequence is the row's, with its deliveries: to the hooks that the session's
// last front end named, whoever closes it.
func (e *Engine) record(tx store.Tx, ses store.Session, at time.Time, ev event.Event) error {
	hooks := e.o.Hooks
	if ses.Hooks != nil {
		var err error
		if hooks, err = hook.Named(ses.Hooks); err != nil {
			return fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
	}
	ev.ID, ev.Sequence, ev.Timestamp = id.New[id.Event](), ses.Sequence, event.Time(at)
	return hook.Record(tx, ev, ses.ID, at, hooks, nil)
}
