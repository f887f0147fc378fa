package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// maxFindings is how many findings of a check are named.
const maxFindings = 5

// openReadOnly opens a state that is there and up to date.
func openReadOnly(ctx context.Context, o Options) (*Store, error) {
	err := checkDir(o.Dir, true)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !exists(filepath.Join(o.Dir, fileDB)) {
		return nil, fail(CodeMissing, nil, "there is no state in %s", o.Dir)
	}
	if err != nil {
		return nil, err
	}
	s, ready, err := attach(ctx, o)
	if err == nil && !ready {
		return nil, fail(CodeOlder, nil, "the state is of an older version, or was not completed").
			hint("any command that changes the state brings it up to date")
	}
	return s, err
}

// Check reads the whole database and says what is wrong with it: its structure and the references between its rows.
// Its time grows with the size of the state; it ends with ctx. That the key is the right one was seen by Open.
func (s *Store) Check(ctx context.Context) error {
	c, err := s.readers.take(ctx, s.limit)
	if err != nil {
		return err
	}
	findings, err := findings(ctx, c)
	s.readers.put(c, err != nil)
	if err != nil {
		return classify("checking the state", err)
	}
	if len(findings) == 0 {
		return nil
	}
	return fail(CodeDamaged, nil, "the state is damaged: %s", strings.Join(findings[:min(len(findings), maxFindings)], "; ")).
		hint("restore the state directory from a backup")
}

func findings(ctx context.Context, c *conn) ([]string, error) {
	var out []string
	rows, err := c.sql.QueryContext(ctx, "PRAGMA integrity_check(10)")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below has what matters
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			out = append(out, line)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	orphans, err := orphans(ctx, c)
	return append(out, orphans...), err
}

func orphans(ctx context.Context, c *conn) ([]string, error) {
	const query = `SELECT "table", "parent", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2`
	rows, err := c.sql.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below has what matters
	var out []string
	for rows.Next() {
		var table, parent string
		var n int
		if err := rows.Scan(&table, &parent, &n); err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("%d rows of %s name a %s that is not there", n, table, parent))
	}
	return out, rows.Err()
}
