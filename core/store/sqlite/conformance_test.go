package sqlite

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/storetest"
)

// TestConformance holds the store to its interface, and each query that it makes meanwhile to what a query may cost: it reads the
// rows that it is about, and not all that there are.
func TestConformance(t *testing.T) {
	seen := &queries{texts: make(map[string]bool)}
	storetest.Run(t, func(t testing.TB) store.Store {
		s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
		if err != nil {
			t.Fatal(err)
		}
		return &observed{s, seen}
	})
	t.Run("plans", func(t *testing.T) { seen.check(t) })
}

// queries are the texts of the statements that were prepared.
type queries struct {
	mu    sync.Mutex
	texts map[string]bool
}

// observed keeps the statements of a store when it is closed.
type observed struct {
	*Store
	seen *queries
}

func (o *observed) Close() error {
	o.pool.mu.Lock()
	idle := slices.Clone(o.pool.idle)
	o.pool.mu.Unlock()
	o.seen.mu.Lock()
	for _, c := range idle {
		for text := range c.stmts {
			o.seen.texts[text] = true
		}
	}
	o.seen.mu.Unlock()
	return o.Store.Close()
}

// bounded are the tables that do not grow with the users, sessions and events.
func bounded() []string { return []string{"key", "secret", "clock", "disabled_hook", "json_each"} }

// check fails for each query that scans or sorts a table that grows.
func (q *queries) check(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.View(t.Context(), func(store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	const few = 80
	if len(q.texts) < few {
		t.Errorf("%d queries were seen, which cannot be all", len(q.texts))
	}
	for _, text := range slices.Sorted(maps.Keys(q.texts)) {
		verb, _, _ := strings.Cut(text, " ")
		if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE", "INSERT"}, verb) || excused(text) {
			continue // of the transaction, or a pragma
		}
		for _, step := range plan(t, s, text) {
			if costly(text, step) {
				t.Errorf("%s: %s", text, step)
			}
		}
	}
}

// excused says whether a query may read much: why stands beside it.
func excused(text string) bool {
	for _, begin := range []string{
		// The first words with a database, about its schema.
		"SELECT 1 FROM sqlite_schema", "SELECT user_version, application_id",
		// What is pending is counted once, when a run has worked on it.
		"SELECT hook, state, COUNT(*) FROM delivery",
	} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	// The sessions of a source are looked for from the newest on, until there are enough: no order of the actions is theirs.
	return strings.Contains(text, "WHERE EXISTS (SELECT 1 FROM action WHERE session_id = session.id AND action.source = ?)")
}

// costly says whether a step of a query reads or sorts all rows of a table that grows.
func costly(text, step string) bool {
	if strings.HasPrefix(step, "USE TEMP B-TREE") {
		return !ofOne(text) && !strings.Contains(text, "LIMIT ?) ORDER BY")
	}
	table, scans := strings.CutPrefix(step, "SCAN ")
	table, _, _ = strings.Cut(table, " ")
	if !scans || strings.HasPrefix(step, "SCAN CONSTANT ROW") || slices.Contains(bounded(), table) || strings.HasPrefix(table, "(subquery") {
		return false
	}
	return !readsWhatItReturns(text)
}

// ofOne says whether a query is about one session, user, event or connection: what these have is little, and may be sorted.
func ofOne(text string) bool {
	return slices.ContainsFunc([]string{"session_id = ?", "human_id = ?", "event_id = ?", "connection_id = ?"}, func(one string) bool {
		return strings.Contains(text, one)
	})
}

// readsWhatItReturns says whether a scan ends with the rows that are asked for: nothing but constants, which an index or nearly all
// rows fulfil, keeps a row out.
func readsWhatItReturns(text string) bool {
	_, where, filtered := strings.Cut(text, " WHERE ")
	where, _, _ = strings.Cut(where, " ORDER BY ")
	where, _, _ = strings.Cut(where, " LIMIT ")
	return strings.Contains(text, "LIMIT ?") && (!filtered || !strings.Contains(where, "?"))
}
