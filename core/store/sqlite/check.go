package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// maxFindings is how many findings of a check are named.
const maxFindings = 5

// openReadOnly opens a state that is there and up to date. It waits for another process that makes or migrates it.
func openReadOnly(ctx context.Context, o Options) (*Store, error) {
	err := o.system.checkDir(o.Dir, true)
	if err == nil {
		err = checkLost(o.Dir)
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && !exists(filepath.Join(o.Dir, fileDB)) {
		return nil, fail(CodeMissing, nil, "there is no state in %s", o.Dir)
	}
	if err != nil {
		return nil, err
	}
	release, err := awaitCreation(ctx, o)
	if err != nil {
		return nil, err
	}
	defer release()
	return openStill(o.Dir, func() (*Store, error) { return attachReadOnly(ctx, o) })
}

// awaitCreation waits for whoever makes or migrates the state, and keeps others from it until release is called. Where
// there is no lock file, as in a copy of the files that count, nobody has begun to.
func awaitCreation(ctx context.Context, o Options) (release func(), err error) {
	lock := flock.New(filepath.Join(o.Dir, fileLock), flock.SetFlag(os.O_RDONLY))
	err = take(ctx, o.BusyLimit, lock.TryRLockContext)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return func() { _ = lock.Close() }, err
}

func attachReadOnly(ctx context.Context, o Options) (*Store, error) {
	o.still = still(o.Dir)
	s, ready, err := attach(ctx, o)
	switch {
	case err == nil && !ready:
		return nil, fail(CodeOlder, nil, "the state is of an older version, or was not completed").
			hint("any command that changes the state brings it up to date")
	case problem.CodeOf(err) == CodePath && unfinished(o.Dir):
		return nil, fail(CodePath, err, "the state was not closed properly, and can be read only where it can be written to").
			hint("copy the state directory to a place that can be written to")
	}
	return s, err
}

// openStill opens once more where the database came into use at the same time: what was read of it may be torn then.
func openStill(dir string, open func() (*Store, error)) (*Store, error) {
	was := still(dir)
	s, err := open()
	if code := problem.CodeOf(err); was && !still(dir) && (code == CodeOlder || code == CodeDamaged) {
		return open()
	}
	return s, err
}

// still says whether no process has the database open, nor died while it had: there is nothing in the -wal file, and no
// -shm file if there is a -wal.
func still(dir string) bool {
	size, there := sizeOf(dir, "-wal")
	_, shared := sizeOf(dir, "-shm")
	return !there || size == 0 && !shared
}

// unfinished says whether SQLite must make the -shm file anew before it can read the -wal.
func unfinished(dir string) bool {
	_, there := sizeOf(dir, "-wal")
	_, shared := sizeOf(dir, "-shm")
	return there && !shared
}

func sizeOf(dir, suffix string) (size int64, there bool) {
	info, err := os.Stat(filepath.Join(dir, fileDB+suffix))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// unlessOvertaken says of damage that others began to write to a database that was still when it was opened.
func (s *Store) unlessOvertaken(err error) error {
	if !s.still || problem.CodeOf(err) != CodeDamaged || still(s.dir) {
		return err
	}
	return fail(CodeBusy, err, "others began to write to the state while it was read").hint("try again")
}

const (
	// SampledRows is how many rows of each table [Store.Check] reads of a large state, the newest.
	SampledRows = 1000
	// wholeSize is up to how many bytes a state is read whole, whatever is asked: that takes a second at most.
	wholeSize = 16 << 20
)

// Check says what is wrong with the database: with full, or where it is small, in its structure, the references between its rows,
// and values that cannot be read, and whole is true. Of a large one it reads the newest rows alone, unless full is asked: its time
// grows with the size of the state then. It ends with ctx. That the key is the right one was seen by Open.
func (s *Store) Check(ctx context.Context, full bool) (whole bool, err error) {
	if err := s.reading.enter(ctx, s.limit); err != nil {
		return false, err
	}
	defer s.leave(s.reading)
	c, err := s.pool.take(ctx, s.limit)
	if err != nil {
		return false, err
	}
	size, _ := sizeOf(s.dir, "")
	logged, _ := sizeOf(s.dir, "-wal")
	whole = full || size+logged <= wholeSize
	var found []string
	if whole {
		found, err = findings(ctx, c)
	}
	if err == nil && len(found) == 0 {
		found, err = unreadable(ctx, &tx{conn: c, tables: s.tables, readOnly: true}, whole)
	}
	s.pool.put(c, err != nil)
	if err != nil {
		return whole, s.unlessOvertaken(classify("checking the state", err))
	}
	return whole, s.damage(found)
}

// damage makes an error of what was found, nil of nothing.
func (s *Store) damage(findings []string) error {
	if len(findings) == 0 {
		return nil
	}
	return s.unlessOvertaken(fail(CodeDamaged, nil, "the state is damaged: %s", strings.Join(findings[:min(len(findings), maxFindings)], "; ")).
		hint("restore the state directory from a backup"))
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

// unreadable reads every row, or the newest ones, and tells of the first in each table that cannot be read.
func unreadable(ctx context.Context, tx *tx, whole bool) ([]string, error) {
	var out []string
	most := rowLimit(0)
	if !whole {
		most = SampledRows
	}
	for _, table := range tx.tables.all() {
		err := table.read(ctx, tx, most)
		switch {
		case errors.Is(err, store.ErrDamaged):
			out = append(out, err.Error())
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}
