package sqlite

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/seal"
)

// applicationID marks a database as ours: "hcon".
const applicationID = 0x68636f6e

// lockPoll is how often a process looks whether another has made the state.
const lockPoll = 2 * time.Millisecond

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the names of the files in their order; the first brings a database from version 0 to 1.
func migrations() []string {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return names
}

// head is what a database says of itself. A database that is being made has version 0 and no key id.
type head struct {
	version int
	keyID   string
}

// create makes the state or brings it up to date, under the lock.
func create(ctx context.Context, o Options) error {
	lock := flock.New(filepath.Join(o.Dir, fileLock), flock.SetPermissions(0o600))
	defer func() { _ = lock.Close() }() // gives the lock back in any case
	if err := take(ctx, o.BusyLimit, lock.TryLockContext); err != nil {
		return err
	}
	return createTightened(ctx, o)
}

// createOrAwait is create where nobody has the lock. Where another process has it, it waits until that has made the state,
// or failed.
func createOrAwait(ctx context.Context, o Options) error {
	lock := flock.New(filepath.Join(o.Dir, fileLock), flock.SetPermissions(0o600))
	defer func() { _ = lock.Close() }() // gives the lock back in any case
	free, err := lock.TryLock()
	if err != nil {
		return fail(CodePath, err, "locking %s", fileLock)
	}
	if !free {
		return take(ctx, o.BusyLimit, lock.TryRLockContext)
	}
	return createTightened(ctx, o)
}

// createTightened runs under the lock, and takes from others what somebody has permitted them on its file.
func createTightened(ctx context.Context, o Options) error {
	if err := tighten(filepath.Join(o.Dir, fileLock), 0o600); err != nil {
		return err
	}
	return createLocked(ctx, o)
}

// take waits for state.lock, within the limit.
func take(ctx context.Context, limit time.Duration, try func(context.Context, time.Duration) (bool, error)) error {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := try(waiting, lockPoll)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return fail(CodeBusy, nil, "another process held %s for %v", fileLock, limit)
	}
	return fail(CodePath, err, "locking %s", fileLock)
}

func createLocked(ctx context.Context, o Options) error {
	if err := checkLost(o.Dir); err != nil {
		return err
	}
	path := filepath.Join(o.Dir, fileDB)
	// SQLite gives the files that it makes the permissions of the lock file.
	p, err := newPool(dsn(path, url.Values{"mode": {"rwc"}, "modeof": {filepath.Join(o.Dir, fileLock)}}), 1)
	if err != nil {
		return fail(CodeFailed, err, "making the state")
	}
	defer func() { _ = p.close() }() // all that counts was committed
	head, err := readHead(ctx, p, o.BusyLimit)
	if err != nil {
		return err
	}
	ring, err := keyForCreation(ctx, o, head)
	if err != nil {
		return err
	}
	c, err := p.take(ctx, o.BusyLimit)
	if err != nil {
		return err
	}
	err = patiently(ctx, o.BusyLimit, func() error { return migrate(c, head, ring.Primary()) })
	p.put(c, err != nil)
	if err != nil {
		return classify("making the state", err)
	}
	if err := markComplete(o.Dir); err != nil {
		return fail(CodePath, err, "marking the state as complete")
	}
	return nil
}

func keyForCreation(ctx context.Context, o Options, head head) (*seal.Ring, error) {
	if o.Key == nil && head.keyID == "" {
		if err := o.system.makeKeyFile(o.Dir); err != nil {
			return nil, err
		}
	}
	key, err := loadKey(ctx, o, head)
	if err != nil {
		return nil, err
	}
	return ringFor(key, head.keyID)
}

// migrate sets the journal mode, which cannot be done in a transaction, and applies what is missing.
func migrate(c *conn, head head, key seal.KeyID) error {
	var mode string
	err := c.query("PRAGMA journal_mode = wal", nil, func(scan func(...any) error) error { return scan(&mode) })
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fail(CodePath, nil, "the file system of the state directory has no shared memory for SQLite's WAL")
	}
	for i, name := range migrations() {
		if i < head.version {
			continue
		}
		if err := applyMigration(c, i+1, name, key); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// applyMigration is one transaction. A try that finds it applied already, by an earlier try that then met a lock, does
// nothing.
func applyMigration(c *conn, version int, name string, key seal.KeyID) error {
	text, err := migrationFiles.ReadFile(name)
	if err != nil {
		return err
	}
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	var applied int
	err = c.query("PRAGMA user_version", nil, func(scan func(...any) error) error { return scan(&applied) })
	if err != nil || applied >= version {
		return rollback(c, err)
	}
	err = c.script(string(text))
	if err == nil && version == 1 {
		_, err = c.exec(`INSERT INTO "key" (id, state, created_at) VALUES (?, 'primary', unixepoch('subsec') * 1000)`, key.String())
	}
	if err == nil {
		err = c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", applicationID, version))
	}
	if err != nil {
		return rollback(c, err)
	}
	return nil
}

// readHead reads what the database says of itself. It refuses one that is not ours or newer than this program.
func readHead(ctx context.Context, p *pool, limit time.Duration) (head, error) {
	c, err := p.take(ctx, limit)
	if err != nil {
		return head{}, err
	}
	var h head
	err = patiently(ctx, limit, func() (err error) {
		h, err = headOf(c)
		return err
	})
	p.put(c, err != nil)
	return h, classify("opening the state", err)
}

func headOf(c *conn) (h head, err error) {
	var application, objects int
	const query = `SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id`
	err = c.query(query, nil, func(scan func(...any) error) error { return scan(&h.version, &application, &objects) })
	if err != nil {
		return h, err
	}
	switch {
	case h.version == 0 && application == 0 && objects == 0:
		return h, nil
	case application != applicationID:
		return h, fail(CodeDamaged, nil, "%s is not a state of this program", fileDB).hint("choose another state directory")
	case h.version > len(migrations()):
		return h, fail(CodeNewer, nil, "the state has version %d, and this program knows %d", h.version, len(migrations())).
			hint("use the program that made it, or a newer one")
	}
	err = c.query(`SELECT id FROM "key" WHERE state = 'primary'`, nil, func(scan func(...any) error) error { return scan(&h.keyID) })
	if err == nil && h.keyID == "" {
		err = fail(CodeDamaged, nil, "the state names no key").hint("restore the state directory from a backup")
	}
	return h, err
}

// ringFor makes the ring of a key that must have the id that the state names, if it names one.
func ringFor(key []byte, keyID string) (*seal.Ring, error) {
	ring, err := seal.NewRing(key)
	if err != nil {
		return nil, fail(CodeKey, err, "the key of the state")
	}
	if kid := ring.Primary(); keyID != "" && keyID != hex.EncodeToString(kid[:]) {
		return nil, fail(CodeKey, nil, "the state was made with the key %s, and this one is %s", keyID, kid).
			hint("give the key that the state was made with")
	}
	return ring, nil
}
