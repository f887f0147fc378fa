package storetest

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func sessionTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                     sessionRoundTrip,
		"MissingIsErrNotFound":          missingSessions,
		"ATokenOpensOneSession":         oneSessionPerToken,
		"OverdueIsOpenAndAtItsEnd":      overdueSessions,
		"FiltersSelectAndNewestIsFirst": sessionFilters,
		"HooksComeInTheOrderTheyCame":   sessionHooks,
		"AFingerprintIsOnceInASession":  oneHookPerFingerprint,
		"HooksOfCallsWithoutASession":   hooksWithoutSession,
		"AHookIsSavedInItsPlace":        savedHook,
		"AnEndMovesOnceAndNeverBack":    endSession,
	}
}

func fullSession(user id.Human) store.Session {
	ses := session(user)
	ses.Sources, ses.EndReason, ses.Epoch, ses.Sequence = []string{"withings"}, store.EndRevoked, 7, 9
	ses.Script, ses.ScriptRun, ses.ClosedAt, ses.Status = digest("script"), 3, at(5), "SUCCESS"
	ses.Cut, ses.Response, ses.Hooks = "interrupt", blob(100<<10), []byte(`[{"name":"journal"}]`)
	return ses
}

func sessionRoundTrip(s *suite) {
	user := s.addUser("u")
	empty := session(user)
	empty.Sources, empty.Script, empty.Response, empty.Owner = []string{}, []byte{}, []byte{}, ""
	complete(s, fullSession(user))
	for name, ses := range map[string]store.Session{"full": fullSession(user), "sparse": session(user), "empty": empty} {
		s.update(func(tx store.Tx) error { return tx.InsertSession(ses) })
		s.wantSession(name, ses)
		closed := fullSession(user)
		closed.ID, closed.TokenKey = ses.ID, ses.TokenKey
		s.update(func(tx store.Tx) error { return tx.SaveSession(closed) })
		s.wantSession(name+" saved", closed)
		s.update(func(tx store.Tx) error { return tx.SaveSession(ses) })
		s.wantSession(name+" saved back", ses)
	}
}

func (s *suite) wantSession(name string, want store.Session) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Session(want.ID)
		same(s, name, got, want)
		byToken, err2 := tx.SessionByToken(want.TokenKey)
		same(s, name+" by token", byToken, want)
		return must(err, err2)
	})
}

func missingSessions(s *suite) {
	user := s.addUser("u")
	s.addSession(user)
	s.missing(map[string]func(store.Tx) error{
		"session":  func(tx store.Tx) error { return drop(tx.Session(id.New[id.Session]())) },
		"by token": func(tx store.Tx) error { return drop(tx.SessionByToken(digest("none"))) },
		"hook":     func(tx store.Tx) error { return drop(tx.SessionHook(id.New[id.SessionHook]())) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveSession(session(user)), store.ErrNotFound)
		return nil
	})
}

func oneSessionPerToken(s *suite) {
	user := s.addUser("u")
	first, second := s.addSession(user), session(user)
	second.TokenKey = first.TokenKey
	s.update(func(tx store.Tx) error {
		wantErr(s, "same token", tx.InsertSession(second), store.ErrExists)
		wantErr(s, "same id", tx.InsertSession(first), store.ErrExists)
		return nil
	})
}

func overdueSessions(s *suite) {
	user := s.addUser("u")
	end := func(seconds int, closedAt time.Time) id.Session {
		ses := session(user)
		ses.EndsAt, ses.ClosedAt = at(seconds), closedAt
		s.update(func(tx store.Tx) error { return tx.InsertSession(ses) })
		return ses.ID
	}
	third, first, second := end(10, time.Time{}), end(3, time.Time{}), end(7, time.Time{})
	end(5, at(4))        // closed
	end(11, time.Time{}) // not yet
	for limit, want := range map[int][]id.Session{0: {first, second, third}, 2: {first, second}, 9: {first, second, third}} {
		s.view(func(tx store.Tx) error {
			got, err := tx.OverdueSessions(at(10), limit)
			same(s, "overdue", got, want)
			return err
		})
	}
	s.view(func(tx store.Tx) error {
		got, err := tx.OverdueSessions(at(3).Add(-time.Millisecond), 0)
		same(s, "a millisecond before the first end", len(got), 0)
		return err
	})
}

func sessionIDs(sessions []store.Session) []id.Session {
	return collect(sessions, func(s store.Session) id.Session { return s.ID })
}

