package sqlite

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func attemptFields(a *store.Attempt, in box) []field {
	return []field{
		{"id", &a.ID},
		{"session_id", &a.Session},
		{"script_run", &a.Position.Run},
		{"script_no", &a.Position.No},
		{"source", &a.Source},
		{"provider", &a.Provider},
		{"expected", &a.Expected},
		{"state", &a.State},
		{"version", &a.Version},
		{"steps", &a.Steps},
		{"redirect_uri", &a.RedirectURI},
		in.bytes("oauth_state", purposeState, &a.OAuthState),
		{"state_hash", maybeBytes{&a.StateHash}},
		in.bytes("resume", purposeResume, &a.Resume),
		in.bytes("last_step", purposeStep, &a.LastStep),
		in.bytes("callback", purposeCallback, &a.Callback),
		in.bytes("hosts", purposeHosts, &a.Hosts),
		{"begun", &a.Begun},
		{"due_at", instant{&a.DueAt}},
		{"created_at", instant{&a.CreatedAt}},
		{"expires_at", instant{&a.ExpiresAt}},
	}
}

func (t *tx) Attempt(attempt id.Attempt) (store.Attempt, error) {
	return t.tables.attempt.find(t, "WHERE id = ?", attempt)
}

func (t *tx) AttemptByState(hash []byte) (store.Attempt, error) {
	return t.tables.attempt.find(t, "WHERE state_hash = ?", keyValue(hash))
}

func (t *tx) InsertAttempt(a store.Attempt) error { return t.tables.attempt.insert(t, a) }

func (t *tx) SaveAttempt(a store.Attempt) error { return t.tables.attempt.save(t, a) }

func (t *tx) Attempts(session id.Session) ([]store.Attempt, error) {
	return t.tables.attempt.list(t, "WHERE session_id = ? ORDER BY n", session)
}

const cancelAttempts = `UPDATE attempt SET state = ?, version = version + 1, begun = '', due_at = ?, state_hash = NULL,
	oauth_state = NULL, resume = NULL, last_step = NULL, callback = NULL, hosts = NULL WHERE session_id = ? AND state = ?`

func (t *tx) CancelAttempts(session id.Session) error {
	var none time.Time
	_, err := t.exec(cancelAttempts, store.AttemptCancelled, instant{&none}, session, store.AttemptOpen)
	return err
}

func actionFields(a *store.Action) []field {
	return []field{
		{"session_id", &a.Session},
		{"no", &a.No},
		{"script_run", &a.Position.Run},
		{"script_no", &a.Position.No},
		{"kind", &a.Kind},
		{"target", &a.Target},
		{"source", &a.Source},
		{"source_name", &a.SourceName},
		{"connection_id", &a.Connection},
		{"account_key", accountKey{&a.AccountKey}},
		{"code", &a.Code},
		{"message", &a.Message},
		{"retryable", &a.Retryable},
		{"field", &a.Field},
		{"setting", &a.Setting},
		{"retry_after", &a.RetryAfter},
		{"documentation_url", &a.DocumentationURL},
		{"at", instant{&a.At}},
	}
}

func (t *tx) InsertAction(a store.Action) (store.Action, error) {
	last, err := t.number(lastAction, a.Session)
	if err != nil {
		return store.Action{}, err
	}
	a.No = int(last) + 1
	if err := t.tables.action.insert(t, a); err != nil {
		return store.Action{}, err
	}
	return a, nil
}

const lastAction = `SELECT coalesce(max("no"), 0) FROM action WHERE session_id = ?`

func (t *tx) Actions(session id.Session) ([]store.Action, error) {
	return t.tables.action.list(t, `WHERE session_id = ? ORDER BY "no"`, session)
}
