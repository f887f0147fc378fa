package connection_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/sdk"
)

// state is a real state with a clock that stands still, and the processes that work on it.
type state struct {
	t     *testing.T
	store store.Store
	clock *clocktest.Fake

	mu   sync.Mutex
	dead map[id.Process]bool
}

func newState(t *testing.T) *state {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &state{
		t: t, store: s, dead: make(map[id.Process]bool), clock: clocktest.New(time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)),
	}
}

func (s *state) update(f func(store.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *state) row(r id.Revocation) (row store.Revocation) {
	s.t.Helper()
	if err := s.store.View(context.Background(), func(tx store.Tx) (err error) {
		row, err = tx.Revocation(r)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return row
}

// pending makes the revocation of a grant that became no connection, the work of a process.
func (s *state) pending(by id.Process, account string) (r store.Revocation) {
	s.t.Helper()
	s.update(func(tx store.Tx) (err error) {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		r, err = connection.Discard(tx, connection.AccountKey(s.store.MAC, "alpha", account), connection.Authorization{
			User: u.HumanID, Source: "alpha", Provider: "fake", CanRevoke: true,
			Connected: sdk.Connected{Account: sdk.Account{ID: account}, Credential: sdk.Credential{Data: "credential"}},
		}, connection.Cause{By: by, Now: s.clock.Now()})
		return err
	})
	return r
}

// process is one process of the state, as its Liveness sees it.
type process struct {
	*state
	self id.Process
}

func (p process) Self() id.Process { return p.self }

func (p process) Alive(other id.Process) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead[other], nil
}

// source is the provider of one process: it returns the given error for each call, or nil.
type source struct {
	sdk.Provider
	answer func() error
	asked  chan struct{}
}

func (s *source) Disconnect(context.Context, *sdk.CredentialRequest) error {
	s.asked <- struct{}{}
	if s.answer == nil {
		return nil
	}
	return s.answer()
}

type providers struct{ *source }

func (p providers) Provider(context.Context, string, string) (sdk.Provider, error) {
	return p.source, nil
}

func (p providers) Settings(context.Context, string, string) (sdk.Settings, error) {
	return sdk.Settings{}, nil
}

// revoker is that of a process, whose provider returns the given errors.
func (s *state) revoker(self id.Process, answer func() error) (*connection.Revoker, *source) {
	src := &source{answer: answer, asked: make(chan struct{}, 100)}
	p := providers{src}
	return &connection.Revoker{
		Store: s.store, Providers: p, Settings: p, Liveness: process{s, self}, Clock: s.clock,
	}, src
}

func unavailable() error { return &sdk.Error{Code: sdk.SourceUnavailable, Message: "not now"} }

// patience is how long a test waits for what should come soon, on a machine that has much else to do.
const patience = time.Minute

func (s *state) await(what string, c <-chan struct{}) {
	s.t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		s.t.Fatalf("waited in vain: %s", what)
	}
}

// TestLateWordOfATryIsNotTakenForTheNextOnes: the second try is at work when the first one's outcome comes.
func TestLateWordOfATryIsNotTakenForTheNextOnes(t *testing.T) {
	for name, take := range map[string]func(*state, id.Process) id.Process{
		"of a dead owner, within the same lease": func(s *state, first id.Process) id.Process {
			s.kill(first)
			return id.New[id.Process]()
		},
		"of the same owner, after its lease": func(s *state, first id.Process) id.Process {
			s.clock.Advance(time.Hour)
			return first
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			self := id.New[id.Process]()
			r := s.pending(self, "ann")
			late, goOn := make(chan struct{}), make(chan struct{})
			first, asked := s.revoker(self, func() error { <-late; return unavailable() })
			done, over := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				if err := first.First(context.Background(), r.ID); err != nil {
					t.Errorf("the first try: %v", err)
				}
			}()
			s.await("the first try", asked.asked)
			second, again := s.revoker(take(s, self), func() error { <-goOn; return nil })
			go func() {
				defer close(over)
				if n, err := second.Due(context.Background()); n != 1 || err != nil {
					t.Errorf("the second try: %d, %v", n, err)
				}
			}()
			s.await("the second try", again.asked)
			claimed := s.row(r.ID)
			close(late)
			s.await("the end of the first try", done)
			if diff := cmp.Diff(claimed, s.row(r.ID)); diff != "" {
				t.Errorf("the late word was heard (-claimed +now):\n%s", diff)
			}
			close(goOn)
			s.await("the end of the second try", over)
			if got := s.row(r.ID); got.State != store.RevocationRevoked || got.Owner != "" || got.Credential != nil {
				t.Errorf("%+v", got)
			}
		})
	}
}

func (s *state) kill(p id.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead[p] = true
}

func TestWaitOfAFailedRevocationHasJitter(t *testing.T) {
	s := newState(t)
	self := id.New[id.Process]()
	for random, less := range map[float64]int64{0: 10, 0.5: 0} { // by so many percent
		r := s.pending(self, "ann")
		v, _ := s.revoker(self, unavailable)
		v.Random = func() float64 { return random }
		if err := v.First(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		for i, wait := range retry.Long() {
			row := s.row(r.ID)
			want := time.Duration(int64(wait) * (100 - less) / 100)
			if got := row.NextAt.Sub(s.clock.Now()); got != want || row.Tries != i+1 || row.State != store.RevocationPending {
				t.Fatalf("random %v: after %d tries it waits %v, not %v: %s", random, row.Tries, got, want, row.State)
			}
			s.clock.Advance(row.NextAt.Sub(s.clock.Now()))
			if n, err := v.Due(t.Context()); n != 1 || err != nil {
				t.Fatalf("%d tries, %v", n, err)
			}
		}
		if row := s.row(r.ID); row.State != store.RevocationFailed || row.Tries != 9 || row.Error != "source_unavailable" || row.Credential != nil {
			t.Errorf("after the long schedule: %+v", row)
		}
	}
}

func TestRevocationsThatFailTogetherAreNotTriedAgainTogether(t *testing.T) {
	s := newState(t)
	self := id.New[id.Process]()
	v, _ := s.revoker(self, unavailable)
	moments := make(map[time.Time]bool)
	for range 20 {
		r := s.pending(self, "ann")
		if err := v.First(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		moments[s.row(r.ID).NextAt] = true
	}
	if len(moments) < 10 {
		t.Errorf("20 revocations are tried again at %d moments", len(moments))
	}
}
