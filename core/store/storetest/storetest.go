// Package storetest is the conformance suite of [store.Store]: every driver passes [Run]. Its tests are named for the
// sentences of the interface that they hold a driver to.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Run holds a driver to the interface. Open makes an empty store that lives as long as the test; the suite closes it.
func Run(t *testing.T, open func(testing.TB) store.Store) {
	groups := map[string]map[string]func(*suite){
		"transaction": transactionTests(),
		"user":        userTests(),
		"token":       tokenTests(),
		"verified":    verifiedTokenTests(),
		"session":     sessionTests(),
		"attempt":     attemptTests(),
		"action":      actionTests(),
		"connection":  connectionTests(),
		"revocation":  revocationTests(),
		"event":       eventTests(),
		"delivery":    deliveryTests(),
		"hook":        hookTests(),
		"secret":      secretTests(),
		"clock":       clockTests(),
	}
	for group, tests := range groups {
		t.Run(group, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel() // most of the time goes to waiting for the disk
					test(newSuite(t, open))
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) { runModels(t, open) })
}

// suite is one test with a store of its own.
type suite struct {
	testing.TB
	store store.Store
}

func newSuite(t testing.TB, open func(testing.TB) store.Store) *suite {
	s := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &suite{t, s}
}

func (s *suite) update(f func(store.Tx) error) {
	s.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.Fatalf("update: %v", err)
	}
}

func (s *suite) view(f func(store.Tx) error) {
	s.Helper()
	if err := s.store.View(context.Background(), f); err != nil {
		s.Fatalf("view: %v", err)
	}
}

// missing wants ErrNotFound of everything that finds one row.
func (s *suite) missing(finds map[string]func(store.Tx) error) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		for name, find := range finds {
			wantErr(s, name, find(tx), store.ErrNotFound)
		}
		return nil
	})
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// reporter is what *testing.T and *rapid.T have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

func same(t reporter, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) { // much faster than a diff of large values
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// complete wants a row with every field set: a field that is new in the interface is then missed here, and not lost in
// a driver.
func complete(t testing.TB, row any) {
	t.Helper()
	v := reflect.ValueOf(row)
	for i := range v.NumField() {
		if v.Field(i).IsZero() && v.Type().Field(i).Name != "Damaged" {
			t.Errorf("the suite does not set %s.%s", v.Type(), v.Type().Field(i).Name)
		}
	}
}

// drop keeps the error of a result alone.
func drop[T any](_ T, err error) error { return err }

// must runs steps that set a test up, in a transaction.
func must(errs ...error) error { return errors.Join(errs...) }

// at is a time with milliseconds, n seconds into the tests' day.
func at(n int) time.Time {
	return time.Date(2026, 11, 22, 8, 0, 0, 123_000_000, time.UTC).Add(time.Duration(n) * time.Second)
}

func digest(parts ...any) []byte {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return sum[:]
}

func blob(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

// addUser makes a user with its name as the client's id of it.
func (s *suite) addUser(name string) id.Human {
	s.Helper()
	u := store.User{HumanID: id.NewHuman(), ClientID: "client", ClientUserID: name}
	s.update(func(tx store.Tx) error { return tx.InsertUser(u) })
	return u.HumanID
}

// addSession makes an open session of a user.
func (s *suite) addSession(user id.Human) store.Session {
	s.Helper()
	ses := session(user)
	s.update(func(tx store.Tx) error { return tx.InsertSession(ses) })
	return ses
}

func session(user id.Human) store.Session {
	sid := id.New[id.Session]()
	return store.Session{
		ID: sid, TokenKey: digest(sid), User: user, OpenedAt: at(0), EndsAt: at(3600), EndReason: store.EndExpired,
		Owner: id.New[id.Process](), Epoch: 1, ScriptRun: 1,
	}
}
