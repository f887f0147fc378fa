package connection_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// vendor is a source that rotates refresh tokens, and ends the grant of one that is used again.
type vendor struct {
	sdk.Provider
	s *state

	mu    sync.Mutex
	valid int
	dead  bool
	life  time.Duration
	// refreshes counts the requests, checks those of checks.
	refreshes, checks, revoked int
	// answer, if it is set, is what the next refreshes return instead; before is called in each of them.
	answer error
	before func(ctx context.Context) error
	check  func(token string) error
}

func (s *state) vendor() *vendor { return &vendor{s: s, life: time.Hour} }

func (v *vendor) credential() sdk.Credential {
	data, _ := json.Marshal(map[string]string{
		"access_token": fmt.Sprint("access-", v.valid), "refresh_token": fmt.Sprint("refresh-", v.valid), "token_type": "Bearer",
	})
	return sdk.Credential{Data: sdk.Secret(data), MediaType: sdk.MediaTypeOAuth2, ExpiresAt: v.s.clock.Now().Add(v.life)}
}

func (v *vendor) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	v.mu.Lock()
	before := v.before
	v.refreshes++
	v.mu.Unlock()
	if before != nil {
		if err := before(ctx); err != nil {
			return nil, err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.answer != nil {
		return nil, v.answer
	}
	var have map[string]string
	if err := json.Unmarshal([]byte(req.Credential.Data.Reveal()), &have); err != nil {
		return nil, err
	}
	if v.dead || have["refresh_token"] != fmt.Sprint("refresh-", v.valid) {
		v.dead = true
		return nil, &sdk.Error{Code: sdk.Revoked, Message: "invalid_grant"}
	}
	v.valid++
	return &sdk.Refreshed{Credential: v.credential()}, nil
}

func (v *vendor) Check(_ context.Context, req *sdk.CredentialRequest) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checks++
	if v.check == nil {
		return nil
	}
	return v.check(req.Credential.Data.Reveal())
}

func (v *vendor) Disconnect(context.Context, *sdk.CredentialRequest) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.revoked++
	return nil
}

func (v *vendor) counted() (refreshes int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refreshes
}

// connect makes ann's connection of a vendor.
func (s *state) connectVendor(v *vendor) (c store.Connection) {
	s.t.Helper()
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		c, err = connection.Save(tx, connection.AccountKey(s.store.MAC, "alpha", "ann"), connection.Authorization{
			User: u.HumanID, Source: "alpha", SourceName: "The alpha", Provider: "fake", CanRevoke: true, CanRefresh: true, CanCheck: true,
			Connected: sdk.Connected{Account: sdk.Account{ID: "ann"}, Credential: v.credential()},
		}, s.clock.Now())
		return err
	})
	return c
}

func (s *state) connection(con id.Connection) (c store.Connection) {
	s.t.Helper()
	s.update(func(tx store.Tx) (err error) { c, err = tx.Connection(con); return err })
	return c
}

// refresher is that of a process; fell counts the events.
type refresher struct {
	*connection.Refresher
	fell []string
}

func (s *state) refresher(self id.Process, v *vendor) *refresher {
	r := &refresher{}
	src := &source{}
	r.Refresher = &connection.Refresher{
		Store: s.store, Providers: vendors{v}, Settings: providers{src}, Liveness: process{s, self}, Clock: s.clock,
		Random: func() float64 { return 0.5 },
		Fell: func(_ store.Tx, c store.Connection) error {
			r.fell = append(r.fell, c.Reason)
			return nil
		},
	}
	return r
}

type vendors struct{ v *vendor }

func (p vendors) Provider(context.Context, string) (sdk.Provider, error) { return p.v, nil }

func codeOf(err error) problem.Code {
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return f.Code
	}
	return problem.CodeOf(err)
}

func TestValidCredentialStartsNothingAndADueOneIsRefreshedOnce(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	for _, step := range []struct {
		after   time.Duration
		atLeast time.Duration
		want    int
	}{
		{0, 0, 0},
		{58 * time.Minute, 0, 0},
		{time.Minute, 0, 1},
		{0, 0, 1},
		{30 * time.Minute, 31 * time.Minute, 2},
		{2 * time.Hour, 0, 3},
		{0, 2 * time.Hour, 3},
		{6 * time.Minute, 2 * time.Hour, 3},
		{time.Second, 2 * time.Hour, 4},
	} {
		s.clock.Advance(step.after)
		a, err := r.Access(t.Context(), c.ID, step.atLeast)
		if err != nil || a.Token.Reveal() != fmt.Sprint("access-", step.want) || a.TokenType != "Bearer" || v.counted() != step.want {
			t.Errorf("%+v: %q after %d refreshes, %v", step, a.Token.Reveal(), v.counted(), err)
		}
		if want := step.atLeast > time.Hour; a.Short(step.atLeast, s.clock.Now()) != want {
			t.Errorf("%+v: short %t", step, !want)
		}
	}
}

