package connection_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// A refresh that ends when its connection is disconnected is not stored, and what it brought is revoked; one whose person has
// connected again meanwhile leaves the new credential alone.
func TestRefreshThatComesTooLateReplacesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(*state, *vendor, store.Connection)
		code      string
		revoked   int
		version   int64
	}{
		"disconnected": {func(s *state, _ *vendor, c store.Connection) {
			s.update(func(tx store.Tx) error {
				now, err := tx.Connection(c.ID)
				if err == nil {
					_, _, err = connection.Disconnect(tx, now, connection.Cause{Now: s.clock.Now()})
				}
				return err
			})
		}, "connection_not_found", 1, 1},
		"connected again": {func(s *state, v *vendor, _ store.Connection) {
			v.mu.Lock()
			v.valid = 7
			v.mu.Unlock()
			s.connectVendor(v)
		}, "", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			s.clock.Advance(time.Hour)
			v.before = func(context.Context) error {
				c.meanwhile(s, v, con)
				v.mu.Lock()
				v.valid = 0
				v.mu.Unlock()
				return nil
			}
			held, err := r.Valid(t.Context(), con.ID, 0)
			if string(codeOf(err)) != c.code || v.revoked != c.revoked || len(r.fell) != 0 {
				t.Errorf("%+v, %v; revoked %d times, fell %v", held, err, v.revoked, r.fell)
			}
			if got := s.connection(con.ID); got.Version != c.version || got.Refresh.Owner != "" {
				t.Errorf("the row: %+v", got)
			}
		})
	}
}

// A refused refresh says nothing of a credential that the person has put there meanwhile.
func TestRefusalThatComesTooLateEndsNothing(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	s.clock.Advance(time.Hour)
	v.before = func(context.Context) error {
		v.before = nil
		s.connectVendor(v)
		return &sdk.Error{Code: sdk.Revoked}
	}
	if held, err := r.Valid(t.Context(), con.ID, 0); err != nil || held.Connection.Version != 2 || len(r.fell) > 0 {
		t.Errorf("%+v, %v, fell %v", held, err, r.fell)
	}
}

// flawed is a store whose commits fail as told: before they are made, or after it without a word.
type flawed struct {
	store.Store
	fail func(n int) (before, after error)
	n    int
}

func (f *flawed) Update(ctx context.Context, change func(store.Tx) error) error {
	f.n++
	before, after := f.fail(f.n)
	if before != nil {
		return before
	}
	return errors.Join(f.Store.Update(ctx, change), after)
}

var errDisk = errors.New("the disk")

// The first commit is the claim, the second the outcome.
func TestFailedCommitOfAnOutcomeLosesNoCredential(t *testing.T) {
	unknown := fmt.Errorf("%w: %w", store.ErrCommitUnknown, errDisk)
	for name, c := range map[string]struct {
		fail func(int) (error, error)
		ok   bool
	}{
		"failed once":          {func(n int) (error, error) { return map[int]error{2: errDisk}[n], nil }, true},
		"committed, unknown":   {func(n int) (error, error) { return nil, map[int]error{2: unknown}[n] }, true},
		"failed for good":      {func(n int) (error, error) { return map[bool]error{true: errDisk}[n >= 2], nil }, false},
		"claimed, unknown":     {func(n int) (error, error) { return nil, map[int]error{1: unknown}[n] }, false},
		"not claimed, by fail": {func(n int) (error, error) { return map[int]error{1: errDisk}[n], nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			r.Store = &flawed{Store: s.store, fail: c.fail}
			s.clock.Advance(time.Hour)
			held, err := r.Valid(t.Context(), con.ID, 0)
			if (err == nil) != c.ok || c.ok && !held.Refreshed || !c.ok && !errors.Is(err, errDisk) {
				t.Fatalf("%+v, %v", held, err)
			}
			calls := v.counted()
			after, err := s.refresher(r.Liveness.Self(), v).Valid(t.Context(), con.ID, 0)
			switch {
			case c.ok && (err != nil || after.Connection.Version != 2 || v.counted() != 1):
				t.Errorf("then: %+v, %v, %d refreshes", after, err, v.counted())
			case !c.ok && calls == 0 && (err != nil || v.counted() != 1):
				t.Errorf("no call was made; then: %v, %d refreshes", err, v.counted())
			case !c.ok && calls > 0 && codeOf(err) != connection.CodeRefreshInterrupted:
				t.Errorf("the credential was lost; then: %v", err)
			}
		})
	}
}

func TestManyCallsOfOneProcessRefreshOnce(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	s.clock.Advance(time.Hour)
	gate := make(chan struct{})
	v.before = func(context.Context) error { <-gate; return nil }
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if held, err := r.Valid(context.Background(), con.ID, 0); err != nil || held.Connection.Version != 2 {
				t.Errorf("%+v, %v", held.Connection.Version, err)
			}
		})
	}
	done := make(chan struct{})
	go func() { calls.Wait(); close(done) }()
	close(gate)
	out := make(chan result, 1)
	go func() { <-done; out <- result{} }()
	s.drive(out)
	if v.counted() != 1 {
		t.Errorf("%d refreshes", v.counted())
	}
}

