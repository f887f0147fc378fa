//go:build linux

package crash_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// stepLimit is how long a session may take to come to a step.
const stepLimit = 60 * time.Second

// awaitAttempt waits until an open attempt of the one open session is as wanted. The program itself does not show how
// far an attempt is.
func (h *home) awaitAttempt(t testing.TB, what string, is func(store.Attempt) bool) store.Attempt {
	t.Helper()
	var found store.Attempt
	within(t, stepLimit, what, func() bool {
		attempts, err := h.attempts()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range attempts {
			if a.State == store.AttemptOpen && is(a) {
				found = a
				return true
			}
		}
		return false
	})
	return found
}

// waits says whether the provider has asked to be asked again, and nobody has yet.
func waits(a store.Attempt) bool { return !a.DueAt.IsZero() && a.Begun == "" }

// begun says whether a provider works on a form.
func begun(a store.Attempt) bool { return a.Begun == "form" }

// attempts are those of all open sessions.
func (h *home) attempts() (out []store.Attempt, err error) {
	err = h.view(func(tx store.Tx) error {
		open := true
		sessions, err := tx.Sessions(store.SessionFilter{Open: &open})
		out = out[:0]
		for _, ses := range sessions {
			of, err := tx.Attempts(ses.ID)
			if err != nil {
				return err
			}
			out = append(out, of...)
		}
		return err
	})
	return out, err
}

// actions are those of a session that have ended.
func (h *home) actions(ses id.Session) (out []store.Action, err error) {
	err = h.view(func(tx store.Tx) (err error) {
		out, err = tx.Actions(ses)
		return err
	})
	return out, err
}

// credential is what is kept of a connection's, unsealed.
func (h *home) credential(con id.Connection) (credential []byte, err error) {
	err = h.view(func(tx store.Tx) error {
		c, err := tx.Connection(con)
		credential = c.Credential
		return err
	})
	return credential, err
}

// done says how many actions of a user's one session have ended.
func done(tx store.Tx, user string) (int, error) {
	u, err := tx.User("crash", user)
	if err != nil {
		return 0, err
	}
	sessions, err := tx.Sessions(store.SessionFilter{User: u.HumanID})
	if err != nil || len(sessions) == 0 {
		return 0, err
	}
	actions, err := tx.Actions(sessions[0].ID)
	return len(actions), err
}

// view reads the state, if there is one yet.
func (h *home) view(read func(store.Tx) error) error {
	return h.keepOpen(func(view func(func(store.Tx) error) error) error { return view(read) })
}

// keepOpen lets look read the state again and again, if there is one yet.
func (h *home) keepOpen(look func(view func(func(store.Tx) error) error) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	s, err := sqlite.Open(ctx, sqlite.Options{Dir: h.state(), ReadOnly: true})
	if missing := (*sqlite.Error)(nil); errors.As(err, &missing) && missing.Code() == sqlite.CodeMissing {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	return look(func(read func(store.Tx) error) error { return s.View(ctx, read) })
}