func TestMarginIsATenthOfAShortLife(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	v.life = 10 * time.Second
	c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{8999 * time.Millisecond, 0}, {time.Millisecond, 1}} {
		s.clock.Advance(step.after)
		if _, err := r.Valid(t.Context(), c.ID, 0); err != nil || v.counted() != step.want {
			t.Errorf("after %s: %d refreshes, %v", step.after, v.counted(), err)
		}
	}
}

// Only what the source says of the grant itself ends a connection; whatever else fails is tried again after a cool-down, and
// what is stored is given out as long as it is valid.
func TestFailureThatPassesCoolsDownLongerEachTime(t *testing.T) {
	for _, code := range []sdk.Code{
		sdk.SourceUnavailable, sdk.SourceError, sdk.RateLimited, sdk.BadConfiguration, sdk.AccessDenied, sdk.InvalidInput, sdk.ScopeMissing,
	} {
		t.Run(string(code), func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			v.answer = &sdk.Error{Code: code, Message: "not now"}
			s.clock.Advance(59*time.Minute + 30*time.Second)
			held, err := r.Valid(t.Context(), c.ID, 0)
			if err != nil || held.Failure == nil || string(held.Failure.Code) != string(code) || held.Refreshed {
				t.Fatalf("while the stored one is valid: %+v, %v", held.Failure, err)
			}
			for tries, wait := range []int{30, 60, 120, 240, 480, 960, 1920, 3600, 3600} {
				s.clock.Advance(time.Duration(wait)*time.Second - time.Millisecond)
				if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != problem.Code(code) && wait > 30 || v.counted() != tries+1 {
					t.Fatalf("before cool-down %d is over: %d refreshes, %v", tries, v.counted(), err)
				}
				s.clock.Advance(time.Millisecond)
				if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != problem.Code(code) || v.counted() != tries+2 {
					t.Fatalf("after cool-down %d: %d refreshes, %v", tries, v.counted(), err)
				}
			}
			if len(r.fell) > 0 || s.connection(c.ID).State != store.ConnectionActive {
				t.Errorf("it fell: %v", r.fell)
			}
			v.answer = nil
			s.clock.Advance(2 * time.Hour)
			if held, err := r.Valid(t.Context(), c.ID, 0); err != nil || !held.Refreshed || s.connection(c.ID).Refresh.Tries != 0 {
				t.Errorf("once the source is well: %+v, %v", held, err)
			}
		})
	}
}

func TestSourceSaysWhenToTryAgain(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: 30 * time.Second, 10 * time.Minute: 10 * time.Minute, 87600 * time.Hour: 24 * time.Hour,
	} {
		s := newState(t)
		v := s.vendor()
		c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
		s.clock.Advance(time.Hour)
		v.answer = &sdk.Error{Code: sdk.RateLimited, RetryAfter: asked}
		if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != failure.RateLimited {
			t.Fatal(err)
		}
		if got := s.connection(c.ID).Refresh.NextAt.Sub(s.clock.Now()); got != want {
			t.Errorf("asked for %s: waits %s", asked, got)
		}
	}
}

func TestRevokedCredentialNeedsAReconnectOnceAndAReconnectMendsIt(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	for n := 1; n <= 2; n++ {
		v.dead = true
		s.clock.Advance(time.Hour)
		for range 3 {
			if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != failure.Revoked {
				t.Fatalf("fall %d: %v", n, err)
			}
		}
		got := s.connection(c.ID)
		if len(r.fell) != n || v.counted() != n || got.State != store.ConnectionNeedsReconnect || got.Reason != "revoked" || !got.NeedsReconnectAt.Equal(s.clock.Now()) {
			t.Fatalf("fall %d: %d refreshes, fell %v, %+v", n, v.counted(), r.fell, got)
		}
		v.dead = false
		if again := s.connectVendor(v); again.ID != c.ID || again.State != store.ConnectionActive || again.Reason != "" {
			t.Fatalf("reconnected: %+v", again)
		}
		if _, err := r.Valid(t.Context(), c.ID, 0); err != nil {
			t.Fatalf("after the reconnect: %v", err)
		}
	}
}

