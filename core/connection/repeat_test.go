package connection_test

import (
	"context"
	"errors"
	"testing"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// crashed is what a host says of a provider that died.
type crashed struct{}

func (crashed) Error() string { return "the provider crashed" }
func (crashed) Crashed() bool { return true }

// connect makes a connection of an account of alpha.
func (s *state) connect(user, account string) {
	s.t.Helper()
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", user)
		if err != nil {
			return err
		}
		_, err = connection.Save(tx, connection.AccountKey(s.store.MAC, "alpha", account), connection.Authorization{
			User: u.HumanID, Source: "alpha", Provider: "fake", CanRevoke: true,
			Connected: sdk.Connected{Account: sdk.Account{ID: account}, Credential: sdk.Credential{Data: "another"}},
		}, s.clock.Now())
		return err
	})
}

func (s *state) save(r store.Revocation) {
	s.t.Helper()
	s.update(func(tx store.Tx) error { return tx.SaveRevocation(r) })
}

func TestRevocationIsRepeatedAfterACrashOnlyWhileNobodyHoldsTheAccount(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(*state, store.Revocation)
		calls     int
		want      store.RevocationState
	}{
		"nobody":        {func(*state, store.Revocation) {}, 2, store.RevocationRevoked},
		"another user":  {func(s *state, _ store.Revocation) { s.connect("bob", "ann") }, 1, store.RevocationShared},
		"another owner": {func(s *state, r store.Revocation) { r.Owner = id.New[id.Process](); s.save(r) }, 1, store.RevocationPending},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			self := id.New[id.Process]()
			r := s.pending(self, "ann")
			calls := 0
			v, _ := s.revoker(self, func() error {
				if calls++; calls > 1 {
					return nil
				}
				c.meanwhile(s, r)
				return crashed{}
			})
			if err := v.First(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			if got := s.row(r.ID); calls != c.calls || got.State != c.want || got.Tries != 0 {
				t.Errorf("%d calls, then %+v", calls, got)
			}
		})
	}
}

func TestSecondCrashIsATryThatFailed(t *testing.T) {
	s := newState(t)
	self := id.New[id.Process]()
	r := s.pending(self, "ann")
	v, src := s.revoker(self, func() error { return crashed{} })
	if err := v.First(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.row(r.ID); len(src.asked) != 2 || got.State != store.RevocationPending || got.Tries != 1 || got.Error == "" {
		t.Errorf("%d calls, then %+v", len(src.asked), got)
	}
}

func TestErrorOfASourceIsNoReasonToAskAgainAtOnce(t *testing.T) {
	s := newState(t)
	self := id.New[id.Process]()
	r := s.pending(self, "ann")
	v, src := s.revoker(self, unavailable)
	if err := v.First(t.Context(), r.ID); err != nil || len(src.asked) != 1 {
		t.Errorf("%d calls, %v", len(src.asked), err)
	}
}

func TestUnsavedCredentialIsRevokedOnlyWhileItsAccountIsFree(t *testing.T) {
	full := errors.New("the disk is full")
	for name, c := range map[string]struct {
		free  []bool // at each look; without one, the look fails
		calls int
		ok    bool
	}{
		"free":                     {free: []bool{true, true}, calls: 2, ok: true},
		"held":                     {free: []bool{false}},
		"held since the first try": {free: []bool{true, false}, calls: 1},
		"nobody can tell":          {},
		"nobody can tell any more": {free: []bool{true}, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			calls, looks := 0, 0
			v, _ := s.revoker(id.New[id.Process](), func() error {
				if calls++; calls == 1 {
					return crashed{}
				}
				return nil
			})
			err := v.RevokeUnsaved(t.Context(), "fake", &sdk.CredentialRequest{}, func(context.Context) (bool, error) {
				if looks++; looks > len(c.free) {
					return true, full
				}
				return c.free[looks-1], nil
			})
			if (err == nil) != c.ok || calls != c.calls || errors.Is(err, full) != (looks > len(c.free)) {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	}
}
