package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
)

// table knows how one row type lies in its table. Its first columns, as many as keys says, name a row.
type table[T any] struct {
	fields func(*T) []field
	keys   int
	// The statements up to where a caller adds its conditions.
	insertSQL, updateSQL, selectSQL string
}

func newTable[T any](name string, keys int, fields func(*T) []field) table[T] {
	var row T
	var columns, marks, sets, wheres []string
	for i, f := range fields(&row) {
		column := `"` + f.column + `"`
		columns, marks = append(columns, column), append(marks, "?")
		if i < keys {
			wheres = append(wheres, column+" = ?")
		} else {
			sets = append(sets, column+" = ?")
		}
	}
	name = `"` + name + `"`
	list := strings.Join(columns, ", ")
	return table[T]{
		fields:    fields,
		keys:      keys,
		insertSQL: "INSERT INTO " + name + " (" + list + ") VALUES (" + strings.Join(marks, ", ") + ")",
		updateSQL: "UPDATE " + name + " SET " + strings.Join(sets, ", ") + " WHERE " + strings.Join(wheres, " AND "),
		selectSQL: "SELECT " + list + " FROM " + name + " ",
	}
}

// insert returns store.ErrExists if a unique column has the row's value already.
func (t table[T]) insert(tx *tx, row T) error {
	_, err := tx.exec(t.insertSQL, values(t.fields(&row))...)
	return err
}

