package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/queue"
)

// The files of a state.
const (
	fileDB   = "state.db"
	fileLock = "state.lock"
	fileKey  = "state.key"
	// fileQueue is the queue of the writers.
	fileQueue = "run/write.queue"
)

// maxReaders is how many views run at once; more wait.
const maxReaders = 4

// defaultBusyLimit is many times the slowest commit that was measured with 16 processes that write all the time.
const defaultBusyLimit = 30 * time.Second

// Options say how a state is opened.
type Options struct {
	// Dir holds the state and nothing else; it is made with its parents where it does not exist.
	Dir string
	// Key returns the master key of [seal.KeySize] bytes. Nil means the file state.key in Dir, which is made with the
	// state.
	Key func(context.Context) ([]byte, error)
	// ReadOnly opens an existing state and neither creates nor changes anything. Update fails.
	ReadOnly bool
	// Refusal is what Update returns of a state that was opened for reading only, because it cannot be written to; optional.
	Refusal error
	// BusyLimit is the longest time that one transaction waits for others; 0 means 30 s.
	BusyLimit time.Duration

	// system is the real one where it is nil.
	system *system
	// still: it is read only, and was in nobody's hands when it was looked at last.
	still bool
}

// Store is a state in SQLite. It implements [store.Store].
type Store struct {
	dir      string
	readOnly bool
	refusal  error
	still    bool
	limit    time.Duration
	ring     *seal.Ring
	tables   *tables
	commit   func(*conn) error
	pool     *pool
	writing  lane
	reading  lane
	// turn is the place of the updates in the queue of all processes' writers; nil before the first one. Who is in the lane
	// of those who write owns it.
	turn *queue.Place
	// files are those that were opened.
	files opened
}

var _ store.Store = (*Store)(nil)

// Open opens the state in a directory, and makes it where there is none. It waits for another process that does the
// same. It returns an [Error], or the error of ctx. The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.BusyLimit == 0 {
		o.BusyLimit = defaultBusyLimit
	}
	if o.system == nil {
		o.system = realSystem()
	}
	dir, err := absolute(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	if err := useOFDLocks(); err != nil {
		return nil, err
	}
	s, err := openDir(ctx, o)
	return s, exact(o.Dir, err)
}

func openDir(ctx context.Context, o Options) (*Store, error) {
	if o.ReadOnly {
		return openReadOnly(ctx, o)
	}
	if err := o.system.prepareDir(o.Dir); err != nil {
		return nil, err
	}
	closeFiles(o.Dir)
	return openOrCreate(ctx, o)
}

// Prepare makes the state directory where it does not exist, and sees that it can hold a state, as Open does first. It is
// for those who keep something there before the state is opened. It returns an [Error].
func Prepare(dir string) error {
	dir, err := absolute(dir)
	if err != nil {
		return err
	}
	return realSystem().prepareDir(dir)
}

func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil || dir == "" {
		return "", fail(CodePath, err, "the state directory has no path")
	}
	return abs, nil
}

// useOFDLocks keeps a lock on the database when some other code of this process opens and closes the file, which
// drops a POSIX lock. Where the system has none, POSIX locks do. SQLite fixes the kind with the first lock of the process:
// where other code has opened a database before us, with POSIX locks, the state is not opened.
func useOFDLocks() error {
	_, err := sqlite.OFDLocking(true)
	if err == nil || errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return nil
	}
	return fail(CodeFailed, err, "choosing the kind of file locks")
}

// openOrCreate takes the way without any lock if the state is there and up to date. Of many who find that it is not, one
// makes it, and the others go on together: each with the lock in turn would be slow. They need it where that one failed.
func openOrCreate(ctx context.Context, o Options) (*Store, error) {
	for _, provide := range []func(context.Context, Options) error{createOrAwait, create} {
		if exists(filepath.Join(o.Dir, fileDB)) {
			s, ready, err := attach(ctx, o)
			if err != nil || ready {
				return s, err
			}
		}
		if err := provide(ctx, o); err != nil {
			return nil, err
		}
	}
	s, ready, err := attach(ctx, o)
	if err == nil && !ready {
		err = fail(CodeDamaged, nil, "the state is not complete after it was made")
	}
	return s, err
}

// attach opens the database. Where it must be made or migrated first, it returns false and no store. One connection is enough
// for a process in which nothing happens at once.
func attach(ctx context.Context, o Options) (*Store, bool, error) {
	path := filepath.Join(o.Dir, fileDB)
	pragmas := []string{"journal_size_limit(0)", "secure_delete(1)"}
	if o.ReadOnly {
		pragmas[1] = "query_only(1)"
	}
	p, err := newPool(dsn(path, access(o), pragmas...), maxReaders+1)
	if err != nil {
		return nil, false, fail(CodeFailed, err, "opening the state")
	}
	s := &Store{
		dir: o.Dir, readOnly: o.ReadOnly, refusal: o.Refusal, still: o.still, limit: o.BusyLimit, commit: o.system.commit,
		pool: p, writing: make(lane, 1), reading: make(lane, maxReaders),
	}
	head, err := readHead(ctx, p, o.BusyLimit)
	if err == nil && head.version == len(migrations()) {
		if err = s.unlock(ctx, o, head); err == nil {
			return s, true, nil
		}
	}
	_ = s.Close() // nothing was written
	return nil, false, err
}

