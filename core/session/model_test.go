package session_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// model is what must be true, worked out from the accounts that signed in and the order of the events.
type model struct {
	users    map[id.Human]store.User
	sessions map[id.Session]*sessionModel
	active   map[id.Human][]connectionModel
	// known are all connections that a user has or had, in the order they were made.
	known map[id.Human][]connectionModel
	// actor is who last changed an account of a user: a session, or "" for a command outside of one.
	actor map[holding]id.Session
	// lastEvent was the newest at the last check; since then there came fewer than eventLimit, where that is not 0.
	lastEvent  id.Event
	eventLimit int
}

type account struct{ source, name string }

type holding struct {
	user id.Human
	account
}

type connectionModel struct {
	account
	id    id.Connection
	since time.Time
}

type sessionModel struct {
	user     id.Human
	token    string
	actions  int
	results  []resultModel
	failures []event.Failure
	sequence int64
	endsAt   time.Time
	// done are the actions of scripts that ended; raced allows one to end twice, after a living front end lost the
	// session in the middle of it.
	done  map[store.ScriptPosition]id.Connection
	raced bool
	// asked are the actions that a driver asked for; nil where nobody counts.
	asked    map[string]bool
	response []byte
}

type resultModel struct {
	account
	kind       store.ActionKind
	connection id.Connection
	since      time.Time
	revocation string
}

func newModel() *model {
	return &model{
		users: make(map[id.Human]store.User), sessions: make(map[id.Session]*sessionModel),
		active: make(map[id.Human][]connectionModel), known: make(map[id.Human][]connectionModel), actor: make(map[holding]id.Session),
	}
}

// connect makes or renews the connection of an account: a renewal keeps its id and its beginning.
func (m *model) connect(t T, user id.Human, acc account, con id.Connection, now time.Time) time.Time {
	t.Helper()
	for u, all := range m.active {
		for _, c := range all {
			switch {
			case u == user && c.account == acc && c.id == con:
				return c.since
			case u == user && c.account == acc:
				t.Errorf("the account %v is connected as %s and was connected again as %s", acc, c.id, con)
			case c.id == con:
				t.Errorf("%s is of another account or user", con)
			}
		}
	}
	m.known[user] = append(m.known[user], connectionModel{acc, con, now})
	m.active[user] = append(m.active[user], connectionModel{acc, con, now})
	slices.SortFunc(m.active[user], func(a, b connectionModel) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.id, b.id))
	})
	return now
}

// disconnect takes a connection away and says what its grant is in for.
func (m *model) disconnect(t T, user id.Human, acc account, con id.Connection) (since time.Time, revocation string) {
	t.Helper()
	i := slices.IndexFunc(m.active[user], func(c connectionModel) bool { return c.id == con && c.account == acc })
	if i < 0 {
		t.Errorf("%s was disconnected and is not among the connections of its user: %v", con, m.active[user])
		return time.Time{}, ""
	}
	since = m.active[user][i].since
	m.active[user] = slices.Delete(m.active[user], i, i+1)
	switch {
	case acc.source == gamma:
		return since, "unsupported"
	case m.held(user, acc):
		return since, "shared"
	}
	return since, "pending"
}

// held says whether any connection holds an account; without an account id, whether this user holds one of the source.
func (m *model) held(user id.Human, acc account) bool {
	for u, all := range m.active {
		for _, c := range all {
			if c.source == acc.source && (acc.name == "" && u == user || acc.name != "" && c.account == acc) {
				return true
			}
		}
	}
	return false
}