// save writes all columns but the keys. It returns store.ErrNotFound if there is no such row.
func (t table[T]) save(tx *tx, row T) error {
	all := values(t.fields(&row))
	n, err := tx.exec(t.updateSQL, append(all[t.keys:len(all):len(all)], all[:t.keys]...)...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// find returns the first row that the rest of the query selects, or store.ErrNotFound.
func (t table[T]) find(tx *tx, rest string, args ...any) (T, error) {
	rows, err := t.list(tx, rest+" LIMIT 1", args...)
	if err != nil || len(rows) == 0 {
		var zero T
		if err == nil {
			err = store.ErrNotFound
		}
		return zero, err
	}
	return rows[0], nil
}

func (t table[T]) list(tx *tx, rest string, args ...any) ([]T, error) {
	return t.collect(tx, func(err error) error { return err }, rest, args...)
}

// sound is list without the rows that cannot be read.
func (t table[T]) sound(tx *tx, rest string, args ...any) ([]T, error) {
	unlessDamaged := func(err error) error {
		if errors.Is(err, store.ErrDamaged) {
			return nil
		}
		return err
	}
	return t.collect(tx, unlessDamaged, rest, args...)
}

// collect asks wrong what a row that cannot be read does to the rest.
func (t table[T]) collect(tx *tx, wrong func(error) error, rest string, args ...any) (out []T, err error) {
	err = tx.query(t.selectSQL+rest, args, func(scan func(...any) error) error {
		var row T
		if err := scan(values(t.fields(&row))...); err != nil {
			return wrong(err)
		}
		out = append(out, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// read reads through the newest rows, -1 for all, so that what is sealed in them is opened once. Where rows are not in the order
// they came, any will do. It ends with ctx.
func (t table[T]) read(ctx context.Context, tx *tx, most int) error {
	_, name, _ := strings.Cut(t.selectSQL, " FROM ")
	unordered, err := tx.number("SELECT wr FROM pragma_table_list WHERE name = ?", strings.Trim(name, `" `))
	if err != nil {
		return err
	}
	newest := "ORDER BY rowid DESC "
	if unordered != 0 {
		newest = ""
	}
	return tx.query(t.selectSQL+newest+"LIMIT ?", []any{most}, func(scan func(...any) error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		var row T
		return scan(values(t.fields(&row))...)
	})
}

func values(fields []field) []any {
	out := make([]any, len(fields))
	for i, f := range fields {
		out[i] = f.value
	}
	return out
}

// selection is the rest of a query whose conditions depend on a filter.
type selection struct {
	terms []string
	args  []any
}

func (s *selection) where(set bool, term string, args ...any) {
	if set {
		s.terms = append(s.terms, term)
		s.args = append(s.args, args...)
	}
}

// literal returns a value that is one of those known: a partial index cannot be chosen by a parameter. Any other selects nothing.
func literal[T ~string](value T, known ...T) string {
	if slices.Contains(known, value) {
		return string(value)
	}
	return ""
}

// since selects the rows of a table that are not older than a time. The first of them is found in the index of the times, so that
// no row before it is read.
func (s *selection) since(table, column string, at *time.Time) {
	term := fmt.Sprintf("n >= (SELECT MIN(n) FROM %[1]s WHERE %[2]s >= ?) AND %[2]s >= ?", table, column)
	s.where(!at.IsZero(), term, instant{at}, instant{at})
}

// rest ends the query with an order and a limit, 0 being none.
func (s *selection) rest(order string, limit int) (string, []any) {
	return s.conditions() + "ORDER BY " + order + " LIMIT ?", append(s.args, rowLimit(limit))
}

func (s *selection) conditions() string {
	if len(s.terms) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(s.terms, " AND ") + " "
}

// rowLimit is what SQLite calls a limit: a negative one is none.
func rowLimit(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}

// tables holds the layout of all rows under one ring of keys.
type tables struct {
	user         table[store.User]
	token        table[store.Token]
	verified     table[store.VerifiedToken]
	session      table[store.Session]
	sessionHook  table[store.SessionHook]
	attempt      table[store.Attempt]
	action       table[store.Action]
	connection   table[store.Connection]
	revocation   table[store.Revocation]
	event        table[store.Event]
	delivery     table[store.Delivery]
	disabledHook table[store.DisabledHook]
	hookPause    table[store.HookPause]
	secret       table[store.Secret]

	// Those for listings keep a row of which something sealed cannot be read, and say so in it.
	listedSession    table[store.Session]
	listedConnection table[store.Connection]
	listedRevocation table[store.Revocation]
	listedEvent      table[store.Event]
}

func newTables(ring *seal.Ring) *tables {
	in := func(table string, id *string) box { return box{ring: ring, table: table, id: id} }
	return &tables{
		user:        newTable("user", 1, userFields),
		token:       newTable("token", 1, tokenFields),
		verified:    newTable("verified_token", 1, verifiedTokenFields),
		session:     newTable("session", 1, func(s *store.Session) []field { return sessionFields(s, in("session", (*string)(&s.ID))) }),
		sessionHook: newTable("session_hook", 1, func(h *store.SessionHook) []field { return hookFields(h, in("session_hook", (*string)(&h.ID))) }),
		attempt:     newTable("attempt", 1, func(a *store.Attempt) []field { return attemptFields(a, in("attempt", (*string)(&a.ID))) }),
		action:      newTable("action", 2, actionFields),
		connection:  newTable("connection", 1, func(c *store.Connection) []field { return connectionFields(c, in("connection", (*string)(&c.ID))) }),
		revocation:  newTable("revocation", 1, func(r *store.Revocation) []field { return revocationFields(r, in("revocation", (*string)(&r.ID))) }),
		event:       newTable("event", 1, func(e *store.Event) []field { return eventFields(e, in("event", (*string)(&e.ID))) }),
		delivery:    newTable("delivery", 1, deliveryFields),
		listedSession: newTable("session", 1, func(s *store.Session) []field {
			return sessionFields(s, in("session", (*string)(&s.ID)).marking(&s.Damaged))
		}),
		listedConnection: newTable("connection", 1, func(c *store.Connection) []field {
			return connectionFields(c, in("connection", (*string)(&c.ID)).marking(&c.Damaged))
		}),
		listedRevocation: newTable("revocation", 1, func(r *store.Revocation) []field {
			return revocationFields(r, in("revocation", (*string)(&r.ID)).marking(&r.Damaged))
		}),
		listedEvent: newTable("event", 1, func(e *store.Event) []field {
			return eventFields(e, in("event", (*string)(&e.ID)).marking(&e.Damaged))
		}),
		disabledHook: newTable("disabled_hook", 1, disabledFields),
		hookPause:    newTable("hook_pause", 1, pauseFields),
		secret:       newTable("secret", 1, func(s *store.Secret) []field { return secretFields(s, in("secret", &s.Name)) }),
	}
}

// readable is a table whose rows can be read through.
type readable interface {
	read(ctx context.Context, tx *tx, most int) error
}

func (t *tables) all() []readable {
	return []readable{
		t.user, t.token, t.verified, t.session, t.sessionHook, t.attempt, t.action, t.connection, t.revocation, t.event, t.delivery, t.disabledHook, t.hookPause, t.secret,
	}
}
