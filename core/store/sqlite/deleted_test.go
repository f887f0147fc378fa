package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// piece is how many bytes of a sealed value are looked for at once: a value may be spread over many pages.
const piece = 32

// sealedIn reads the sealed credentials of a state, by connection, as the database has them.
func sealedIn(t *testing.T, dir string) map[id.Connection][]byte {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := make(map[id.Connection][]byte)
	rows, err := db.Query("SELECT id, credential FROM connection")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var con string
		var value []byte
		if err := rows.Scan(&con, &value); err != nil {
			t.Fatal(err)
		}
		sealed[id.Connection(con)] = value
	}
	if err := errors.Join(rows.Err(), rows.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return sealed
}

// piecesIn counts the pieces of a value that stand in any file of a state.
func piecesIn(t *testing.T, dir string, value []byte) (n int) {
	t.Helper()
	for name, mode := range modes(t, dir) {
		if mode.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at+piece <= len(value); at += piece {
			if bytes.Contains(b, value[at:at+piece]) {
				n++
			}
		}
	}
	return n
}

// TestCredentialThatIsGoneIsInNoFileNotEvenSealed: whoever gets hold of the key later finds nothing to open, however large
// the credential was and whatever took its place.
func TestCredentialThatIsGoneIsInNoFileNotEvenSealed(t *testing.T) {
	for name, next := range map[string][]byte{
		"deleted": nil, "overwritten by a short one": []byte("next"), "overwritten by a long one": bytes.Repeat([]byte("next"), 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			dir := made(t)
			s := opened(t, dir)
			var cons []store.Connection
			update(t, s, func(tx store.Tx) error {
				user := userOf(id.NewHuman())
				if err := tx.InsertUser(user); err != nil {
					return err
				}
				for i, size := range []int{100, 100, 1_000, 1_000, 3_000, 3_000, 5_000, 20_000, 200_000, 100} {
					c := store.Connection{
						ID: id.New[id.Connection](), User: user.HumanID, Source: fmt.Sprint("s", i), State: store.ConnectionActive,
						Credential: bytes.Repeat([]byte("credential"), size/10),
					}
					cons = append(cons, c)
					if err := tx.InsertConnection(c); err != nil {
						return err
					}
				}
				return nil
			})
			closeStore(t, s)
			sealed := sealedIn(t, dir)
			for _, c := range cons {
				if n := piecesIn(t, dir, sealed[c.ID]); n < len(c.Credential)/piece/2 {
					t.Fatalf("of %d bytes %d pieces are found", len(c.Credential), n)
				}
			}
			s = opened(t, dir)
			for i, c := range cons {
				if i%2 == 0 && i < 6 {
					continue // its neighbour on the page stays
				}
				c.Credential = next
				update(t, s, func(tx store.Tx) error { return tx.SaveConnection(c) })
			}
			closeStore(t, s)
			for i, c := range cons {
				n, stays := piecesIn(t, dir, sealed[c.ID]), i%2 == 0 && i < 6
				if !stays && n > 0 {
					t.Errorf("%d pieces of a credential of %d bytes are still there", n, len(c.Credential))
				}
				if stays && n == 0 {
					t.Error("what nobody has deleted is gone")
				}
			}
		})
	}
}

func opened(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
