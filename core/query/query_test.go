package query_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/sdk"
)

// state is a real state that a test fills.
type state struct {
	*sqlite.Store
	t     *testing.T
	clock *clocktest.Fake
}

func newState(t *testing.T) *state {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &state{s, t, clocktest.New(time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC))}
}

func (s *state) update(f func(store.Tx) error) {
	s.t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
	s.clock.Advance(time.Second)
}

func (s *state) user(name string) (u store.User) {
	s.t.Helper()
	s.update(func(tx store.Tx) (err error) { u, err = store.EnsureUser(tx, "demo", name); return err })
	return u
}

func (s *state) session(user store.User) store.Session {
	s.t.Helper()
	ses := store.Session{
		ID: id.New[id.Session](), TokenKey: fmt.Append(nil, s.clock.Now()), User: user.HumanID, OpenedAt: s.clock.Now(),
		EndsAt: s.clock.Now().Add(time.Hour), EndReason: store.EndExpired, Epoch: 1,
	}
	s.update(func(tx store.Tx) error { return tx.InsertSession(ses) })
	return ses
}

// connect connects an account of alpha in a session, and tells of it as the engine does.
func (s *state) connect(ses store.Session, sequence int64, account string, hooks ...hook.Hook) (c store.Connection, evt id.Event) {
	s.t.Helper()
	evt = id.New[id.Event]()
	s.update(func(tx store.Tx) (err error) {
		now := s.clock.Now()
		key := connection.AccountKey(s.MAC, "alpha", account)
		c, err = connection.Save(tx, key, connection.Authorization{
			User: ses.User, Source: "alpha", SourceName: "The alpha", Provider: "fake", CanRevoke: true,
			Connected: sdk.Connected{Account: sdk.Account{ID: account}, Credential: sdk.Credential{Data: "secret"}},
		}, now)
		if err != nil {
			return err
		}
		row := store.Action{Session: ses.ID, Position: store.ScriptPosition{No: store.NoScript}, Kind: store.ActionConnect, Target: "alpha", Source: "alpha", SourceName: "The alpha", Connection: c.ID, AccountKey: key, At: now}
		if _, err := tx.InsertAction(row); err != nil {
			return err
		}
		seen, err := event.Of(tx, c)
		if err != nil {
			return err
		}
		return hook.Record(tx, event.Event{
			Type: event.SourceConnected, ID: evt, Sequence: sequence, Timestamp: event.Time(now), Source: &seen,
			Response: event.Empty(event.ConnectedSource),
		}, ses.ID, now, hooks, nil)
	})
	return c, evt
}

func (s *state) disconnect(c store.Connection, by id.Session) (r store.Revocation) {
	s.t.Helper()
	s.update(func(tx store.Tx) (err error) {
		_, r, err = connection.Disconnect(tx, c, connection.Cause{Session: by, By: id.New[id.Process](), Now: s.clock.Now()})
		return err
	})
	return r
}

// end gives the deliveries to a hook a state.
func (s *state) end(name string, as store.DeliveryState) {
	s.t.Helper()
	s.update(func(tx store.Tx) error {
		all, err := tx.Deliveries(store.DeliveryFilter{Hook: name})
		for _, d := range all {
			d.State, d.EndedAt = as, s.clock.Now()
			err = errors.Join(err, tx.SaveDelivery(d))
		}
		return err
	})
}