func TestCommandThatIsToldToEndLetsACallFinishForAWhile(t *testing.T) {
	for name, answers := range map[string]bool{"one that answers": true, "one that hangs": false} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			s.clock.Advance(time.Hour)
			ctx, cut := context.WithCancelCause(t.Context())
			told := errors.New("told to end")
			v.before = func(ctx context.Context) error {
				cut(told)
				if answers {
					return ctx.Err()
				}
				for s.clock.Waiting() != 3 { // until the grace runs beside its two limits
					if ctx.Err() != nil {
						return errors.New("cut without a grace")
					}
				}
				s.clock.Advance(5 * time.Second)
				<-ctx.Done()
				return ctx.Err()
			}
			held, err := r.Valid(ctx, con.ID, 0)
			row := s.connection(con.ID)
			if answers && (err != nil || !held.Refreshed) || !answers && (!errors.Is(err, told) || row.Refresh.BegunAt.IsZero() || !row.Refresh.NextAt.IsZero()) {
				t.Errorf("%+v, %v, %+v", held.Refreshed, err, row.Refresh)
			}
			if row.Refresh.Owner != "" {
				t.Error("it is still owned")
			}
		})
	}
}

func TestCredentialWithoutRefreshIsGivenOutUntilItsEnd(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	v.answer = &sdk.Error{Code: sdk.NotSupported}
	s.clock.Advance(59*time.Minute + 30*time.Second)
	for range 3 {
		held, err := r.Valid(t.Context(), con.ID, 0)
		if err != nil || held.Failure == nil || held.Failure.Code != failure.NotSupported || v.counted() != 1 {
			t.Fatalf("%+v, %v, %d refreshes", held, err, v.counted())
		}
	}
	s.clock.Advance(time.Minute)
	w := connection.Window{Now: s.clock.Now()}
	if row := s.connection(con.ID); connection.StateOf(row, w) != connection.NeedsReconnect || connection.ReasonOf(row, w.Now) != "credential_expired" {
		t.Errorf("before anybody looks: %s", connection.StateOf(row, w))
	}
	for range 2 {
		if _, err := r.Valid(t.Context(), con.ID, 0); codeOf(err) != connection.CodeExpired {
			t.Error(err)
		}
	}
	if !slices.Equal(r.fell, []string{"credential_expired"}) {
		t.Errorf("fell: %v", r.fell)
	}
}

func TestClockThatWasAheadKeepsNoDeadTokenAndNoCoolDown(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	s.clock.Advance(365 * 24 * time.Hour)
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	s.clock.Advance(-365 * 24 * time.Hour)
	if held, err := r.Valid(t.Context(), con.ID, 0); err != nil || !held.Refreshed {
		t.Errorf("issued in the future: %+v, %v", held.Refreshed, err)
	}
	s.clock.Advance(365 * 24 * time.Hour)
	v.answer = &sdk.Error{Code: sdk.SourceUnavailable}
	if _, err := r.Valid(t.Context(), con.ID, 0); codeOf(err) != failure.SourceUnavailable {
		t.Fatal(err)
	}
	s.clock.Advance(-364 * 24 * time.Hour)
	v.answer = nil
	if held, err := r.Valid(t.Context(), con.ID, 0); err != nil || !held.Refreshed {
		t.Errorf("cooling down until the future: %+v, %v", held.Refreshed, err)
	}
}

func TestStateIsToldByTheDateOfTheReconnect(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	c := store.Connection{State: store.ConnectionActive, CanRefresh: true, ReconnectBy: now.Add(14 * 24 * time.Hour)}
	for at, want := range map[time.Duration]connection.State{-time.Millisecond: connection.Active, 0: connection.Expiring, 1e15: connection.Expiring} {
		if got := connection.StateOf(c, connection.Window{Now: now.Add(at), Expiring: 14 * 24 * time.Hour}); got != want {
			t.Errorf("%s after: %s", at, got)
		}
	}
	for state, want := range map[store.ConnectionState]connection.State{
		store.ConnectionNeedsReconnect: connection.NeedsReconnect, store.ConnectionDisconnected: connection.Disconnected,
	} {
		c.State = state
		if got := connection.StateOf(c, connection.Window{Now: now, Expiring: time.Hour * 1e5}); got != want {
			t.Errorf("%s: %s", state, got)
		}
	}
}

