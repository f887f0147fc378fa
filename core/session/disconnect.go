package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// Disconnect takes away a named connection, or all connections of a source, in one transaction, and then asks the source
// to revoke their grants; what comes of that never makes it fail. action is its number in the script, or [store.NoScript]. A
// [*failure.Failure] that it returns is kept with the session.
func (s *Session) Disconnect(ctx context.Context, asked string, action int) error {
	t, err := s.resolve(ctx, asked)
	if err == nil && !s.allows(t.source) {
		err = failure.New(failure.SourceNotAllowed, "the session token does not allow this source")
	}
	row := store.Action{
		Position: s.position(action), Kind: store.ActionDisconnect, Target: asked, Source: t.source, SourceName: t.sourceName,
	}
	var pending []id.Revocation
	if err == nil {
		pending, err = s.disconnect(ctx, t, row)
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		if src, findErr := s.e.o.Sources.Find(ctx, t.source); findErr == nil {
			row.SourceName = src.Name
		}
		if err := s.recordFailure(context.WithoutCancel(ctx), row, nil, f); err != nil {
			return err
		}
		return f
	}
	if err != nil {
		return err
	}
	s.e.wake()
	return s.e.revokeNow(ctx, pending)
}

func (s *Session) disconnect(ctx context.Context, t target, row store.Action) (pending []id.Revocation, err error) {
	err = s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		pending = nil
		if _, err := s.guard(tx); err != nil {
			return err
		}
		cons, err := s.targets(tx, t)
		if err != nil {
			return err
		}
		if len(cons) == 0 {
			return notConnected()
		}
		for _, c := range cons {
			r, err := s.disconnectOne(tx, c, row)
			if err != nil {
				return err
			}
			if r.State == store.RevocationPending {
				pending = append(pending, r.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("disconnect: %w", err)
	}
	return pending, nil
}

func (s *Session) targets(tx store.Tx, t target) ([]store.Connection, error) {
	if t.connection != nil {
		c, err := tx.Connection(t.connection.ID)
		if err != nil || c.State == store.ConnectionDisconnected {
			return nil, err
		}
		return []store.Connection{c}, nil
	}
	all, err := tx.Connections(s.User.HumanID)
	var out []store.Connection
	for _, c := range all {
		if c.Source == t.source {
			out = append(out, c)
		}
	}
	// A connection without an account counts as holding any other of its source, so it goes last.
	slices.SortStableFunc(out, func(a, b store.Connection) int {
		return -cmp.Compare(min(len(a.AccountKey), 1), min(len(b.AccountKey), 1))
	})
	return out, err
}

func (s *Session) disconnectOne(tx store.Tx, c store.Connection, row store.Action) (store.Revocation, error) {
	now := s.e.o.Clock.Now()
	ses, err := tx.Session(s.ID) // its sequence moves with each connection
	if err != nil {
		return store.Revocation{}, err
	}
	c, r, err := connection.Disconnect(tx, c, s.e.cause(s.ID, now))
	if err != nil {
		return r, err
	}
	row.Session, row.Connection, row.AccountKey, row.At, row.SourceName = s.ID, c.ID, c.AccountKey, now, c.SourceName
	if _, err := tx.InsertAction(row); err != nil {
		return r, err
	}
	return r, s.e.recordSourceEvent(tx, ses, event.SourceDisconnected, c, now)
}

// cause is what a revocation comes from; see [Engine.revokeNow].
func (e *Engine) cause(ses id.Session, now time.Time) connection.Cause {
	return connection.Cause{Session: ses, By: e.o.Liveness.Self(), Now: now}
}

// revokeNow makes the first try of revocations that were just committed. One that ctx cuts stays pending.
func (e *Engine) revokeNow(ctx context.Context, revocations []id.Revocation) error {
	for _, r := range revocations {
		if err := e.revoker().First(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Outside is what a disconnect outside of a session did: the connection and its revocation as they are after the first
// try, and the event that tells of it.
type Outside struct {
	Connection store.Connection
	Revocation store.Revocation
	Event      id.Event
}

// DisconnectOutside takes a connection away outside of any session, tells the hooks, and asks the source to revoke its
// grant. Problems: connection_not_found.
func (e *Engine) DisconnectOutside(ctx context.Context, con id.Connection) (Outside, error) {
	var c store.Connection
	var r store.Revocation
	told := id.New[id.Event]()
	err := e.o.Store.Update(ctx, func(tx store.Tx) (err error) {
		c, err = tx.Connection(con)
		if errors.Is(err, store.ErrNotFound) || err == nil && c.State == store.ConnectionDisconnected {
			return problem.New(connection.CodeNotFound, "there is no connection %s", con).
				Hint("see: humanconnect connection list")
		}
		if err != nil {
			return err
		}
		now := e.o.Clock.Now()
		if c, r, err = connection.Disconnect(tx, c, e.cause("", now)); err != nil {
			return err
		}
		resp, err := event.BuildOutside(tx, c, event.DisconnectedSource, e.states(now))
		if err != nil {
			return err
		}
		changed, err := event.Of(tx, c)
		if err != nil {
			return err
		}
		return hook.Record(tx, event.Event{
			Type: event.SourceDisconnected, ID: told, Sequence: 1, Timestamp: event.Time(now),
			Source: &changed, Response: resp,
		}, "", now, e.o.Hooks, nil)
	})
	if err != nil {
		return Outside{}, err
	}
	e.wake()
	if err := e.revokeNow(ctx, []id.Revocation{r.ID}); err != nil {
		return Outside{c, r, told}, err
	}
	err = e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		r, err = tx.Revocation(r.ID)
		return err
	})
	return Outside{c, r, told}, err
}
