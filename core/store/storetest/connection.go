package storetest

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func connectionTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                              connectionRoundTrip,
		"MissingIsErrNotFound":                   missingConnections,
		"AnAccountHasOneActiveConnection":        oneActive,
		"WithoutAccountKeyASourceHasOne":         oneActiveWithoutKey,
		"DisconnectingFreesTheAccount":           disconnectFrees,
		"ListedBySinceThenIDWithoutDisconnected": connectionOrder,
		"FiltersSelectAndOldestIsFirst":          connectionFilters,
		"DueRefreshesAreActiveAndNotCoolingDown": dueRefreshes,
		"AccountHeldLooksAtAllUsers":             accountHeld,
		"AccountHeldWithoutKeyLooksAtTheUser":    sourceHeld,
		"CountedByProviderWhileItIsNeeded":       countedByProvider,
	}
}

func connection(user id.Human, source string, key []byte) store.Connection {
	return store.Connection{
		ID: id.New[id.Connection](), User: user, Source: source, SourceName: "A source", Provider: "sandbox", AccountKey: key,
		State: store.ConnectionActive, ConnectedSince: at(0), Version: 1,
	}
}

func fullConnection(user id.Human) store.Connection {
	c := connection(user, "withings", digest("account"))
	c.AccountID, c.AccountLabel = "4711", "Zoë’s scale\x00"
	c.Credential, c.MediaType, c.CredentialExpiresAt = blob(100<<10), "application/json", at(99)
	c.Scopes, c.CanRevoke, c.RenewedAt, c.DisconnectedAt = []string{"read", "write"}, true, at(5), at(6)
	c.Version, c.CredentialAt, c.ReconnectBy, c.CanRefresh, c.CanCheck = 3, at(7), at(8), true, true
	c.Reason, c.NeedsReconnectAt = "revoked", at(9)
	c.Refresh = store.Refresh{
		At: at(10), Owner: id.New[id.Process](), LeaseUntil: at(11), BegunAt: at(12), Tries: 2, NextAt: at(13), Error: "rate_limited",
	}
	return c
}

func dueRefreshes(s *suite) {
	user := s.addUser("u")
	var want []store.Connection
	for n, change := range []func(*store.Connection){
		func(c *store.Connection) { c.Refresh.At = at(20) },
		func(c *store.Connection) { c.Refresh.At, c.Refresh.NextAt = at(10), at(30).Add(26*time.Hour) },
		func(c *store.Connection) { c.Refresh.At, c.Refresh.Owner = at(15), id.New[id.Process]() },
		func(c *store.Connection) { c.Refresh.At = at(31) },
		func(c *store.Connection) { c.Refresh.At, c.Refresh.NextAt = at(5), at(31) },
		func(c *store.Connection) { c.Refresh.At, c.State = at(5), store.ConnectionNeedsReconnect },
		func(c *store.Connection) { c.Refresh.At, c.State = at(5), store.ConnectionDisconnected },
		func(*store.Connection) {},
	} {
		c := connection(user, "withings", digest(n))
		change(&c)
		s.update(func(tx store.Tx) error { return tx.InsertConnection(c) })
		if n < 3 {
			want = append(want, c)
		}
	}
	want = []store.Connection{want[1], want[2], want[0]}
	s.view(func(tx store.Tx) error {
		got, err := tx.DueRefreshes(at(30), 0)
		same(s, "due", got, want)
		two, err2 := tx.DueRefreshes(at(30), 2)
		same(s, "two", two, want[:2])
		return must(err, err2)
	})
}

func connectionRoundTrip(s *suite) {
	user := s.addUser("u")
	empty := connection(user, "epic", nil)
	empty.Credential, empty.Scopes = []byte{}, []string{}
	complete(s, fullConnection(user))
	complete(s, fullConnection(user).Refresh)
	for name, c := range map[string]store.Connection{
		"full": fullConnection(user), "sparse": connection(user, "nightscout", nil), "empty": empty,
	} {
		s.update(func(tx store.Tx) error { return tx.InsertConnection(c) })
		s.wantConnection(name, c)
		changed := fullConnection(user)
		changed.ID, changed.Source, changed.State = c.ID, c.Source, store.ConnectionDisconnected
		s.update(func(tx store.Tx) error { return tx.SaveConnection(changed) })
		s.wantConnection(name+" saved", changed)
		s.update(func(tx store.Tx) error { return tx.SaveConnection(c) })
		s.wantConnection(name+" saved back", c)
	}
}

