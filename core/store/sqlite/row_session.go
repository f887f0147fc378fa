package sqlite

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func sessionFields(s *store.Session, in box) []field {
	return []field{
		{"id", &s.ID},
		{"token_key", &s.TokenKey},
		{"human_id", &s.User},
		{"sources", names{&s.Sources}},
		{"opened_at", instant{&s.OpenedAt}},
		{"ends_at", instant{&s.EndsAt}},
		{"end_reason", &s.EndReason},
		{"owner", &s.Owner},
		{"epoch", &s.Epoch},
		{"sequence", &s.Sequence},
		{"hooks", maybeBytes{&s.Hooks}},
		{"script", maybeBytes{&s.Script}},
		{"script_run", &s.ScriptRun},
		{"closed_at", maybeInstant{&s.ClosedAt}},
		{"status", &s.Status},
		{"cut", &s.Cut},
		in.bytes("response", purposeResponse, &s.Response),
	}
}

func (t *tx) Session(session id.Session) (store.Session, error) {
	return t.tables.session.find(t, "WHERE id = ?", session)
}

func (t *tx) SessionByToken(key []byte) (store.Session, error) {
	return t.tables.session.find(t, "WHERE token_key = ?", keyValue(key))
}

func (t *tx) InsertSession(s store.Session) error { return t.tables.session.insert(t, s) }

func (t *tx) SaveSession(s store.Session) error { return t.tables.session.save(t, s) }

func (t *tx) OverdueSessions(now time.Time, limit int) (out []id.Session, err error) {
	err = t.query(overdueSessions, []any{instant{&now}, rowLimit(limit)}, func(scan func(...any) error) error {
		var ses id.Session
		err := scan(&ses)
		out = append(out, ses)
		return err
	})
	return out, err
}

const overdueSessions = "SELECT id FROM session WHERE closed_at IS NULL AND ends_at <= ? ORDER BY ends_at, n LIMIT ?"

func (t *tx) Sessions(f store.SessionFilter) ([]store.Session, error) {
	s := selectSessions(f)
	rest, args := s.rest("n DESC", f.Limit)
	return t.tables.listedSession.list(t, rest, args...)
}

func selectSessions(f store.SessionFilter) selection {
	var s selection
	s.where(f.User != "", "human_id = ?", f.User)
	s.where(f.Source != "", "EXISTS (SELECT 1 FROM action WHERE session_id = session.id AND action.source = ?)", f.Source)
	s.where(f.Status != "", "status = ?", f.Status)
	s.since("session", "opened_at", &f.Since)
	s.where(f.After != "", "n < (SELECT n FROM session WHERE id = ?)", f.After)
	s.where(f.Open != nil && *f.Open, "closed_at IS NULL")
	s.where(f.Open != nil && !*f.Open, "closed_at IS NOT NULL")
	return s
}

func hookFields(h *store.SessionHook, in box) []field {
	return []field{
		{"id", &h.ID},
		{"session_id", maybeID{(*string)(&h.Session)}},
		{"fingerprint", &h.Fingerprint},
		in.bytes("spec", purposeHook, &h.Spec),
	}
}

func (t *tx) InsertSessionHook(h store.SessionHook) error { return t.tables.sessionHook.insert(t, h) }

func (t *tx) SaveSessionHook(h store.SessionHook) error { return t.tables.sessionHook.save(t, h) }

func (t *tx) SessionHook(hook id.SessionHook) (store.SessionHook, error) {
	return t.tables.sessionHook.find(t, "WHERE id = ?", hook)
}

func (t *tx) SessionHooks(session id.Session) ([]store.SessionHook, error) {
	return t.tables.sessionHook.list(t, "WHERE session_id = ? ORDER BY n", session)
}
