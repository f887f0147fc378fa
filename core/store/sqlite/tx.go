package sqlite

import (
	"context"

	"github.com/humanconnect/humanconnect/core/store"
)

// tx is a transaction on one connection; once it has ended, conn is nil.
type tx struct {
	conn   *conn
	tables *tables
	// readOnly: it is a view, which changes nothing, though its connection could.
	readOnly bool
	// preparing: its statements are prepared and not run.
	preparing bool
}

var _ store.Tx = (*tx)(nil)

func (t *tx) exec(query string, args ...any) (int64, error) {
	switch {
	case t.conn == nil:
		return 0, errClosed
	case t.preparing:
		_, err := t.conn.prepare(query)
		return 0, err
	case t.readOnly:
		return 0, fail(CodeFailed, nil, "a view of the state cannot change it")
	}
	n, err := t.conn.exec(query, args...)
	return n, classify("writing the state", err)
}

// query calls each with every row in turn. Rows are read to their end before it returns, so that the next statement of
// the transaction finds the connection free.
func (t *tx) query(query string, args []any, each func(scan func(...any) error) error) error {
	switch {
	case t.conn == nil:
		return errClosed
	case t.preparing:
		_, err := t.conn.prepare(query)
		return err
	}
	return classify("reading the state", t.conn.query(query, args, each))
}

func (c *conn) query(query string, args []any, each func(scan func(...any) error) error) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err below has what matters
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// number reads one number.
func (t *tx) number(query string, args ...any) (n int64, err error) {
	err = t.query(query, args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// text reads one text.
func (t *tx) text(query string, args ...any) (text string, err error) {
	err = t.query(query, args, func(scan func(...any) error) error { return scan(&text) })
	return text, err
}
