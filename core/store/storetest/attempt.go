package storetest

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func attemptTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                 attemptRoundTrip,
		"MissingIsErrNotFound":      missingAttempts,
		"AStateHashNamesOneAttempt": oneAttemptPerState,
		"AttemptsComeInTheirOrder":  attemptOrder,

		"CancelledAttemptsKeepNothingThatOnlyOpenOnesNeed": cancelledAttempts,
	}
}

func attempt(session id.Session) store.Attempt {
	return store.Attempt{
		ID: id.New[id.Attempt](), Session: session, Position: store.ScriptPosition{No: store.NoScript}, Source: "withings", Provider: "oauth2",
		State: store.AttemptOpen, CreatedAt: at(0), ExpiresAt: at(900),
	}
}

func fullAttempt(session id.Session) store.Attempt {
	a := attempt(session)
	a.Position, a.Expected, a.State = store.ScriptPosition{Run: 2, No: 4}, id.New[id.Connection](), store.AttemptFailed
	a.Version, a.Steps, a.RedirectURI = 12, 3, "http://127.0.0.1:7777/callback"
	a.OAuthState, a.StateHash = []byte("state"), digest(a.ID)
	a.Resume, a.LastStep, a.Callback = blob(100<<10), []byte(`{"form":{}}`), []byte(`{"code":"x"}`)
	a.Hosts = []byte("home.example:8443")
	a.Begun, a.DueAt = "callback", at(7)
	return a
}

func attemptRoundTrip(s *suite) {
	ses := s.addSession(s.addUser("u"))
	empty := attempt(ses.ID)
	empty.OAuthState, empty.Resume, empty.LastStep, empty.Callback = []byte{}, []byte{}, []byte{}, []byte{}
	empty.Hosts = []byte{}
	complete(s, fullAttempt(ses.ID))
	for name, a := range map[string]store.Attempt{"full": fullAttempt(ses.ID), "sparse": attempt(ses.ID), "empty": empty} {
		s.update(func(tx store.Tx) error { return tx.InsertAttempt(a) })
		s.wantAttempt(name, a)
		changed := fullAttempt(ses.ID)
		changed.ID = a.ID
		s.update(func(tx store.Tx) error { return tx.SaveAttempt(changed) })
		s.wantAttempt(name+" saved", changed)
		s.update(func(tx store.Tx) error { return tx.SaveAttempt(a) })
		s.wantAttempt(name+" saved back", a)
	}
}

func (s *suite) wantAttempt(name string, want store.Attempt) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Attempt(want.ID)
		same(s, name, got, want)
		if want.StateHash == nil || err != nil {
			return err
		}
		byState, err := tx.AttemptByState(want.StateHash)
		same(s, name+" by state", byState, want)
		return err
	})
}

func missingAttempts(s *suite) {
	ses := s.addSession(s.addUser("u"))
	s.update(func(tx store.Tx) error { return tx.InsertAttempt(attempt(ses.ID)) })
	s.missing(map[string]func(store.Tx) error{
		"attempt":       func(tx store.Tx) error { return drop(tx.Attempt(id.New[id.Attempt]())) },
		"by state":      func(tx store.Tx) error { return drop(tx.AttemptByState(digest("none"))) },
		"by no state":   func(tx store.Tx) error { return drop(tx.AttemptByState(nil)) },
		"by zero bytes": func(tx store.Tx) error { return drop(tx.AttemptByState([]byte{})) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveAttempt(attempt(ses.ID)), store.ErrNotFound)
		return nil
	})
}

