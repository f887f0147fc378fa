package session

import (
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/store"
)

// progress is how far a script has come in this process.
type progress struct {
	actions []Action
	begun   map[int]bool
}

// follow says which actions the session is to work through.
func (s *Session) follow(actions []Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = progress{actions, make(map[int]bool)}
}

func (s *Session) markBegun(no int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.begun[no] = true
}

// setName keeps the name of a source, for a failure of an action that has not come as far as to find it.
func (s *Session) setName(source, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[source] = name
}

// recordUnfinished gives each action of the script that has no outcome a failure, in the transaction that closes the session:
// the response then says of every action what came of it. A person's attempts are no actions of a script, and are cancelled.
func (s *Session) recordUnfinished(tx store.Tx, ses store.Session, cut Cut, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.progress.actions) == 0 {
		return nil
	}
	rows, err := tx.Actions(ses.ID)
	if err != nil {
		return err
	}
	over := !now.Before(ses.EndsAt)
	for no, a := range s.progress.actions {
		at := s.position(no)
		if slices.ContainsFunc(rows, func(r store.Action) bool { return r.Position == at }) {
			continue
		}
		row, err := s.unfinished(tx, a, at)
		if err != nil {
			return err
		}
		f := failure.New(failure.AttemptInterrupted, "%s", unfinishedText(cut, over, s.progress.begun[no]))
		row.Session, row.At, row.Code, row.Message, row.Retryable = ses.ID, now, string(f.Code), f.Message, f.Retryable
		if _, err := tx.InsertAction(row); err != nil {
			return err
		}
	}
	return nil
}

// unfinished is the row of an action, without its outcome.
func (s *Session) unfinished(tx store.Tx, a Action, at store.ScriptPosition) (store.Action, error) {
	t, err := s.find(tx, a.Target)
	if err != nil {
		return store.Action{}, err
	}
	row := store.Action{Position: at, Kind: a.Kind, Target: a.Target, Source: t.source, SourceName: t.sourceName}
	if t.connection != nil && a.Kind == store.ActionConnect {
		row.Connection = t.connection.ID
	}
	if name := s.names[t.source]; name != "" {
		row.SourceName = name
	}
	return row, nil
}

func unfinishedText(cut Cut, over, begun bool) string {
	why := "the session was closed"
	switch {
	case over:
		why = "the session token came to its end"
	case cut == CutTimeLimit:
		why = "the time limit passed"
	case cut == CutInterrupt, cut == CutTerminate:
		why = "the call was interrupted"
	}
	if begun {
		return why + " before the action was finished"
	}
	return why + " before the action began"
}