// A call whose result nobody heard may have replaced the refresh token: by a crash, a lost response, or one that could not be
// read. The next call tries once, and its verdict names the interruption.
func TestLostAnswerIsTriedOnceAndThenNeedsAReconnectAsInterrupted(t *testing.T) {
	for name, lost := range map[string]error{
		"a lost response":         &sdk.Error{Code: sdk.SourceUnavailable},
		"one that cannot be read": &sdk.Error{Code: sdk.SourceError},
		"a crash":                 errors.New("the provider died"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			c, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			s.clock.Advance(time.Hour)
			v.before = func(context.Context) error { v.mu.Lock(); v.valid++; v.mu.Unlock(); return lost }
			if _, err := r.Valid(t.Context(), c.ID, 0); err == nil {
				t.Fatal("it was refreshed")
			}
			v.before = func(context.Context) error { return &sdk.Error{Code: sdk.RateLimited} } // says nothing of the first
			s.clock.Advance(time.Hour)
			if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != failure.RateLimited {
				t.Fatal(err)
			}
			v.before = nil
			s.clock.Advance(time.Hour)
			if _, err := r.Valid(t.Context(), c.ID, 0); codeOf(err) != connection.CodeRefreshInterrupted || v.counted() != 3 {
				t.Errorf("after %d refreshes: %v", v.counted(), err)
			}
			if len(r.fell) != 1 || r.fell[0] != "refresh_interrupted" {
				t.Errorf("fell: %v", r.fell)
			}
		})
	}
}

func TestDeadOwnersRefreshIsTakenOverAtOnceAndALivingOnesNever(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	first, second := id.New[id.Process](), id.New[id.Process]()
	c := s.connectVendor(v)
	s.clock.Advance(59*time.Minute + 30*time.Second)
	entered, release := make(chan struct{}, 1), make(chan struct{})
	v.before = func(context.Context) error {
		entered <- struct{}{}
		<-release
		return errors.New("its process is gone")
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = s.refresher(first, v).Valid(context.Background(), c.ID, 0) }()
	defer func() { close(release); <-ended }()
	s.await("the first refresh begins", entered)
	v.mu.Lock()
	v.before = nil
	v.mu.Unlock()

	r := s.refresher(second, v)
	ask := func() chan result {
		out := make(chan result, 1)
		go func() { h, err := r.Valid(context.Background(), c.ID, 0); out <- result{h, err} }()
		return out
	}
	if got := s.drive(ask()); got.err != nil || got.held.Refreshed || got.held.Connection.Version != 1 {
		t.Errorf("beside a living owner, with a credential that is valid still: %+v, %v", got.held, got.err)
	}
	s.clock.Advance(time.Minute)
	began := s.clock.Now()
	if got := s.drive(ask()); codeOf(got.err) != connection.CodeRefreshInProgress || v.counted() != 1 {
		t.Errorf("beside a living owner: %v after %d refreshes", got.err, v.counted())
	}
	if waited := s.clock.Now().Sub(began); waited < 35*time.Second || waited > 36*time.Second {
		t.Errorf("it waited %s", waited)
	}
	s.clock.Advance(time.Hour) // no lease ends what lives
	if got := s.drive(ask()); codeOf(got.err) != connection.CodeRefreshInProgress {
		t.Errorf("long after: %v", got.err)
	}
	s.mu.Lock()
	s.dead[first] = true
	s.mu.Unlock()
	if got := s.drive(ask()); got.err != nil || !got.held.Refreshed || v.counted() != 2 {
		t.Errorf("after its death: %+v, %v, %d refreshes", got.held, got.err, v.counted())
	}
}

// drive advances the clock until a result is there.
func (s *state) drive(out chan result) result {
	s.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case got := <-out:
			return got
		case <-limit:
			s.t.Fatal("waited in vain for a result")
		default:
			if next := s.clock.Next(); next > 0 && next <= 100*time.Millisecond { // its pause
				s.clock.Advance(next)
			}
			runtime.Gosched()
		}
	}
}

type result struct {
	held connection.Held
	err  error
}