func collect[T, U any](in []T, f func(T) U) []U {
	var out []U
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

func sessionFilters(s *suite) {
	mine, other := s.addUser("mine"), s.addUser("other")
	var all []id.Session // the newest first
	add := func(user id.Human, closedAt time.Time) id.Session {
		ses := session(user)
		ses.ClosedAt = closedAt
		s.update(func(tx store.Tx) error { return tx.InsertSession(ses) })
		all = append([]id.Session{ses.ID}, all...)
		return ses.ID
	}
	a, b, c, d := add(mine, at(1)), add(other, time.Time{}), add(mine, time.Time{}), add(other, at(1))
	late := session(other)
	late.OpenedAt, late.ClosedAt, late.Status = at(9), at(10), "SUCCESS"
	e := late.ID
	s.update(func(tx store.Tx) error {
		_, err := tx.InsertAction(store.Action{Session: b, Kind: store.ActionConnect, Target: "oura", Source: "oura", At: at(1)})
		return must(tx.InsertSession(late), err)
	})
	open, closed := true, false
	for _, test := range []struct {
		name   string
		filter store.SessionFilter
		want   []id.Session
	}{
		{"none", store.SessionFilter{}, append([]id.Session{e}, all...)},
		{"limit", store.SessionFilter{Limit: 2}, []id.Session{e, d}},
		{"user", store.SessionFilter{User: mine}, []id.Session{c, a}},
		{"open", store.SessionFilter{Open: &open}, []id.Session{c, b}},
		{"closed", store.SessionFilter{Open: &closed}, []id.Session{e, d, a}},
		{"all at once", store.SessionFilter{User: mine, Open: &closed, Limit: 1}, []id.Session{a}},
		{"since", store.SessionFilter{Since: at(9)}, []id.Session{e}},
		{"after", store.SessionFilter{After: c}, []id.Session{b, a}},
		{"status", store.SessionFilter{Status: "SUCCESS"}, []id.Session{e}},
		{"source", store.SessionFilter{Source: "oura"}, []id.Session{b}},
		{"nobody", store.SessionFilter{User: id.NewHuman()}, nil},
	} {
		s.view(func(tx store.Tx) error {
			got, err := tx.Sessions(test.filter)
			same(s, test.name, sessionIDs(got), test.want)
			return err
		})
	}
}

func sessionHook(session id.Session, fingerprint string) store.SessionHook {
	return store.SessionHook{
		ID: id.New[id.SessionHook](), Session: session, Fingerprint: digest(fingerprint), Spec: []byte(`{"shell":"true"}`),
	}
}

func sessionHooks(s *suite) {
	user := s.addUser("u")
	ses, other := s.addSession(user), s.addSession(user)
	a, b, c := sessionHook(ses.ID, "a"), sessionHook(other.ID, "a"), sessionHook(ses.ID, "c")
	complete(s, a)
	b.Spec = nil
	s.update(func(tx store.Tx) error {
		return must(tx.InsertSessionHook(c), tx.InsertSessionHook(b), tx.InsertSessionHook(a))
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.SessionHooks(ses.ID)
		same(s, "hooks", got, []store.SessionHook{c, a})
		one, err2 := tx.SessionHook(b.ID)
		same(s, "hook", one, b)
		return must(err, err2)
	})
}

func oneHookPerFingerprint(s *suite) {
	ses := s.addSession(s.addUser("u"))
	s.update(func(tx store.Tx) error {
		err := tx.InsertSessionHook(sessionHook(ses.ID, "a"))
		wantErr(s, "again", tx.InsertSessionHook(sessionHook(ses.ID, "a")), store.ErrExists)
		return err
	})
}

func hooksWithoutSession(s *suite) {
	a, b := sessionHook("", "a"), sessionHook("", "a")
	s.update(func(tx store.Tx) error { return must(tx.InsertSessionHook(a), tx.InsertSessionHook(b)) })
	s.view(func(tx store.Tx) error {
		got, err := tx.SessionHook(b.ID)
		same(s, "hook", got, b)
		return err
	})
}

func endSession(s *suite) {
	user := s.addUser("u")
	over, closed, open := s.addSession(user), s.addSession(user), s.addSession(user)
	over.EndsAt, closed.ClosedAt = at(5), at(4)
	s.update(func(tx store.Tx) error {
		return must(tx.SaveSession(over), tx.SaveSession(closed), store.EndSession(tx, digest("none"), store.EndRevoked, at(5)))
	})
	for n := range 3 { // the first counts
		s.update(func(tx store.Tx) error {
			return must(
				store.EndSession(tx, over.TokenKey, store.EndRevoked, at(5+n)), store.EndSession(tx, closed.TokenKey, store.EndRevoked, at(5+n)),
				store.EndSession(tx, open.TokenKey, store.EndRevoked, at(5+n)),
			)
		})
	}
	open.EndsAt, open.EndReason = at(5), store.EndRevoked
	for name, ses := range map[string]store.Session{"over": over, "closed": closed, "open": open} {
		s.wantSession(name, ses)
	}
}

func savedHook(s *suite) {
	ses := session(s.addUser("u"))
	a, b := sessionHook(ses.ID, "a"), sessionHook(ses.ID, "b")
	changed := a
	changed.Spec = []byte(`{"shell":"true","host":"there"}`)
	s.update(func(tx store.Tx) error {
		return must(tx.InsertSession(ses), tx.InsertSessionHook(a), tx.InsertSessionHook(b), tx.SaveSessionHook(changed))
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.SessionHooks(ses.ID)
		same(s, "hooks", got, []store.SessionHook{changed, b})
		return err
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "of none", tx.SaveSessionHook(sessionHook(ses.ID, "c")), store.ErrNotFound)
		return nil
	})
}
