package session_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// snapshot is the whole state at one moment.
type snapshot struct {
	sessions   []store.Session
	actions    map[id.Session][]store.Action
	attempts   map[id.Session][]store.Attempt
	hooks      map[id.Session][]store.SessionHook
	events     []store.Event // those that came since, the oldest first
	deliveries map[id.Event][]store.Delivery
	current    map[id.Human][]store.Connection
}

func (w *World) snapshot() snapshot {
	s := snapshot{
		actions: make(map[id.Session][]store.Action), attempts: make(map[id.Session][]store.Attempt),
		hooks: make(map[id.Session][]store.SessionHook), deliveries: make(map[id.Event][]store.Delivery),
		current: make(map[id.Human][]store.Connection),
	}
	w.view(func(tx store.Tx) error { return s.read(tx, w.model) })
	return s
}

func (s *snapshot) read(tx store.Tx, m *model) (err error) {
	if s.sessions, err = tx.Sessions(store.SessionFilter{}); err != nil {
		return err
	}
	slices.Reverse(s.sessions)
	for _, ses := range s.sessions {
		if err := s.readSession(tx, m, ses); err != nil {
			return err
		}
	}
	if s.events, err = tx.Events(store.EventFilter{Limit: m.eventLimit}); err != nil {
		return err
	}
	if i := slices.IndexFunc(s.events, func(e store.Event) bool { return e.ID == m.lastEvent }); i >= 0 {
		s.events = s.events[:i]
	}
	slices.Reverse(s.events)
	for _, e := range s.events {
		if s.deliveries[e.ID], err = tx.Deliveries(store.DeliveryFilter{Event: e.ID}); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) readSession(tx store.Tx, m *model, ses store.Session) (err error) {
	if m.users[ses.User], err = tx.UserByID(ses.User); err != nil {
		return err
	}
	if s.actions[ses.ID], err = tx.Actions(ses.ID); err != nil {
		return err
	}
	if s.attempts[ses.ID], err = tx.Attempts(ses.ID); err != nil {
		return err
	}
	if s.hooks[ses.ID], err = tx.SessionHooks(ses.ID); err != nil {
		return err
	}
	s.current[ses.User], err = tx.Connections(ses.User)
	return err
}

// accountOf reads an account key.
func (w *World) accountOf(source string, key []byte) string {
	w.t.Helper()
	if key == nil {
		return ""
	}
	for _, name := range accounts() {
		if bytes.Equal(key, connection.AccountKey(w.store.MAC, source, name)) {
			return name
		}
	}
	w.t.Errorf("an account of %s that nobody has", source)
	return fmt.Sprintf("%x", key)
}

// accounts are all those that sign in anywhere; "" is also one, of a source that cannot tell.
func accounts() []string { return []string{"ann", "bob", "cat", "dan"} }

// parse reads JSON that has no other keys than T.
func parse[V any](t T, b []byte) (v V) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// differ compares two documents as they are written.
func differ(want, got any) string {
	a, b := event.JSON(want), event.JSON(got)
	if bytes.Equal(a, b) {
		return ""
	}
	return gocmp.Diff(indent(a), indent(b))
}

func indent(b []byte) string {
	var out bytes.Buffer
	_ = json.Indent(&out, b, "", " ") // it was just encoded
	return out.String()
}

func contains(b []byte, text string) bool { return bytes.Contains(b, []byte(text)) }