func oneAttemptPerState(s *suite) {
	ses := s.addSession(s.addUser("u"))
	a, b := attempt(ses.ID), attempt(ses.ID)
	a.StateHash, b.StateHash = digest("x"), digest("x")
	s.update(func(tx store.Tx) error {
		err := tx.InsertAttempt(a)
		wantErr(s, "same state", tx.InsertAttempt(b), store.ErrExists)
		a.StateHash = nil // used up
		return must(err, tx.SaveAttempt(a), tx.InsertAttempt(b))
	})
	s.update(func(tx store.Tx) error {
		a.StateHash = b.StateHash
		wantErr(s, "saved with the state of another", tx.SaveAttempt(a), store.ErrExists)
		return nil
	})
}

func attemptOrder(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	a, b, c := attempt(ses.ID), attempt(ses.ID), attempt(other.ID)
	s.update(func(tx store.Tx) error { return must(tx.InsertAttempt(b), tx.InsertAttempt(c), tx.InsertAttempt(a)) })
	s.view(func(tx store.Tx) error {
		got, err := tx.Attempts(ses.ID)
		same(s, "attempts", got, []store.Attempt{b, a})
		none, err2 := tx.Attempts(id.New[id.Session]())
		same(s, "attempts of no session", len(none), 0)
		return must(err, err2)
	})
}

func cancelledAttempts(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	var all []store.Attempt
	for _, of := range []id.Session{ses.ID, other.ID} {
		for _, state := range []store.AttemptState{store.AttemptOpen, store.AttemptFailed, store.AttemptConnected} {
			a := fullAttempt(of)
			a.State = state
			all = append(all, a)
		}
	}
	s.update(func(tx store.Tx) error {
		for _, a := range all {
			if err := tx.InsertAttempt(a); err != nil {
				return err
			}
		}
		return tx.CancelAttempts(ses.ID)
	})
	a := &all[0]
	a.State, a.Version, a.Begun, a.DueAt, a.StateHash = store.AttemptCancelled, a.Version+1, "", time.Time{}, nil
	a.OAuthState, a.Resume, a.LastStep, a.Callback, a.Hosts = nil, nil, nil, nil, nil
	for _, of := range []id.Session{ses.ID, other.ID} {
		s.view(func(tx store.Tx) error {
			got, err := tx.Attempts(of)
			same(s, "attempts", got, all[:3])
			all = all[3:]
			return err
		})
	}
	s.update(func(tx store.Tx) error {
		return must(tx.CancelAttempts(ses.ID), tx.CancelAttempts(id.New[id.Session]()))
	})
}

func actionTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTripAndNumbersInASession": actionNumbers,
	}
}

func actionNumbers(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	success := store.Action{
		Session: ses.ID, Position: store.ScriptPosition{No: store.NoScript}, Kind: store.ActionConnect, Target: "withings", Source: "withings", SourceName: "Withings",
		Connection: id.New[id.Connection](), AccountKey: digest("account"), At: at(1),
	}
	failure := store.Action{
		Session: ses.ID, Position: store.ScriptPosition{Run: 1, No: 2}, Kind: store.ActionDisconnect, Target: "con_x", Source: "epic", SourceName: "Epic",
		Connection: id.New[id.Connection](), AccountKey: digest("other"), Code: "rate_limited", Message: "later", Retryable: true, Field: "f", Setting: "s",
		DocumentationURL: "https://source.example.com/access",
		RetryAfter:       1500*time.Millisecond + time.Nanosecond, At: at(2),
	}
	elsewhere := store.Action{Session: other.ID, Kind: store.ActionConnect, At: at(3)}
	var made []store.Action
	s.update(func(tx store.Tx) error {
		made = nil
		for _, a := range []store.Action{success, elsewhere, failure} {
			got, err := tx.InsertAction(a)
			if err != nil {
				return err
			}
			made = append(made, got)
		}
		return nil
	})
	success.No, elsewhere.No, failure.No = 1, 1, 2
	complete(s, failure)
	same(s, "inserted", made, []store.Action{success, elsewhere, failure})
	s.view(func(tx store.Tx) error {
		got, err := tx.Actions(ses.ID)
		same(s, "actions", got, []store.Action{success, failure})
		return err
	})
}
