package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// Queries that run in every `open` touch rows of their own user and session alone, however many others there are.
func TestHotQueriesUseAnIndex(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	t1 := s.tables
	pending, _ := countQuery(store.DeliveryFilter{State: store.DeliveryPending})
	ofSession, _ := countQuery(store.DeliveryFilter{Session: "ses_x"})
	dead, _ := countQuery(store.DeliveryFilter{State: store.DeliveryDead})
	queries := map[string]string{
		"user by name":           t1.user.selectSQL + "WHERE client_id = ? AND client_user_id = ?",
		"token":                  t1.token.selectSQL + "WHERE hash = ?",
		"delete tokens":          deleteTokens,
		"verified token":         t1.verified.selectSQL + "WHERE hash = ?",
		"delete verified tokens": deleteVerifiedTokens,
		"session":                t1.session.selectSQL + "WHERE id = ?",
		"session by token":       t1.session.selectSQL + "WHERE token_key = ?",
		"overdue sessions":       overdueSessions,
		"session hooks":          t1.sessionHook.selectSQL + "WHERE session_id = ? ORDER BY n",
		"attempts":               t1.attempt.selectSQL + "WHERE session_id = ? ORDER BY n",
		"cancel attempts":        cancelAttempts,
		"attempt by state":       t1.attempt.selectSQL + "WHERE state_hash = ?",
		"actions":                t1.action.selectSQL + `WHERE session_id = ? ORDER BY "no"`,
		"last action":            lastAction,
		"connection":             t1.connection.selectSQL + "WHERE id = ?",
		"active connection":      t1.connection.selectSQL + activeConnection,
		"active connections":     t1.connection.selectSQL + activeConnections,
		"due refreshes":          t1.connection.selectSQL + dueRefreshes,
		"account held":           accountHeld,
		"source held":            sourceHeld,
		"due revocations":        t1.revocation.selectSQL + dueRevocations,
		"stray revocations":      t1.revocation.selectSQL + strayRevocations,
		"pull deliveries":        pullDeliveries,
		"revocations of session": t1.revocation.selectSQL + "WHERE session_id = ? ORDER BY n",
		"of connection":          t1.revocation.selectSQL + "WHERE connection_id = ? ORDER BY n DESC",
		"events of session":      t1.event.selectSQL + "WHERE session_id = ? ORDER BY n DESC",
		"heads of session":       t1.delivery.selectSQL + sessionHeads,
		"due heads":              t1.delivery.selectSQL + dueHeads,
		"next delivery":          nextDelivery,
		"queue":                  moveQueue,
		"count of pending":       pending,
		"count of session":       ofSession,
		"deliveries of event":    t1.delivery.selectSQL + "WHERE event_id = ? ORDER BY n DESC",
		"hook pause":             t1.hookPause.selectSQL + "WHERE target = ?",
		"count of dead":          dead,
		"save connection":        t1.connection.updateSQL,
		"save delivery":          t1.delivery.updateSQL,
	}
	err = s.View(context.Background(), func(store.Tx) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for name, query := range queries {
		for _, step := range plan(t, s, query) {
			// All pending deliveries are counted through an index of the pending ones alone. What json_each reads is a parameter.
			counted := strings.HasPrefix(name, "count of ") && strings.Contains(step, "INDEX delivery_")
			if strings.HasPrefix(step, "SCAN ") && step != "SCAN CONSTANT ROW" && !counted && !strings.Contains(step, "json_each") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// A list reads the rows that it shows, and not all that there are.
func TestFiltersOfListsUseAnIndex(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now()
	t1 := s.tables
	deliveries := func(f store.DeliveryFilter) string {
		q := selectDeliveries(f)
		rest, _ := q.rest("n DESC", 1)
		return t1.delivery.selectSQL + rest
	}
	events := func(f store.EventFilter) string {
		q := selectEvents(f)
		rest, _ := q.rest("n DESC", 1)
		return t1.event.selectSQL + rest
	}
	sessions := func(f store.SessionFilter) string {
		q := selectSessions(f)
		rest, _ := q.rest("n DESC", 1)
		return t1.session.selectSQL + rest
	}
	connections := func(f store.ConnectionFilter) string {
		q := selectConnections(f)
		rest, _ := q.rest("connected_since, id", 1)
		return t1.connection.selectSQL + rest
	}
	for name, query := range map[string]string{
		"deliveries after one":    deliveries(store.DeliveryFilter{After: "dlv_x"}),
		"deliveries since":        deliveries(store.DeliveryFilter{Since: now}),
		"deliveries of a user":    deliveries(store.DeliveryFilter{User: "u"}),
		"deliveries of a source":  deliveries(store.DeliveryFilter{Source: "oura"}),
		"dead deliveries":         deliveries(store.DeliveryFilter{State: store.DeliveryDead, After: "dlv_x"}),
		"dead deliveries of one":  deliveries(store.DeliveryFilter{State: store.DeliveryDead, Hook: "h"}),
		"events after one":        events(store.EventFilter{After: "evt_x"}),
		"events since":            events(store.EventFilter{Since: now}),
		"events of a user":        events(store.EventFilter{User: "u"}),
		"events of a source":      events(store.EventFilter{Source: "oura"}),
		"sessions after one":      sessions(store.SessionFilter{After: "ses_x"}),
		"sessions since":          sessions(store.SessionFilter{Since: now}),
		"sessions of a user":      sessions(store.SessionFilter{User: "u"}),
		"connections after one":   connections(store.ConnectionFilter{After: "con_x"}),
		"connections since":       connections(store.ConnectionFilter{Since: now}),
		"connections of a user":   connections(store.ConnectionFilter{User: "u"}),
		"connections of a source": connections(store.ConnectionFilter{Source: "oura"}),
	} {
		for _, step := range plan(t, s, query) {
			if strings.HasPrefix(step, "SCAN ") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// However many deliveries are pending, what is due is found without a look at the others, and read no further than asked.
func TestDueDeliveriesAreReadFromTheIndexInItsOrder(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for query, want := range map[string]string{
		s.tables.delivery.selectSQL + dueHeads:    "SEARCH delivery USING INDEX delivery_due (next_at>? AND next_at<?)",
		s.tables.delivery.selectSQL + dueOfTarget: "SEARCH delivery USING INDEX delivery_target (target=? AND next_at>? AND next_at<?)",
		nextTarget:   "SEARCH delivery USING COVERING INDEX delivery_target (target>?)",
		nextDelivery: "SEARCH delivery USING COVERING INDEX delivery_due (next_at>?)",
	} {
		steps := plan(t, s, query)
		if steps[0] != want || slices.Contains(steps, "USE TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s: %q", query, steps)
		}
	}
}

func plan(t *testing.T, s *Store, query string) []string {
	t.Helper()
	c, err := s.pool.take(context.Background(), s.limit)
	if err != nil {
		t.Fatal(err)
	}
	defer s.pool.put(c, false)
	args := make([]any, strings.Count(query, "?"))
	var steps []string
	err = c.query("EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		steps = append(steps, detail)
		return err
	})
	if err != nil || len(steps) == 0 && !strings.HasPrefix(query, "INSERT ") {
		t.Fatalf("%s: %v, %v", query, steps, err)
	}
	return steps
}

func TestConnectionsAreDurableAndChecked(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for n := range maxReaders + 1 {
		c, err := s.pool.take(context.Background(), s.limit)
		if err != nil {
			t.Fatal(err)
		}
		defer s.pool.put(c, false)
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "2", "secure_delete": "1", "journal_size_limit": "0"} {
			var got string
			if err := c.query("PRAGMA "+pragma, nil, func(scan func(...any) error) error { return scan(&got) }); err != nil || got != want {
				t.Errorf("connection %d: %s is %q, %v; want %q", n, pragma, got, err, want)
			}
		}
	}
}

func TestAProcessInWhichNothingHappensAtOnceOpensOneConnection(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for _, created := range []bool{true, false} {
		s, err := Open(context.Background(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		nothing := func(store.Tx) error { return nil }
		for range 2 {
			if err := errors.Join(s.View(context.Background(), nothing), s.Update(context.Background(), nothing)); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.pool.db.Stats().OpenConnections; n != 1 {
			t.Errorf("created %t: %d connections", created, n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Views wait for views alone, and an update for updates alone, however long the others take.
func TestViewsAndUpdatesDoNotWaitForEachOther(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var nest func(int) error
	nest = func(views int) error {
		return s.View(context.Background(), func(store.Tx) error {
			if views > 1 {
				return nest(views - 1)
			}
			return nil
		})
	}
	if err := s.Update(context.Background(), func(store.Tx) error { return nest(maxReaders) }); err != nil {
		t.Errorf("views within an update: %v", err)
	}
	var within func(int) error
	within = func(views int) error {
		return s.View(context.Background(), func(store.Tx) error {
			if views > 1 {
				return within(views - 1)
			}
			return s.Update(context.Background(), func(store.Tx) error { return nil })
		})
	}
	if err := within(maxReaders); err != nil {
		t.Errorf("an update within views: %v", err)
	}
}

// Its connection could: it is the one that updates use.
func TestAViewChangesNothing(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	u := store.User{HumanID: id.NewHuman(), ClientUserID: "u"}
	err = s.View(context.Background(), func(tx store.Tx) error {
		if err := tx.InsertUser(u); problem.CodeOf(err) != CodeFailed {
			t.Errorf("an insert in a view: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.UserByID(u.HumanID)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what was inserted in a view: %v", err)
	}
}

// The place in the queue is closed with the store, by the update that still runs then.
func TestAnUpdateThatRunsWhenTheStoreIsClosedCommitsAndLeavesTheQueue(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	u := store.User{HumanID: id.NewHuman(), ClientUserID: "u"}
	err = s.Update(context.Background(), func(tx store.Tx) error {
		return errors.Join(tx.InsertUser(u), s.Close())
	})
	if err != nil || s.turn != nil {
		t.Errorf("the update: %v; in the queue: %t", err, s.turn != nil)
	}
	if err := s.Update(context.Background(), func(store.Tx) error { return nil }); err == nil {
		t.Error("an update of a store that is closed")
	}
	again, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	err = again.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.UserByID(u.HumanID)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// connect opens a state and takes the connection that it opened.
func connect(t *testing.T, dir string) (*Store, *conn) {
	t.Helper()
	s, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.pool.take(context.Background(), s.limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.pool.put(c, false)
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, c
}

// toVersion1 takes from a state what later migrations gave it.
const toVersion1 = "DROP INDEX delivery_hook; DROP INDEX delivery_pending_listed; DROP INDEX delivery_dead_listed; " +
	"DROP INDEX delivery_discarded_listed; DROP INDEX event_type; DROP INDEX session_status; DROP INDEX session_open_listed; " +
	"DROP INDEX connection_needs_reconnect_listed; DROP INDEX connection_disconnected_listed; DROP INDEX connection_source; " +
	"DROP INDEX connection_provider; DROP INDEX revocation_provider; DROP INDEX delivery_target; ALTER TABLE delivery DROP COLUMN target; DROP TABLE clock; ALTER TABLE action DROP COLUMN documentation_url; DROP INDEX event_outside; DROP INDEX event_source; DROP INDEX event_at; DROP INDEX delivery_at; DROP INDEX delivery_dead; " +
	"DROP INDEX session_at; DROP INDEX connection_listed; DROP TABLE hook_pause; ALTER TABLE event DROP COLUMN human_id; " +
	"ALTER TABLE event DROP COLUMN source; ALTER TABLE delivery DROP COLUMN redelivered; ALTER TABLE delivery DROP COLUMN hung; " +
	"DROP INDEX connection_refresh; " +
	"ALTER TABLE connection DROP COLUMN version; ALTER TABLE connection DROP COLUMN credential_at; " +
	"ALTER TABLE connection DROP COLUMN reconnect_by; ALTER TABLE connection DROP COLUMN can_refresh; " +
	"ALTER TABLE connection DROP COLUMN can_check; ALTER TABLE connection DROP COLUMN reason; " +
	"ALTER TABLE connection DROP COLUMN needs_reconnect_at; ALTER TABLE connection DROP COLUMN refresh_at; " +
	"ALTER TABLE connection DROP COLUMN refresh_owner; ALTER TABLE connection DROP COLUMN refresh_lease_until; " +
	"ALTER TABLE connection DROP COLUMN refresh_begun_at; ALTER TABLE connection DROP COLUMN refresh_tries; " +
	"ALTER TABLE connection DROP COLUMN refresh_next_at; ALTER TABLE connection DROP COLUMN refresh_error; " +
	"DROP TRIGGER session_exit_code; ALTER TABLE session DROP COLUMN cut; DROP TABLE verified_token; " +
	"DROP TABLE secret; DROP TABLE disabled_hook; ALTER TABLE attempt DROP COLUMN hosts; " +
	"ALTER TABLE session DROP COLUMN hooks; PRAGMA user_version = 1"

// The second migration is applied, then another process holds the database for a while, and the whole is tried again with
// what was read of the state before.
func TestAMigrationThatMetALockGoesOnWhereItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, c := connect(t, dir)
	_, other := connect(t, dir)
	old := head{version: 1}
	err := errors.Join(c.script(toVersion1), applyMigration(c, 2, migrations()[1], s.ring.Primary()), other.script("BEGIN IMMEDIATE"))
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(c, old, s.ring.Primary()); !waits(err) {
		t.Fatalf("with a lock in the way: %v", err)
	}
	if err := errors.Join(rollback(other, nil), migrate(c, old, s.ring.Primary())); err != nil {
		t.Fatal(err)
	}
	if h, err := headOf(c); err != nil || h.version != len(migrations()) {
		t.Errorf("version %d, %v", h.version, err)
	}
}

func TestADatabaseThatCameIntoUseWhileItWasOpenedIsOpenedOnceMore(t *testing.T) {
	for code, want := range map[problem.Code]int{CodeOlder: 2, CodeDamaged: 2, CodeKey: 1, CodeNewer: 1} {
		dir, calls := t.TempDir(), 0
		_, err := openStill(dir, func() (*Store, error) {
			calls++
			if calls > 1 {
				return &Store{}, nil
			}
			return nil, errors.Join(fail(code, nil, "torn"), os.WriteFile(filepath.Join(dir, fileDB+"-wal"), []byte("frames"), 0o600))
		})
		if calls != want || (err == nil) != (want == 2) {
			t.Errorf("%s: opened %d times, %v", code, calls, err)
		}
	}
}

// One who waits, and then has the lock for itself alone, holds up all that come behind.
func TestThoseWhoWaitForTheStateToBeMadeGoOnTogether(t *testing.T) {
	o := Options{Dir: t.TempDir(), BusyLimit: defaultBusyLimit, system: realSystem()}
	lock := flock.New(filepath.Join(o.Dir, fileLock), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	const waiters = 4
	done := make(chan error, waiters)
	for range waiters {
		go func() { done <- createOrAwait(context.Background(), o) }()
	}
	if err := lock.RLock(); err != nil { // it has ended, and others who waited go on
		t.Fatal(err)
	}
	for range waiters {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if exists(filepath.Join(o.Dir, fileDB)) {
		t.Error("one of them made the state")
	}
}

func TestWhatWasPreparedIsNotPreparedAgainAndDoesNothing(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	u := store.User{HumanID: id.NewHuman(), ClientUserID: "u"}
	both := func(tx store.Tx) error {
		_, err := tx.UserByID(u.HumanID)
		return errors.Join(err, tx.InsertUser(u))
	}
	nothing := func(store.Tx) error { return nil }
	if err := errors.Join(s.Update(context.Background(), nothing), s.View(context.Background(), nothing)); err != nil {
		t.Fatal(err)
	}
	s.Prepare(context.Background(), func(tx store.Tx) {
		if err := both(tx); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("while it is prepared: %v", err)
		}
	})
	before := len(s.pool.idle[0].stmts)
	if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.InsertUser(u) }); err != nil {
		t.Fatalf("it was inserted before: %v", err)
	}
	err = s.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.UserByID(u.HumanID)
		return err
	})
	if got := s.pool.idle[0].stmts; err != nil || len(got) != before || len(s.pool.idle) != 1 {
		t.Errorf("%d statements were prepared, %d now, on %d connections; %v", before, len(got), len(s.pool.idle), err)
	}
}

// TestLargeStateIsReadInPart: all of it takes minutes, which a person who asks what is wrong does not wait.
func TestLargeStateIsReadInPart(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const each = 200_000
	n := 0
	err = s.Update(t.Context(), func(tx store.Tx) error {
		var err error
		for ; err == nil && n*each <= wholeSize; n++ {
			err = tx.InsertEvent(store.Event{ID: id.New[id.Event](), Sequence: 1, Type: "session.closed", At: time.Now(), Body: make([]byte, each)})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.db.ExecContext(t.Context(), `UPDATE event SET body = x'00' WHERE n = 1`); err != nil {
		t.Fatal(err)
	}
	if whole, err := s.Check(t.Context(), true); !whole || problem.CodeOf(err) != CodeDamaged {
		t.Errorf("in full: %v, %v", whole, err)
	}
	if whole, err := s.Check(t.Context(), false); whole || problem.CodeOf(err) != CodeDamaged { // it is among the newest
		t.Errorf("in part: %v, %v", whole, err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		var err error
		for i := 0; err == nil && i < SampledRows; i++ {
			err = tx.InsertEvent(store.Event{ID: id.New[id.Event](), Sequence: 1, Type: "session.closed", At: time.Now(), Body: []byte("{}")})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := s.Check(t.Context(), false); whole || err != nil {
		t.Errorf("behind the newest: %v, %v", whole, err)
	}
}