// unlock gets the key of the state.
func (s *Store) unlock(ctx context.Context, o Options, head head) error {
	key, err := loadKey(ctx, o, head)
	if err != nil {
		return err
	}
	if s.ring, err = ringFor(key, head.keyID); err != nil {
		return err
	}
	s.tables = newTables(s.ring)
	s.files = look(o.Dir)
	return nil
}

// access says how the database is opened. Where one that is only read is in no process's hands, SQLite would make the
// files that the processes share, unless it is opened as immutable.
func access(o Options) url.Values {
	switch {
	case !o.ReadOnly:
		return url.Values{"mode": {"rw"}}
	case o.still:
		return url.Values{"mode": {"ro"}, "immutable": {"1"}}
	}
	return url.Values{"mode": {"ro"}}
}

// MAC implements [store.Store].
func (s *Store) MAC(purpose string, data ...[]byte) []byte { return s.ring.MAC(purpose, data...) }

// Close implements [store.Store]. Transactions that run come to their end; none begins.
func (s *Store) Close() error {
	err := s.pool.close()
	s.leaveQueue()
	return err
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, f func(store.Tx) error) error {
	if s.refusal != nil {
		return s.refusal
	}
	if s.readOnly {
		return fail(CodeFailed, nil, "the state is open for reading only")
	}
	return exact(s.dir, s.run(ctx, s.writing, "BEGIN IMMEDIATE", f))
}

// View implements [store.Store].
func (s *Store) View(ctx context.Context, f func(store.Tx) error) error {
	return exact(s.dir, s.unlessOvertaken(s.run(ctx, s.reading, "BEGIN", f)))
}

// Prepare prepares the statements of the methods that f calls, so that a transaction that calls them soon is shorter. Its Tx finds
// no row, and changes nothing. It is for the time in which a process waits anyway; what fails, the transaction meets again.
func (s *Store) Prepare(ctx context.Context, f func(store.Tx)) {
	if s.reading.enter(ctx, s.limit) != nil {
		return
	}
	defer s.leave(s.reading)
	c, err := s.pool.take(ctx, s.limit)
	if err != nil {
		return
	}
	defer s.pool.put(c, false)
	t := &tx{conn: c, tables: s.tables, preparing: true}
	defer func() { t.conn = nil }()
	f(t)
}

// run runs f in a transaction, when it is its turn. Locks are met at its begin and at its commit alone: those of writers
// that have no turn, such as one that was passed over.
func (s *Store) run(ctx context.Context, l lane, begin string, f func(store.Tx) error) error {
	deadline := time.Now().Add(s.limit)
	if err := s.files.check(); err != nil {
		return err
	}
	if err := l.enter(ctx, s.limit); err != nil {
		return err
	}
	defer s.leave(l)
	c, err := s.pool.take(ctx, time.Until(deadline))
	if err != nil {
		return err
	}
	broken := true // unless the transaction is known to have ended, which it is not when f panics
	defer func() { s.pool.put(c, broken) }()
	writes := l == s.writing
	if writes {
		if err := s.awaitTurn(ctx, time.Until(deadline)); err != nil {
			broken = false
			return err
		}
		defer s.endTurn()
	}

	var refused error
	err = patiently(ctx, time.Until(deadline), func() error {
		if err := start(c, begin); err != nil {
			if writes {
				s.beat()
			}
			return err
		}
		if refused = s.apply(c, writes, f); refused == nil {
			refused = s.files.check()
		}
		if refused != nil {
			return rollback(c, nil)
		}
		if err := s.commit(c); err != nil {
			return rollback(c, commitFailed(err))
		}
		return nil
	})
	// The connection that could not commit is kept: its next commit writes over what may be left of this one. If it were
	// closed, and no other is open, the next one to open the state would find it committed.
	broken = err != nil && !waits(err) && !errors.Is(err, store.ErrCommitUnknown)
	if refused != nil {
		return refused
	}
	return classify("committing to the state", err)
}

func commit(c *conn) error {
	_, err := c.exec("COMMIT")
	return err
}

func (s *Store) apply(c *conn, writes bool, f func(store.Tx) error) error {
	t := &tx{conn: c, tables: s.tables, readOnly: !writes}
	defer func() { t.conn = nil }()
	return f(t)
}

// start begins a transaction and reads, so that a view sees the moment of its start, and meets a lock before f runs.
func start(c *conn, begin string) error {
	if _, err := c.exec(begin); err != nil {
		return err
	}
	if err := c.query("SELECT 1 FROM sqlite_schema LIMIT 1", nil, func(func(...any) error) error { return nil }); err != nil {
		return rollback(c, err)
	}
	return nil
}

// rollback ends the transaction and returns the reason. If SQLite has ended it already, there is nothing to do.
func rollback(c *conn, reason error) error {
	if _, err := c.exec("ROLLBACK"); err != nil && reason == nil {
		return fmt.Errorf("rolling back: %w", err)
	}
	return reason
}
