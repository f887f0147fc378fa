// Package sqlite keeps the state in one SQLite database (modernc.org/sqlite, no cgo) in a directory of its own.
//
// # Files
//
//	state.db, -wal, -shm   the database; nothing but SQLite opens them
//	state.lock             held while the state is created or migrated; never unlinked, since a lock on an
//	                       unlinked file guards nothing
//	run/write.queue        the queue of the writers; may be removed
//	state.key              the master key, unless Options.Key gives one
//
// Files are 0600 and the directory 0700, whatever the umask. A directory that others can reach is closed to them where
// it is empty or already holds a state, and refused where it holds anything else (it may be a home directory). One of
// another owner and one on a network file system are refused: locks and shared memory do not hold there. Permissions that
// somebody has given to others on files of the state are taken back when it is opened.
//
// # Transactions
//
// WAL, synchronous=FULL: one fsync per commit. Every update is BEGIN IMMEDIATE, since SQLite does not wait when a
// reader becomes a writer. SQLite has no order of those who wait, and hundreds that try again and again leave no time to the
// one who writes. So the writers of all processes queue first, in run/write.queue (package internal/queue): one tries at a
// time. The queue is an order and no lock; who is in turn may still meet the lock of one that was passed over, and then
// tries again after 0–2 ms at random, until the context ends or [Options.BusyLimit] has passed. SQLite's own wait, which
// grows to 100 ms, is 2 ms here.
//
// A process keeps one connection for all that it does one after the other, and more only for what it does at once: up to
// four views and one update. A view runs in a deferred transaction and its Tx refuses to write; it waits for no update.
//
// A commit that the disk fails is [store.ErrCommitUnknown]: its pages and the mark of a commit are in the -wal file, and only
// the index of that file in shared memory leaves them out. The next commit of any process writes over them, as long as the
// database stays open; so the connection is kept. If every process ends before, the next one to open the state reads the file and finds it committed.
//
// # Creation
//
// A crash at any instruction leaves a state that opens. Under state.lock, in this order: the key file is written to a
// temporary name, synced and renamed; the journal mode is set; one transaction makes the schema and notes the key's id.
// So a database that names a key has had that key on disk before, and a key whose database does not name it yet is
// taken up by the next process. A state that names a key is never given a new one.
//
// # Migrations
//
// Embedded SQL files, forward only, numbered from 1; PRAGMA user_version counts those that were applied, and each is one
// transaction with its count. A state that is up to date is known by one query without any lock, where goose's provider
// asks its own version table and needs a lock that works between processes on top.
package sqlite