func (s *suite) wantConnection(name string, want store.Connection) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Connection(want.ID)
		same(s, name, got, want)
		return err
	})
}

func missingConnections(s *suite) {
	user, other := s.addUser("u"), s.addUser("other")
	s.update(func(tx store.Tx) error { return tx.InsertConnection(connection(user, "withings", digest(1))) })
	s.missing(map[string]func(store.Tx) error{
		"connection":    func(tx store.Tx) error { return drop(tx.Connection(id.New[id.Connection]())) },
		"other user":    func(tx store.Tx) error { return drop(tx.ActiveConnection(other, "withings", digest(1))) },
		"other source":  func(tx store.Tx) error { return drop(tx.ActiveConnection(user, "epic", digest(1))) },
		"other account": func(tx store.Tx) error { return drop(tx.ActiveConnection(user, "withings", digest(2))) },
		"no account":    func(tx store.Tx) error { return drop(tx.ActiveConnection(user, "withings", nil)) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveConnection(connection(user, "epic", nil)), store.ErrNotFound)
		return nil
	})
}

func oneActive(s *suite) {
	user, other := s.addUser("u"), s.addUser("other")
	first := connection(user, "withings", digest(1))
	s.update(func(tx store.Tx) error {
		err := tx.InsertConnection(first)
		wantErr(s, "same account", tx.InsertConnection(connection(user, "withings", digest(1))), store.ErrExists)
		return must(err,
			tx.InsertConnection(connection(user, "withings", digest(2))),
			tx.InsertConnection(connection(user, "epic", digest(1))),
			tx.InsertConnection(connection(other, "withings", digest(1))))
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.ActiveConnection(user, "withings", digest(1))
		same(s, "active", got, first)
		return err
	})
}

func oneActiveWithoutKey(s *suite) {
	user := s.addUser("u")
	first := connection(user, "withings", nil)
	s.update(func(tx store.Tx) error {
		err := tx.InsertConnection(first)
		wantErr(s, "again", tx.InsertConnection(connection(user, "withings", nil)), store.ErrExists)
		wantErr(s, "with empty key", tx.InsertConnection(connection(user, "withings", []byte{})), store.ErrExists)
		return must(err, tx.InsertConnection(connection(user, "epic", nil)))
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.ActiveConnection(user, "withings", nil)
		same(s, "active", got, first)
		return err
	})
}

func disconnectFrees(s *suite) {
	user := s.addUser("u")
	for _, key := range [][]byte{nil, digest(1)} {
		old, next := connection(user, "withings", key), connection(user, "withings", key)
		gone := old
		gone.State, gone.DisconnectedAt = store.ConnectionDisconnected, at(3)
		s.update(func(tx store.Tx) error {
			return must(tx.InsertConnection(old), tx.SaveConnection(gone), tx.InsertConnection(next))
		})
		s.update(func(tx store.Tx) error {
			wantErr(s, "back to life beside another", tx.SaveConnection(old), store.ErrExists)
			return nil
		})
		s.wantConnection("disconnected is shown by its id", gone)
		s.view(func(tx store.Tx) error {
			got, err := tx.ActiveConnection(user, "withings", key)
			same(s, "active", got, next)
			return err
		})
		s.update(func(tx store.Tx) error {
			next.State = store.ConnectionDisconnected
			return tx.SaveConnection(next)
		})
	}
}

func connectionOrder(s *suite) {
	user, other := s.addUser("u"), s.addUser("other")
	add := func(user id.Human, n int, since time.Time, state store.ConnectionState) store.Connection {
		c := connection(user, "withings", digest(n))
		c.ConnectedSince, c.State = since, state
		return c
	}
	a, b, c := add(user, 1, at(5), store.ConnectionActive), add(user, 2, at(5), store.ConnectionActive), add(user, 3, at(1), store.ConnectionActive)
	gone, foreign := add(user, 4, at(0), store.ConnectionDisconnected), add(other, 5, at(0), store.ConnectionActive)
	s.update(func(tx store.Tx) error {
		return must(tx.InsertConnection(b), tx.InsertConnection(gone), tx.InsertConnection(a), tx.InsertConnection(c), tx.InsertConnection(foreign))
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.Connections(user)
		same(s, "connections", got, []store.Connection{c, a, b})
		return err
	})
}

func (s *suite) wantHeld(what, source string, key []byte, user id.Human, want bool) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.AccountHeld(source, key, user)
		same(s, what, got, want)
		return err
	})
}