func TestCheckRefreshesOnceBeforeItGivesAConnectionUp(t *testing.T) {
	revoked := &sdk.Error{Code: sdk.Revoked}
	for name, c := range map[string]struct {
		check             func(n int) error
		refresh           error
		code              string
		refreshes, checks int
		fell              bool
	}{
		"works":                   {func(int) error { return nil }, nil, "", 0, 1, false},
		"works after a refresh":   {func(n int) error { return map[int]error{1: revoked}[n] }, nil, "", 1, 2, false},
		"does not work then":      {func(int) error { return revoked }, nil, "revoked", 1, 2, true},
		"the refresh is refused":  {func(int) error { return revoked }, revoked, "revoked", 1, 1, true},
		"nothing to refresh with": {func(int) error { return revoked }, &sdk.Error{Code: sdk.NotSupported}, "revoked", 1, 1, true},
		"the refresh fails":       {func(int) error { return revoked }, &sdk.Error{Code: sdk.SourceUnavailable}, "source_unavailable", 1, 1, false},
		"the check fails":         {func(int) error { return &sdk.Error{Code: sdk.RateLimited} }, nil, "rate_limited", 0, 1, false},
		"refused by the API":      {func(int) error { return &sdk.Error{Code: sdk.AccessDenied} }, nil, "access_denied", 0, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			v := s.vendor()
			con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
			v.check, v.answer = func(string) error { return c.check(v.checks) }, c.refresh
			_, err := r.Check(t.Context(), con.ID)
			if string(codeOf(err)) != c.code || v.refreshes != c.refreshes || v.checks != c.checks || (len(r.fell) == 1) != c.fell {
				t.Errorf("%v; %d refreshes, %d checks, fell %v", err, v.refreshes, v.checks, r.fell)
			}
		})
	}
}

func TestCheckWaitsForNoCoolDown(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	s.clock.Advance(time.Hour)
	v.answer = &sdk.Error{Code: sdk.BadConfiguration, Setting: "client_secret"}
	if _, err := r.Valid(t.Context(), con.ID, 0); codeOf(err) != failure.BadConfiguration {
		t.Fatal(err)
	}
	v.answer = nil
	if _, err := r.Valid(t.Context(), con.ID, 0); codeOf(err) != failure.BadConfiguration || v.counted() != 1 {
		t.Errorf("in the cool-down: %v", err)
	}
	if _, err := r.Check(t.Context(), con.ID); err != nil || v.counted() != 2 {
		t.Errorf("check: %v", err)
	}
}

func TestDueRefreshesSayWhatCameOfEach(t *testing.T) {
	s := newState(t)
	v := s.vendor()
	con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
	due := func(limit int) []connection.DueResult {
		t.Helper()
		got, err := r.RefreshDue(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := due(0); len(got) != 0 {
		t.Errorf("nothing is due: %+v", got)
	}
	s.clock.Advance(time.Hour)
	if got := due(0); len(got) != 1 || got[0].Outcome != connection.OutcomeRefreshed || got[0].Connection != con.ID {
		t.Errorf("due: %+v", got)
	}
	s.clock.Advance(time.Hour)
	v.answer = &sdk.Error{Code: sdk.SourceUnavailable, Message: "down"}
	if got := due(0); len(got) != 1 || got[0].Outcome != connection.OutcomeFailed || got[0].Code != failure.SourceUnavailable {
		t.Errorf("a source that is down: %+v", got)
	}
	if got := due(0); len(got) != 0 {
		t.Errorf("in its cool-down: %+v", got)
	}
	s.clock.Advance(time.Hour)
	v.answer = &sdk.Error{Code: sdk.Revoked}
	if got := due(0); len(got) != 1 || got[0].Outcome != connection.OutcomeNeedsReconnect || got[0].Code != connection.CodeRefreshInterrupted {
		t.Errorf("revoked: %+v", got)
	}
	ctx, cut := context.WithCancelCause(t.Context())
	cut(errDisk)
	if _, err := r.RefreshDue(ctx, 0); !errors.Is(err, errDisk) {
		t.Errorf("cut: %v", err)
	}
}

func TestOnlyTokensAndFieldsAreGivenOut(t *testing.T) {
	for _, c := range []struct{ media, data, token, field, code string }{
		{sdk.MediaTypeOAuth2, `{"access_token":"a","token_type":"Bearer"}`, "a", "", ""},
		{sdk.MediaTypeOAuth2, `{"refresh_token":"a"}`, "", "", "credential_opaque"},
		{sdk.MediaTypeOAuth2, `nothing`, "", "", "credential_opaque"},
		{sdk.MediaTypeFields, `{"url":"https://a.example","token":"t"}`, "", "t", ""},
		{sdk.MediaTypeFields, `{"url":{"a":"b"}}`, "", "", "credential_opaque"},
		{sdk.MediaTypeFields, `{}`, "", "", "credential_opaque"},
		{"application/json", `{"token":"t"}`, "", "", "credential_opaque"},
		{"", "t", "", "", "credential_opaque"},
	} {
		s := newState(t)
		v := s.vendor()
		con, r := s.connectVendor(v), s.refresher(id.New[id.Process](), v)
		s.update(func(tx store.Tx) error {
			con.Credential, con.MediaType, con.CredentialExpiresAt = []byte(c.data), c.media, time.Time{}
			return tx.SaveConnection(con)
		})
		a, err := r.Access(t.Context(), con.ID, 0)
		if string(codeOf(err)) != c.code || a.Token.Reveal() != c.token || a.Fields["token"].Reveal() != c.field {
			t.Errorf("%+v: %+v, %v", c, a, err)
		}
	}
}
