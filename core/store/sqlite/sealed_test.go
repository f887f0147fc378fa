package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// planted is in every sealed column; the column's name follows it.
const planted = "PLANTED-SECRET-"

func secret(column string) []byte { return []byte(planted + column) }

// plant fills every sealed column of a state.
func plant(tx store.Tx) error {
	human, con := id.NewHuman(), id.New[id.Connection]()
	ses := store.Session{ID: id.New[id.Session](), TokenKey: []byte(human), User: human, Response: secret("response")}
	e := store.Event{ID: id.New[id.Event](), Session: ses.ID, Sequence: 1, Body: secret("body")}
	return errors.Join(
		tx.InsertUser(userOf(human)),
		tx.InsertSession(ses),
		tx.InsertSessionHook(store.SessionHook{ID: id.New[id.SessionHook](), Session: ses.ID, Fingerprint: []byte{1}, Spec: secret("spec")}),
		tx.InsertAttempt(store.Attempt{
			ID: id.New[id.Attempt](), Session: ses.ID, OAuthState: secret("state"), Resume: secret("resume"), LastStep: secret("step"), Callback: secret("callback"), Hosts: secret("hosts"),
		}),
		tx.InsertConnection(store.Connection{
			ID: con, User: human, Source: "s", AccountID: planted + "account", AccountLabel: planted + "label", Credential: secret("credential"),
		}),
		tx.InsertRevocation(store.Revocation{
			ID: id.New[id.Revocation](), User: human, Connection: con, AccountID: planted + "account", AccountLabel: planted + "label", Credential: secret("credential"),
		}),
		tx.InsertEvent(e),
		tx.InsertSecret(store.Secret{Name: string(human), Value: secret("value")}),
	)
}

func TestSealedColumnsAreInNoFileInTheClear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, plant)
	wantNowhere(t, dir) // while it is in the WAL
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantNowhere(t, dir) // and in the database
}

func wantNowhere(t *testing.T, dir string) {
	t.Helper()
	looked := 0
	for name, mode := range modes(t, dir) {
		if mode.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		looked += len(b)
		if at := bytes.Index(b, []byte(planted)); at >= 0 {
			t.Errorf("%s has %q", name, b[at:min(at+40, len(b))])
		}
		if name != "state.key" && len(b) > 0 {
			wantNoKey(t, dir, name, b)
		}
	}
	if looked < 10_000 {
		t.Fatalf("looked at %d bytes only", looked)
	}
}

func wantNoKey(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(dir, "state.key"))
	if err != nil || len(key) != seal.KeySize {
		t.Fatal(len(key), err)
	}
	if bytes.Contains(b, key) {
		t.Errorf("%s has the key", name)
	}
}

// Who can write to the database but has no key cannot give one user's credential to another.
func TestAValueMovedToAnotherPlaceDoesNotOpen(t *testing.T) {
	for name, move := range map[string]string{
		"row":    `UPDATE connection SET credential = (SELECT credential FROM connection ORDER BY n LIMIT 1)`,
		"column": `UPDATE connection SET account_label = account_id`,
		"table":  `UPDATE connection SET credential = (SELECT credential FROM revocation WHERE connection_id = connection.id)`,
		"cut":    `UPDATE connection SET credential = substr(credential, 1, length(credential) - 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := made(t)
			s := open(t, sqlite.Options{Dir: dir})
			update(t, s, plant)
			update(t, s, plant)
			execSQL(t, filepath.Join(dir, "state.db"), move)
			err := s.View(context.Background(), func(tx store.Tx) error {
				revocations, err := tx.DueRevocations(store.Due{Now: time.Now(), Beyond: time.Now()}, 0)
				for _, r := range revocations {
					c, err2 := tx.Connection(r.Connection)
					err = errors.Join(err, err2, c.Damaged)
				}
				return errors.Join(err, lastConnection(tx))
			})
			wantCode(t, err, sqlite.CodeDamaged)
			if !errors.Is(err, seal.ErrDamaged) || strings.Contains(err.Error(), planted) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// lastConnection reads the connections of the user that was planted last.
func lastConnection(tx store.Tx) error {
	sessions, err := tx.Sessions(store.SessionFilter{Limit: 1})
	if err != nil {
		return err
	}
	list, err := tx.Connections(sessions[0].User)
	for _, c := range list {
		err = errors.Join(err, c.Damaged)
	}
	return err
}

func TestAValueOfAnotherKeyIsAKeyError(t *testing.T) {
	dir := made(t)
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, plant)
	ring, err := seal.NewRing(bytes.Repeat([]byte{9}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	foreign := ring.Seal("credential", "x", []byte("x"))
	execSQL(t, filepath.Join(dir, "state.db"), fmt.Sprintf("UPDATE connection SET credential = x'%x'", foreign))
	err = s.View(context.Background(), lastConnection)
	wantCode(t, err, sqlite.CodeKey)
	if !strings.Contains(err.Error(), "credential of connection con_") {
		t.Errorf("the error does not say where: %v", err)
	}
}

// One value that cannot be read is found, and is no obstacle to ending what it belongs to.
func TestADamagedValueIsFoundAndDoesNotHoldItsAttempt(t *testing.T) {
	for name, damage := range map[string]string{
		"resume of attempt att_":          "UPDATE attempt SET resume = x'00'",
		"account_label of revocation rev": "UPDATE revocation SET account_label = zeroblob(60)",
		"a list of names":                 "UPDATE session SET sources = '['",
	} {
		t.Run(name, func(t *testing.T) {
			dir := made(t)
			s := open(t, sqlite.Options{Dir: dir})
			update(t, s, plant)
			if err := whole(s); err != nil {
				t.Fatal(err)
			}
			execSQL(t, filepath.Join(dir, "state.db"), damage+"; UPDATE attempt SET state = 'open'")
			err := whole(s)
			wantCode(t, err, sqlite.CodeDamaged)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), name) {
				t.Errorf("found: %v", err)
			}
			update(t, s, func(tx store.Tx) error {
				sessions, err := tx.OverdueSessions(time.Now(), 0)
				if err != nil || len(sessions) != 1 {
					t.Errorf("overdue are %v, %v", sessions, err)
				}
				return tx.CancelAttempts(sessions[0])
			})
		})
	}
}

func TestARevocationThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	dir := made(t)
	s := open(t, sqlite.Options{Dir: dir})
	update(t, s, plant)
	execSQL(t, filepath.Join(dir, "state.db"), "UPDATE revocation SET credential = x'00', next_at = -1e14")
	update(t, s, plant)
	execSQL(t, filepath.Join(dir, "state.db"), "UPDATE revocation SET state = 'pending'")
	for _, limit := range []int{0, 2} {
		var due []store.Revocation
		err := s.View(context.Background(), func(tx store.Tx) (err error) {
			due, err = tx.DueRevocations(store.Due{Now: time.Now(), Beyond: time.Now()}, limit)
			return err
		})
		if err != nil || len(due) != 1 || len(due[0].Credential) == 0 {
			t.Errorf("%d due, %v", len(due), err)
		}
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	s := open(t, sqlite.Options{Dir: made(t)})
	update(t, s, plant)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Check(ctx, true); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