func accountHeld(s *suite) {
	user, other := s.addUser("u"), s.addUser("other")
	c := connection(other, "withings", digest(1))
	s.wantHeld("nobody", "withings", digest(1), user, false)
	s.update(func(tx store.Tx) error { return tx.InsertConnection(c) })
	s.wantHeld("another user", "withings", digest(1), user, true)
	s.wantHeld("another source", "epic", digest(1), user, false)
	s.wantHeld("another account", "withings", digest(2), user, false)
	c.State = store.ConnectionDisconnected
	s.update(func(tx store.Tx) error { return tx.SaveConnection(c) })
	s.wantHeld("disconnected", "withings", digest(1), user, false)
}

func sourceHeld(s *suite) {
	user, other := s.addUser("u"), s.addUser("other")
	c := connection(user, "withings", digest(1))
	s.update(func(tx store.Tx) error { return tx.InsertConnection(c) })
	s.wantHeld("this user", "withings", nil, user, true)
	s.wantHeld("another user", "withings", nil, other, false)
	s.wantHeld("another source", "epic", nil, user, false)
	c.State = store.ConnectionDisconnected
	s.update(func(tx store.Tx) error { return tx.SaveConnection(c) })
	s.wantHeld("disconnected", "withings", nil, user, false)
}

func countedByProvider(s *suite) {
	user := s.addUser("u")
	s.update(func(tx store.Tx) error {
		for n, state := range []store.ConnectionState{store.ConnectionActive, store.ConnectionNeedsReconnect, store.ConnectionDisconnected} {
			c := connection(user, "withings", digest(n))
			if c.State = state; state == store.ConnectionNeedsReconnect {
				c.Provider = "acme"
			}
			if err := tx.InsertConnection(c); err != nil {
				return err
			}
		}
		for _, state := range []store.RevocationState{store.RevocationPending, store.RevocationPending, store.RevocationFailed} {
			r := revocation(user, "", "")
			r.State = state
			if err := tx.InsertRevocation(r); err != nil {
				return err
			}
		}
		r := revocation(user, "", "")
		r.Provider = "zeta"
		return tx.InsertRevocation(r)
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.CountByProvider(2)
		same(s, "counts", got, []store.ProviderCount{
			{Provider: "acme", Connections: 1},
			{Provider: "sandbox", Connections: 1, Revocations: 2},
			{Provider: "zeta", Revocations: 1},
		})
		return err
	})
}

func revocationTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                      revocationRoundTrip,
		"MissingIsErrNotFound":           missingRevocations,
		"DueIsPendingAndEarliestFirst":   dueRevocations,
		"OfASessionInOrderOfAConnection": revocationLists,
	}
}

func revocation(user id.Human, session id.Session, connection id.Connection) store.Revocation {
	return store.Revocation{
		ID: id.New[id.Revocation](), Session: session, Connection: connection, User: user, Source: "withings", Provider: "sandbox",
		State: store.RevocationPending, NextAt: at(0), CreatedAt: at(0),
	}
}

func revocationRoundTrip(s *suite) {
	user := s.addUser("u")
	ses := s.addSession(user)
	full := revocation(user, ses.ID, id.New[id.Connection]())
	full.AccountKey, full.AccountID, full.AccountLabel = digest(1), "4711", "label"
	full.Credential, full.MediaType, full.State = blob(100<<10), "application/json", store.RevocationFailed
	full.Tries, full.NextAt, full.Owner, full.LeaseUntil = 3, at(9), id.New[id.Process](), at(10)
	full.Error, full.EndedAt = "source_unavailable", at(11)
	complete(s, full)
	for name, r := range map[string]store.Revocation{"full": full, "sparse": revocation(user, "", "")} {
		s.update(func(tx store.Tx) error { return tx.InsertRevocation(r) })
		s.wantRevocation(name, r)
		changed := full
		changed.ID, changed.Credential, changed.State = r.ID, nil, store.RevocationRevoked
		s.update(func(tx store.Tx) error { return tx.SaveRevocation(changed) })
		s.wantRevocation(name+" saved", changed)
	}
}

func (s *suite) wantRevocation(name string, want store.Revocation) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Revocation(want.ID)
		same(s, name, got, want)
		return err
	})
}

