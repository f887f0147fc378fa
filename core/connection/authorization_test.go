package connection_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// annsAuthorization is one that a source gave, with all that it may say.
func annsAuthorization(user id.Human, credential sdk.Secret, expires time.Time) connection.Authorization {
	return connection.Authorization{
		User: user, Source: "alpha", SourceName: "The alpha", Provider: "fake", CanRevoke: true, CanRefresh: true, CanCheck: true,
		Connected: sdk.Connected{
			Account:    sdk.Account{ID: "ann", Label: "ann of " + credential.Reveal()},
			Credential: sdk.Credential{Data: credential, MediaType: "text/" + credential.Reveal(), ExpiresAt: expires, ReconnectBy: expires.AddDate(1, 0, 0)},
			Scopes:     []string{"read", credential.Reveal()},
		},
	}
}

func TestConnectionKeepsAllOfItsAuthorizationAndARenewalAllOfTheNewOne(t *testing.T) {
	s := newState(t)
	key := connection.AccountKey(s.store.MAC, "alpha", "ann")
	began := s.clock.Now()
	var first id.Connection
	for i, credential := range []sdk.Secret{"one", "two"} {
		s.clock.Advance(time.Duration(i) * time.Minute)
		now := s.clock.Now()
		var kept, saved store.Connection
		var user id.Human
		s.update(func(tx store.Tx) error {
			u, err := store.EnsureUser(tx, "demo", "alice")
			if err != nil {
				return err
			}
			user = u.HumanID
			if saved, err = connection.Save(tx, key, annsAuthorization(user, credential, now.Add(time.Hour)), now); err != nil {
				return err
			}
			kept, err = tx.Connection(saved.ID)
			return err
		})
		if i == 0 {
			first = kept.ID
		}
		want := store.Connection{
			ID: first, User: user, Source: "alpha", SourceName: "The alpha", Provider: "fake", AccountKey: key,
			AccountID: "ann", AccountLabel: "ann of " + credential.Reveal(), Credential: []byte(credential.Reveal()),
			MediaType: "text/" + credential.Reveal(), CredentialExpiresAt: now.Add(time.Hour),
			Scopes: []string{"read", credential.Reveal()}, CanRevoke: true, State: store.ConnectionActive, ConnectedSince: began, RenewedAt: now,
			Version: int64(i + 1), CredentialAt: now, ReconnectBy: now.Add(time.Hour).AddDate(1, 0, 0), CanRefresh: true, CanCheck: true,
			Refresh: store.Refresh{At: now.Add(59 * time.Minute)},
		}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Errorf("grant %s (-want +kept):\n%s", credential.Reveal(), diff)
		}
		if diff := cmp.Diff(kept, saved); diff != "" {
			t.Errorf("grant %s (-kept +returned):\n%s", credential.Reveal(), diff)
		}
	}
}

func TestDisconnectLeavesAllThatARevocationNeeds(t *testing.T) {
	s := newState(t)
	key, by := connection.AccountKey(s.store.MAC, "alpha", "ann"), id.New[id.Process]()
	var c store.Connection
	var r store.Revocation
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		c, err = connection.Save(tx, key, annsAuthorization(u.HumanID, "one", time.Time{}), s.clock.Now())
		return err
	})
	s.clock.Advance(time.Minute)
	now := s.clock.Now()
	s.update(func(tx store.Tx) (err error) {
		_, r, err = connection.Disconnect(tx, c, connection.Cause{By: by, Now: now})
		return err
	})
	want := store.Revocation{
		ID: r.ID, Connection: c.ID, User: c.User, Source: "alpha", Provider: "fake", AccountKey: key, AccountID: "ann", AccountLabel: "ann of one",
		Credential: []byte("one"), MediaType: "text/one", State: store.RevocationPending, NextAt: now, Owner: by,
		LeaseUntil: now.Add(time.Minute), CreatedAt: now,
	}
	if diff := cmp.Diff(want, s.row(r.ID)); diff != "" {
		t.Errorf("the revocation (-want +kept):\n%s", diff)
	}
	var gone store.Connection
	s.update(func(tx store.Tx) (err error) { gone, err = tx.Connection(c.ID); return err })
	c.State, c.DisconnectedAt, c.Credential = store.ConnectionDisconnected, now, nil
	if diff := cmp.Diff(c, gone); diff != "" {
		t.Errorf("the connection (-want +kept):\n%s", diff)
	}
}

func TestGrantThatBecameNoConnectionIsKeptToBeRevoked(t *testing.T) {
	s := newState(t)
	by, now := id.New[id.Process](), s.clock.Now()
	var user id.Human
	var r store.Revocation
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		user = u.HumanID
		r, err = connection.Discard(tx, []byte("key"), annsAuthorization(user, "one", now), connection.Cause{By: by, Now: now})
		return err
	})
	want := store.Revocation{
		ID: r.ID, User: user, Source: "alpha", Provider: "fake", AccountKey: []byte("key"), AccountID: "ann", AccountLabel: "ann of one",
		Credential: []byte("one"), MediaType: "text/one", State: store.RevocationPending, NextAt: now, Owner: by,
		LeaseUntil: now.Add(time.Minute), CreatedAt: now,
	}
	if diff := cmp.Diff(want, s.row(r.ID)); diff != "" {
		t.Errorf("(-want +kept):\n%s", diff)
	}
}

// TestRevocationRemembersItsLastErrorAndItsEnd: a wait keeps the error of the last try, an end that is good forgets it.
func TestRevocationRemembersItsLastErrorAndItsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		state  store.RevocationState
		code   string
		tries  int
	}{
		"revoked":           {nil, store.RevocationRevoked, "", 1},
		"revoked already":   {&sdk.Error{Code: sdk.Revoked, Message: "x"}, store.RevocationRevoked, "", 1},
		"cannot be revoked": {&sdk.Error{Code: sdk.NotSupported, Message: "x"}, store.RevocationUnsupported, "", 1},
		"denied":            {&sdk.Error{Code: sdk.AccessDenied, Message: "x"}, store.RevocationFailed, "access_denied", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			self := id.New[id.Process]()
			r := s.pending(self, "ann")
			v, _ := s.revoker(self, unavailable)
			if err := v.First(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			waits := s.row(r.ID)
			if waits.Error != "source_unavailable" || !waits.EndedAt.IsZero() || waits.Owner != "" {
				t.Errorf("while it waits: %+v", waits)
			}
			s.clock.Advance(time.Hour)
			v, _ = s.revoker(self, func() error { return c.answer })
			if n, err := v.Due(t.Context()); n != 1 || err != nil {
				t.Fatalf("%d tries, %v", n, err)
			}
			want := r
			want.State, want.Error, want.EndedAt, want.Tries = c.state, c.code, s.clock.Now(), c.tries
			want.Credential, want.Owner, want.LeaseUntil, want.NextAt = nil, "", time.Time{}, time.Time{}
			if diff := cmp.Diff(want, s.row(r.ID)); diff != "" {
				t.Errorf("at its end (-want +kept):\n%s", diff)
			}
		})
	}
}
