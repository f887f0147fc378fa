package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// The codes of the problems of this package.
const (
	// CodeTakenOver is the code of [ErrTakenOver].
	CodeTakenOver problem.Code = "taken_over"
	// CodeCredentialLost is the code of [ErrCredentialLost].
	CodeCredentialLost problem.Code = "grant_lost"
	// CodeCredentialUnknown is the code of [ErrCredentialUnknown].
	CodeCredentialUnknown problem.Code = "grant_unknown"
	// CodeInUse: another process has the session open.
	CodeInUse problem.Code = "session_in_use"
	// CodeAnswerMissing: a script has no answer for a required field.
	CodeAnswerMissing problem.Code = "answer_missing"
	// CodeAnswerUnknown: a script has an answer that nothing asks for.
	CodeAnswerUnknown problem.Code = "answer_unknown"
)

// ErrTakenOver: another front end owns the session now. Nothing is printed of it.
var ErrTakenOver error = problem.New(CodeTakenOver, "another process took over the session").
	Hint("that process prints the response; see: humanconnect session list")

// ErrEnded: the session's end has passed, or it was closed. Close gives the response.
var ErrEnded = errors.New("the session has ended")

// ErrCredentialLost: a source has granted access, the store did not keep it, and it could not be given back.
var ErrCredentialLost error = problem.New(CodeCredentialLost, "could not store the credential; the access is still active at the source").
	Hint("revoke it in the account settings of the source, or connect and disconnect again")

// ErrCredentialUnknown: a source has granted access, and the commit of its credential failed in a way that leaves open
// whether it is stored. It was not revoked.
var ErrCredentialUnknown error = problem.New(CodeCredentialUnknown, "it is unknown whether the credential was stored; it was not revoked").
	Hint("check the disk, then run the same command again: it continues from what was stored")

// maxCalls bounds how many calls to providers a session makes at once. Attempts that wait make none.
const maxCalls = 64

// Session is this front end's grip on an open session. It is safe for concurrent use.
type Session struct {
	ID     id.Session
	User   store.User
	EndsAt time.Time

	e       *Engine
	sources []string
	epoch   int64
	run     int
	// What the driver said of itself.
	frontEnd  sdk.FrontEnd
	redirects Redirects
	locale    string
	// person is held by the attempt that has the person in a browser; calls are the calls to providers under way.
	person chan struct{}
	calls  chan struct{}

	mu sync.Mutex
	// held are the attempts that this front end began or took up.
	held map[id.Attempt]bool
	// progress of the script, and names of sources by id.
	progress progress
	names    map[string]string
}

// addHeld says that an attempt is this front end's.
func (s *Session) addHeld(a id.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[a] = true
}

func (s *Session) isHeld(a id.Attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[a]
}

func newSession(e *Engine, row store.Session, user store.User, r OpenRequest, names map[string]string) *Session {
	return &Session{
		ID: row.ID, User: user, EndsAt: row.EndsAt,
		e: e, sources: row.Sources, epoch: row.Epoch, run: row.ScriptRun, held: make(map[id.Attempt]bool),
		frontEnd: r.FrontEnd, redirects: r.Redirects, locale: r.Locale,
		person: make(chan struct{}, 1), calls: make(chan struct{}, maxCalls), names: names,
	}
}

// position is that of an action of the list that the session works through now.
func (s *Session) position(no int) store.ScriptPosition {
	return store.ScriptPosition{Run: s.run, No: no}
}

// guard reads the session's row at the start of a write and says whether this front end may still make it.
func (s *Session) guard(tx store.Tx) (store.Session, error) {
	ses, err := tx.Session(s.ID)
	switch {
	case err != nil:
		return ses, fmt.Errorf("read session %s: %w", s.ID, err)
	case ses.Epoch != s.epoch: // before all else: the new owner may have closed it since
		return ses, ErrTakenOver
	case !ses.ClosedAt.IsZero():
		return ses, ErrEnded
	case !s.e.o.Clock.Now().Before(ses.EndsAt):
		return ses, ErrEnded
	}
	return ses, nil
}

// lost returns why this front end may not go on, or nil: [ErrTakenOver] or [ErrEnded].
func (s *Session) lost(ctx context.Context) error {
	var lost error
	err := s.e.o.Store.View(ctx, func(tx store.Tx) error {
		_, lost = s.guard(tx)
		return nil
	})
	if err != nil || !errors.Is(lost, ErrTakenOver) && !errors.Is(lost, ErrEnded) {
		return nil // the next write will tell
	}
	return lost
}

// watchEvery is how often a front end that waits looks whether its session is still its own.
const watchEvery = time.Second

// sleep returns at a time; with the cause of ctx's end, or when the session is lost, sooner. A clock that is set back makes it no
// longer than it was to be.
func (s *Session) sleep(ctx context.Context, until time.Time) error {
	left := until.Sub(s.e.o.Clock.Now())
	for {
		step := min(until.Sub(s.e.o.Clock.Now()), left, watchEvery)
		if step <= 0 {
			return nil
		}
		next, stop := s.e.o.Clock.After(step)
		select {
		case <-next:
			left -= step
		case <-ctx.Done():
			stop()
			return context.Cause(ctx)
		}
		if err := s.lost(ctx); err != nil {
			return err
		}
	}
}

// allows says whether the token lets this source be connected or disconnected.
func (s *Session) allows(source string) bool {
	return s.sources == nil || slices.Contains(s.sources, source)
}

// target is what an action is about.
type target struct {
	asked      string
	source     string
	sourceName string
	// connection is set where the action names one.
	connection *store.Connection
}

// resolve reads a target: a connection of this user, or a source.
func (s *Session) resolve(ctx context.Context, asked string) (target, error) {
	var t target
	err := s.e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		t, err = s.find(tx, asked)
		return err
	})
	if err == nil && t.source == "" {
		err = notConnected()
	}
	return t, err
}

// find is resolve in the caller's transaction; the source of a connection that is not the user's is "".
func (s *Session) find(tx store.ConnectionTx, asked string) (target, error) {
	con, err := id.Parse[id.Connection](asked)
	if err != nil {
		return target{asked: asked, source: asked, sourceName: asked}, nil
	}
	c, err := tx.Connection(con)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.User != s.User.HumanID {
		return target{asked: asked}, nil
	}
	return target{asked: asked, source: c.Source, sourceName: c.SourceName, connection: &c}, err
}

func notConnected() *failure.Failure {
	return failure.New(failure.NotConnected, "there is no such connection")
}

// recordFailure keeps the failure of an action, and ends its attempt if there is a stored one.
func (s *Session) recordFailure(ctx context.Context, a store.Action, attempt *store.Attempt, f *failure.Failure) error {
	a.Session, a.Code, a.Message, a.Retryable = s.ID, string(f.Code), f.Message, f.Retryable
	a.Field, a.Setting, a.RetryAfter, a.DocumentationURL = f.Field, f.Setting, f.RetryAfter, f.DocumentationURL
	err := s.e.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := s.guard(tx); err != nil {
			return err
		}
		a.At = s.e.o.Clock.Now()
		if attempt != nil {
			row, err := tx.Attempt(attempt.ID)
			if err != nil {
				return err
			}
			if row.State != store.AttemptOpen {
				return nil // it has ended already, and its action is written
			}
			if err := tx.SaveAttempt(endAttempt(row, store.AttemptFailed)); err != nil {
				return err
			}
		}
		_, err := tx.InsertAction(a)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a failure: %w", err)
	}
	s.e.bell.ring()
	return nil
}