// must is the answer of a query that does not fail.
func must[T any](t *testing.T) func(T, error) T {
	return func(found T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
}

func onConnect(name string) hook.Hook {
	return hook.Hook{Name: name, On: []event.On{event.OnConnectSource}, Shell: "cat"}
}

func TestListsAreNewestFirstAndSelected(t *testing.T) {
	s := newState(t)
	alice, bob := s.user("alice"), s.user("bob")
	a, b := s.session(alice), s.session(bob)
	_, first := s.connect(a, 1, "ann", onConnect("one"), onConnect("two"))
	_, second := s.connect(a, 2, "ann", onConnect("one"))
	_, third := s.connect(b, 1, "bob")
	var sessions []id.Session
	for _, row := range must[[]store.Session](t)(query.Sessions(t.Context(), s, store.SessionFilter{})) {
		sessions = append(sessions, row.ID)
	}
	if !slices.Equal(sessions, []id.Session{b.ID, a.ID}) {
		t.Errorf("sessions: %v", sessions)
	}
	if got := must[[]store.Session](t)(query.Sessions(t.Context(), s, store.SessionFilter{User: alice.HumanID})); len(got) != 1 || got[0].ID != a.ID {
		t.Errorf("sessions of alice: %+v", got)
	}
	var events []id.Event
	for _, row := range must[[]store.Event](t)(query.Events(t.Context(), s, store.EventFilter{Limit: 2})) {
		events = append(events, row.ID)
	}
	if !slices.Equal(events, []id.Event{third, second}) {
		t.Errorf("events: %v", events)
	}
	if got := must[store.Event](t)(query.Event(t.Context(), s, first)); got.Session != a.ID || len(got.Body) == 0 {
		t.Errorf("event: %+v", got)
	}
	got := must[[]store.Delivery](t)(query.Deliveries(t.Context(), s, store.DeliveryFilter{Hook: "one"}))
	if len(got) != 2 || got[0].Event != second || got[1].Event != first {
		t.Errorf("deliveries: %+v", got)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s := newState(t)
	ctx := t.Context()
	for name, ask := range map[string]func() error{
		"session":    func() error { _, _, err := query.Session(ctx, s, id.New[id.Session](), active); return err },
		"results":    func() error { _, err := query.Results(ctx, s, id.New[id.Session](), active); return err },
		"connection": func() error { _, err := query.Connection(ctx, s, id.New[id.Connection]()); return err },
		"event":      func() error { _, err := query.Event(ctx, s, id.New[id.Event]()); return err },
		"delivery":   func() error { _, err := query.Delivery(ctx, s, id.New[id.Delivery](), nil); return err },
	} {
		if err := ask(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResponseOfAnOpenSessionIsThatOfNowAndOfAClosedOneTheStoredOne(t *testing.T) {
	s := newState(t)
	ses := s.session(s.user("alice"))
	c, _ := s.connect(ses, 1, "ann")
	v, body, err := query.Session(t.Context(), s, ses.ID, active)
	row := v.Row
	if err != nil || v.User.HumanID != row.User || row.ID != ses.ID || !bytes.Contains(body, []byte(`"status":null`)) {
		t.Fatalf("%+v, %s, %v", row, body, err)
	}
	var said event.Response
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatal(err)
	}
	now := must[event.Response](t)(query.Results(t.Context(), s, ses.ID, active))
	if !bytes.Equal(event.JSON(now), event.JSON(said)) || len(now.CurrentConnections) != 1 || now.CurrentConnections[0].ConnectionID != c.ID {
		t.Errorf("results %s; document %s", event.JSON(now), body)
	}
	stored := []byte(`{"status":"", "was":"so"}`)
	s.update(func(tx store.Tx) error {
		row.ClosedAt, row.Status, row.Response = s.clock.Now(), string(event.Success), stored
		return tx.SaveSession(row)
	})
	if row, body, err := query.Session(t.Context(), s, ses.ID, active); err != nil || !bytes.Equal(body, stored) || row.Row.Status != string(event.Success) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestConnectionsAreAUsersOwnAndNoDisconnectedOnes(t *testing.T) {
	s := newState(t)
	alice := s.session(s.user("alice"))
	first, _ := s.connect(alice, 1, "ann")
	gone, _ := s.connect(alice, 2, "annie")
	last, _ := s.connect(alice, 3, "anna")
	s.connect(s.session(s.user("bob")), 1, "bob")
	r := s.disconnect(gone, alice.ID)
	var ids []id.Connection
	for _, v := range must[[]query.ConnectionView](t)(query.Connections(t.Context(), s, store.ConnectionFilter{User: alice.User})) {
		if ids = append(ids, v.Row.ID); v.Seen.ConnectionID != v.Row.ID || v.Seen.Revocation != "" {
			t.Errorf("%+v", v)
		}
		if v.User.ClientUserID != "alice" || v.User.ClientID != "demo" {
			t.Errorf("of %+v", v.User)
		}
	}
	if user, known, err := query.UserID(t.Context(), s, "demo", "alice"); user != alice.User || !known || err != nil {
		t.Errorf("%q, %v", user, err)
	}
	if !slices.Equal(ids, []id.Connection{first.ID, last.ID}) {
		t.Errorf("connections of alice: %v", ids)
	}
	for _, who := range [][2]string{{"demo", "carol"}, {"other", "alice"}} {
		if user, known, err := query.UserID(t.Context(), s, who[0], who[1]); known || user != "" || err != nil {
			t.Errorf("%v: %q, %v", who, user, err)
		}
	}
	if got := must[query.ConnectionView](t)(query.Connection(t.Context(), s, gone.ID)); got.Row.State != store.ConnectionDisconnected || got.Seen.Revocation != "pending" {
		t.Errorf("the disconnected one: %+v", got)
	}
	if got := must[[]store.Revocation](t)(query.Revocations(t.Context(), s, alice.ID)); len(got) != 1 || got[0].ID != r.ID {
		t.Errorf("revocations: %+v", got)
	}
	s.disconnect(first, "")
	if got := must[[]store.Revocation](t)(query.Revocations(t.Context(), s, "")); len(got) != 0 {
		t.Errorf("revocations of no session: %+v", got)
	}
}

func TestNewestConnectionsAreEachThereOnceAndNotDisconnected(t *testing.T) {
	s := newState(t)
	ses := s.session(s.user("alice"))
	old, _ := s.connect(ses, 1, "ann")
	gone, _ := s.connect(ses, 2, "bob")
	s.disconnect(gone, ses.ID)
	twice, _ := s.connect(ses, 3, "eve")
	s.connect(ses, 4, "eve")
	for i, e := range []store.Event{ // those that say nothing stop no other
		{Type: string(event.SourceConnected), Body: []byte("{")},
		{Type: string(event.SourceConnected), Body: []byte("{}")},
		{Type: string(event.SessionClosed), Body: []byte("{}")},
	} {
		e.ID, e.Session, e.Sequence, e.At = id.New[id.Event](), ses.ID, int64(i+5), s.clock.Now()
		s.update(func(tx store.Tx) error { return tx.InsertEvent(e) })
	}
	for limit, want := range map[int][]id.Connection{0: {twice.ID, old.ID}, 3: {twice.ID}, 2: nil} {
		if got := must[[]id.Connection](t)(query.NewestConnections(t.Context(), s, limit)); !slices.Equal(got, want) {
			t.Errorf("of %d events: %v, not %v", limit, got, want)
		}
	}
}

func TestDeliveryIsShownWithItsEventAndItsHookIfThatIsKnown(t *testing.T) {
	s := newState(t)
	ses := s.session(s.user("alice"))
	given := onConnect("")
	given.Dir = "/"
	s.update(func(tx store.Tx) error { _, err := hook.Attach(tx, s.MAC, ses.ID, []hook.Hook{given}); return err })
	_, evt := s.connect(ses, 1, "ann", onConnect("there"), onConnect("gone"))
	seen := make(map[string]*hook.Hook)
	for _, d := range must[[]store.Delivery](t)(query.Deliveries(t.Context(), s, store.DeliveryFilter{})) {
		v := must[query.DeliveryView](t)(query.Delivery(t.Context(), s, d.ID, []hook.Hook{onConnect("other"), onConnect("there")}))
		if v.Row.ID != d.ID || v.Row.Event != evt || v.Type != string(event.SourceConnected) {
			t.Errorf("%+v", v)
		}
		name := d.Hook
		if hook.IsGiven(name) {
			name = "given"
		}
		seen[name] = v.Hook
	}
	if len(seen) != 3 || seen["there"] == nil || seen["there"].Name != "there" || seen["gone"] != nil || seen["given"] == nil || seen["given"].Shell != "cat" {
		t.Errorf("%+v", seen)
	}
}

func TestHooksAreShownWithWhatIsLeftForThem(t *testing.T) {
	s := newState(t)
	ses := s.session(s.user("alice"))
	given := onConnect("")
	given.Dir = "/"
	s.update(func(tx store.Tx) error { _, err := hook.Attach(tx, s.MAC, ses.ID, []hook.Hook{given}); return err })
	off := hook.Hook{Name: "off", On: []event.On{event.OnConnectSource}, URL: "https://app.example/hooks"}
	all := []hook.Hook{onConnect("busy"), onConnect("dead"), onConnect("done"), off, onConnect("gone"), onConnect("gone and dead")}
	s.connect(ses, 1, "ann", append(all, onConnect("busy and dead"))...)
	s.connect(ses, 2, "ann", onConnect("dead"))
	s.end("dead", store.DeliveryDead)
	s.end("done", store.DeliveryDelivered)
	s.end("gone and dead", store.DeliveryDead)
	s.end("busy and dead", store.DeliveryDead)
	s.connect(ses, 3, "ann", onConnect("busy and dead"), onConnect("busy"))
	s.update(func(tx store.Tx) error {
		return tx.SaveDisabledHook(store.DisabledHook{Hook: "off", Target: s.MAC("hook target", []byte(off.URL)), At: s.clock.Now(), Error: "HTTP 410"})
	})
	moved := off
	moved.URL = "https://other.example/hooks"
	for _, c := range []struct {
		name string
		off  hook.Hook
		want string
	}{
		{"as it was", off, "busy 2 0 false, dead 0 2 false, done 0 0 false, off 1 0 true, busy and dead 1 1 false, idle 0 0 false"},
		{"moved", moved, "busy 2 0 false, dead 0 2 false, done 0 0 false, off 1 0 false, busy and dead 1 1 false, idle 0 0 false"},
	} {
		hooks := []hook.Hook{all[0], all[1], all[2], c.off, onConnect("busy and dead"), onConnect("idle")}
		views := must[query.HookViews](t)(query.Hooks(t.Context(), s, s.MAC, hooks))
		var got string
		for i, v := range views.Hooks {
			if i > 0 {
				got += ", "
			}
			got += fmt.Sprint(v.Hook.Name, " ", v.Pending, " ", v.Dead, " ", v.Disabled != nil)
		}
		if got != c.want {
			t.Errorf("%s:\n%s, not\n%s", c.name, got, c.want)
		}
		if want := []store.DeliveryCount{{Hook: "gone", State: store.DeliveryPending, N: 1}}; !slices.Equal(views.NotConfigured, want) {
			t.Errorf("not configured: %+v", views.NotConfigured)
		}
	}
	if got := must[int](t)(query.DeadDeliveries(t.Context(), s)); got != 4 {
		t.Errorf("%d are dead", got)
	}
}

// active says that of every connection.
func active(store.Connection) string { return "active" }
