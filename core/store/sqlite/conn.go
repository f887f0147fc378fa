package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// busyTimeout is how long SQLite itself waits for a lock, in milliseconds.
const busyTimeout = "2"

// maxJitter is the longest pause before a transaction is tried again.
const maxJitter = 2 * time.Millisecond

// dsn names the database with SQLite's own parameters of a URI (https://www.sqlite.org/uri.html) and the pragmas of each
// connection.
func dsn(path string, parameters url.Values, pragmas ...string) string {
	q := maps.Clone(parameters)
	q["_pragma"] = append([]string{"busy_timeout(" + busyTimeout + ")", "foreign_keys(1)", "synchronous(full)"}, pragmas...)
	query := strings.ReplaceAll(q.Encode(), "+", "%20") // to SQLite a plus is a plus
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}).String()
}

// conn is one connection with the statements that it has prepared. One goroutine uses it at a time.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

// prepare returns the statement of a query, which is one of a fixed set.
//
// Statements run with a context that never ends: they are short, and a transaction that is cut in the middle of its
// commit would leave open whether it holds. Only the waits between them end with the caller's context.
func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// script runs statements that are used once.
func (c *conn) script(text string) error {
	_, err := c.sql.ExecContext(context.Background(), text)
	return err
}

// close gives the connection back to the database; a broken one is thrown away.
func (c *conn) close(broken bool) {
	for _, s := range c.stmts {
		_ = s.Close() // closing cannot undo what was committed
	}
	if broken {
		_ = c.sql.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = c.sql.Close()
}

// lane bounds how many transactions of one kind run at once in this process.
type lane chan struct{}

// enter waits for room, within the limit.
func (l lane) enter(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the state: %w", ctx.Err())
	case <-timer.C:
		return fail(CodeBusy, nil, "this process held the state for %v", limit)
	}
}

// pool holds up to a fixed number of connections, opened when first needed and kept until it is closed. Each can read and
// write: that of a short command does both, and the schema is read once.
type pool struct {
	db *sql.DB

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(dataSource string, size int) (*pool, error) {
	db, err := sql.Open("sqlite", dataSource)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(0) // a connection that the pool gives back is one it does not want
	return &pool{db: db}, nil
}

// take returns a connection, opened within the limit where none is idle; the caller gives it back with put.
func (p *pool) take(ctx context.Context, limit time.Duration) (*conn, error) {
	c, err := p.pop(ctx, limit)
	return c, classify("opening the state", err)
}

func (p *pool) pop(ctx context.Context, limit time.Duration) (*conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c := &conn{stmts: make(map[string]*sql.Stmt)}
	err := patiently(ctx, limit, func() (err error) {
		c.sql, err = p.db.Conn(context.Background())
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.sql.Raw(keepWAL); err != nil {
		c.close(true)
		return nil, err
	}
	return c, nil
}

// keepWAL lets the -wal and -shm files stay, empty, when the last connection closes: the next one need not make and
// sync them anew, and one that only reads finds them and creates nothing.
func keepWAL(driverConn any) error {
	control, ok := driverConn.(sqlite.FileControl)
	if !ok {
		return fmt.Errorf("the driver's connection is a %T", driverConn)
	}
	_, err := control.FileControlPersistWAL("main", 1)
	return err
}

func (p *pool) put(c *conn, broken bool) {
	p.mu.Lock()
	keep := !p.closed && !broken
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close(broken)
	}
}

func (p *pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// close closes the idle connections now and those in use when they are put back.
func (p *pool) close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.close(false)
	}
	return p.db.Close()
}

// patiently calls f until it does not meet a lock, ctx ends, or the limit has passed.
func patiently(ctx context.Context, limit time.Duration, f func() error) error {
	deadline := time.Now().Add(limit)
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for the state: %w", err)
		}
		err := f()
		if err == nil || !waits(err) || time.Now().After(deadline) {
			return err
		}
		pause(ctx)
	}
}

func pause(ctx context.Context) {
	t := time.NewTimer(rand.N(maxJitter))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