func missingRevocations(s *suite) {
	user := s.addUser("u")
	late := revocation(user, "", "") // a grant that never became a connection
	s.update(func(tx store.Tx) error { return tx.InsertRevocation(late) })
	s.missing(map[string]func(store.Tx) error{
		"revocation":       func(tx store.Tx) error { return drop(tx.Revocation(id.New[id.Revocation]())) },
		"of a connection":  func(tx store.Tx) error { return drop(tx.RevocationOfConnection(id.New[id.Connection]())) },
		"of no connection": func(tx store.Tx) error { return drop(tx.RevocationOfConnection("")) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveRevocation(revocation(user, "", "")), store.ErrNotFound)
		wantErr(s, "insert again", tx.InsertRevocation(late), store.ErrExists)
		return nil
	})
}

func revocationIDs(list []store.Revocation) []id.Revocation {
	return collect(list, func(r store.Revocation) id.Revocation { return r.ID })
}

func dueRevocations(s *suite) {
	user := s.addUser("u")
	add := func(seconds int, state store.RevocationState, owner id.Process) id.Revocation {
		r := revocation(user, "", "")
		r.NextAt, r.State, r.Owner = at(seconds), state, owner
		s.update(func(tx store.Tx) error { return tx.InsertRevocation(r) })
		return r.ID
	}
	last, first := add(10, store.RevocationPending, ""), add(1, store.RevocationPending, id.New[id.Process]())
	add(11, store.RevocationPending, "")
	add(100, store.RevocationPending, "")
	stray := add(101, store.RevocationPending, "")
	for _, state := range []store.RevocationState{store.RevocationRevoked, store.RevocationUnsupported, store.RevocationShared, store.RevocationFailed} {
		add(2, state, "")
	}
	for limit, want := range map[int][]id.Revocation{0: {first, last, stray}, 1: {first}} {
		s.view(func(tx store.Tx) error {
			got, err := tx.DueRevocations(store.Due{Now: at(10), Beyond: at(100)}, limit)
			same(s, "due", revocationIDs(got), want)
			return err
		})
	}
}

func revocationLists(s *suite) {
	user := s.addUser("u")
	ses, con := s.addSession(user), id.New[id.Connection]()
	a, b, c := revocation(user, ses.ID, con), revocation(user, "", con), revocation(user, ses.ID, "")
	s.update(func(tx store.Tx) error {
		return must(tx.InsertRevocation(c), tx.InsertRevocation(b), tx.InsertRevocation(a))
	})
	s.view(func(tx store.Tx) error {
		of, err := tx.RevocationsOf(ses.ID)
		same(s, "of the session", of, []store.Revocation{c, a})
		newest, err2 := tx.RevocationOfConnection(con)
		same(s, "the newest of the connection", newest, a)
		return must(err, err2)
	})
}

func connectionFilters(s *suite) {
	mine, other := s.addUser("mine"), s.addUser("other")
	add := func(user id.Human, source string, since int, state store.ConnectionState) store.Connection {
		c := connection(user, source, digest(source))
		c.ConnectedSince, c.State = at(since), state
		s.update(func(tx store.Tx) error { return tx.InsertConnection(c) })
		return c
	}
	b, a := add(mine, "oura", 2, store.ConnectionActive), add(other, "oura", 1, store.ConnectionActive)
	c, gone := add(mine, "withings", 3, store.ConnectionNeedsReconnect), add(mine, "epic", 4, store.ConnectionDisconnected)
	for _, test := range []struct {
		name   string
		filter store.ConnectionFilter
		want   []store.Connection
	}{
		{"none", store.ConnectionFilter{}, []store.Connection{a, b, c}},
		{"limit", store.ConnectionFilter{Limit: 2}, []store.Connection{a, b}},
		{"user", store.ConnectionFilter{User: mine}, []store.Connection{b, c}},
		{"source", store.ConnectionFilter{Source: "oura"}, []store.Connection{a, b}},
		{"state", store.ConnectionFilter{State: store.ConnectionNeedsReconnect}, []store.Connection{c}},
		{"disconnected", store.ConnectionFilter{State: store.ConnectionDisconnected}, []store.Connection{gone}},
		{"since", store.ConnectionFilter{Since: at(2)}, []store.Connection{b, c}},
		{"after", store.ConnectionFilter{After: a.ID}, []store.Connection{b, c}},
		{"after one that is not there", store.ConnectionFilter{After: id.New[id.Connection]()}, nil},
	} {
		s.view(func(tx store.Tx) error {
			got, err := tx.ListConnections(test.filter)
			same(s, test.name, got, test.want)
			return err
		})
	}
}
