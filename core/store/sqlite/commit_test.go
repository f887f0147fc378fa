package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestACommitThatTheDiskFailsIsUnknownAndTheNextOneDecides(t *testing.T) {
	broken := errors.New("input/output error")
	failing, fail := realSystem(), true
	failing.commit = func(c *conn) error {
		if fail {
			return broken
		}
		return commit(c)
	}
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state"), system: failing})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	users := []store.User{{HumanID: id.NewHuman(), ClientUserID: "first"}, {HumanID: id.NewHuman(), ClientUserID: "second"}}
	insert := func(u store.User) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.InsertUser(u) })
	}
	err = insert(users[0])
	if !errors.Is(err, store.ErrCommitUnknown) || !errors.Is(err, broken) || problem.CodeOf(err) != CodeUnknown {
		t.Errorf("the failed commit: %v", err)
	}
	if len(s.pool.idle) == 0 {
		t.Error("the connection was closed: the next to open the state may find what was not committed")
	}
	fail = false
	if err := insert(users[1]); err != nil {
		t.Fatal(err)
	}
	err = s.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.UserByID(users[0].HumanID)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("what was not committed: %v", err)
		}
		_, err = tx.UserByID(users[1].HumanID)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestARefusedUpdateIsNotUnknown(t *testing.T) {
	s, err := Open(context.Background(), Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	no := errors.New("no")
	if err := s.Update(context.Background(), func(store.Tx) error { return no }); !errors.Is(err, no) || errors.Is(err, store.ErrCommitUnknown) {
		t.Errorf("%v", err)
	}
}
