package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestConnectThatIsCutBeforeItsFirstStepIsNoFailure(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.stuck = true
	stop := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := fe.begin(func() error { return s.Run(ctx, script(connectTo(alpha)), session.Person{}) })
	<-w.place.arrived
	cancel(stop)
	if err := done(); !errors.Is(err, stop) {
		t.Errorf("the cut script: %v", err)
	}
	w.wantStory(s)
}

func TestStepThatEndsInTheGraceIsKept(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann", Pause: "first"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	ctx, cancel := context.WithCancel(t.Context())
	done := first.begin(func() error { return s.Run(ctx, script(connectTo(alpha)), session.Person{}) })
	first.arrive()
	cancel()
	first.lift("first")
	if err := done(); !errors.Is(err, context.Canceled) {
		t.Errorf("the cut script: %v", err)
	}
	first.kill()
	second := w.frontEnd()
	s = second.open(tok, connectTo(alpha))
	second.run(s, connectTo(alpha))
	w.wantStory(s, "connect alpha")
	if got := len(w.place.asked); got != 2 {
		t.Errorf("the source was asked %d times; the first step was lost", got)
	}
}

// TestStepOfALostSessionGetsItsGraceAtOnce: the session ends under a step that hangs.
func TestStepOfALostSessionGetsItsGraceAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(*World, *session.Session, sdk.Secret)
		want error
	}{
		"revoked": {func(w *World, _ *session.Session, tok sdk.Secret) { w.revokeToken(tok) }, session.ErrEnded},
		"closed by force": {func(w *World, s *session.Session, _ sdk.Secret) {
			if _, err := w.frontEnd().CloseByID(context.Background(), s.ID, true); err != nil {
				w.t.Errorf("close: %v", err)
			}
		}, session.ErrEnded},
		"taken over": {func(w *World, _ *session.Session, tok sdk.Secret) {
			if _, err := w.frontEnd().try(session.OpenRequest{Token: tok, TakeOver: true}); err != nil {
				w.t.Errorf("take over: %v", err)
			}
		}, session.ErrTakenOver},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, play{Account: "ann", Hangs: true})
			fe := w.frontEnd()
			s := fe.open(tok)
			done := fe.begin(func() error { return fe.connect(s, alpha) })
			w.waitForTimers(1)
			c.lose(w, s, tok)
			w.clock.Advance(time.Second) // it looks
			w.waitForGrace()
			w.clock.Advance(5 * time.Second)
			if err := done(); !errors.Is(err, c.want) {
				t.Errorf("the cut step: %v", err)
			}
			w.check()
		})
	}
}

func TestWaitOfALostSessionEnds(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Polls: 1, Code: true, PollAfter: 10 * time.Minute, Account: "ann"})
	fe := w.frontEnd()
	s := fe.open(tok, connectTo(alpha))
	done := fe.begin(func() error { return s.Run(context.Background(), script(connectTo(alpha)), session.Person{}) })
	w.waitForTimers(1)
	w.revokeToken(tok)
	w.clock.Advance(time.Second)
	if err := done(); !errors.Is(err, session.ErrEnded) {
		t.Errorf("the wait: %v", err)
	}
}

// TestGrantThatCannotBeKeptIsGivenBack: the disk is full when the source grants.
func TestGrantThatCannotBeKeptIsGivenBack(t *testing.T) {
	full := errors.New("the disk is full")
	for name, c := range map[string]struct {
		source, revoke string
		held           bool
		code           problem.Code
		revoked        bool
	}{
		"revoked":                   {source: alpha, revoked: true},
		"revoking fails":            {source: alpha, revoke: "source_unavailable", code: "grant_lost"},
		"cannot revoke":             {source: gamma, code: "grant_lost"},
		"another holds the account": {source: alpha, held: true, code: "grant_lost"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.place.next(c.source, play{Account: "ann"})
			if c.held {
				other := w.frontEnd()
				if err := other.connect(other.open(w.token("u2", time.Hour)), c.source); err != nil {
					t.Fatal(err)
				}
			}
			w.place.next(c.source, play{Account: "ann", Hold: "full"})
			w.place.revoke[c.source] = c.revoke
			fe := w.frontEnd()
			s := fe.open(w.token("u1", time.Hour))
			done := fe.begin(func() error { return fe.connect(s, c.source) })
			fe.arrive()
			fe.store.fill(full)
			fe.lift("full")
			err := done()
			if !errors.Is(err, full) || problem.CodeOf(err) != c.code {
				t.Errorf("%v [%s], want the code %q", err, problem.CodeOf(err), c.code)
			}
			if got := w.place.grants[w.place.order[len(w.place.order)-1]].revoked; got != c.revoked {
				t.Errorf("revoked: %t", got)
			}
			if story := w.story(s); len(story) > 0 {
				t.Errorf("the session did %q", story)
			}
		})
	}
}

// TestEveryGrantThatIsLostIsToldOf: another action of the group has failed before, or the call is to end.
func TestEveryGrantThatIsLostIsToldOf(t *testing.T) {
	full, stop := errors.New("the disk is full"), errors.New("interrupted")
	list := []session.Action{connectTo(alpha), connectTo(gamma)} // gamma cannot revoke
	for name, interrupted := range map[string]bool{"after another": false, "after a signal": true} {
		t.Run(name, func(t *testing.T) {
			w, fe, s := opened(t, list...)
			w.place.next(alpha, play{Account: "ann", Hold: "alpha"})
			w.place.next(gamma, play{Account: "ann", Hold: "gamma"})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			done := fe.begin(func() error { return s.Run(ctx, script(list...), session.Person{}) })
			fe.arrive()
			fe.arrive()
			fe.store.fill(full)
			want := full
			if interrupted {
				want = stop
				cancel(stop)
			}
			fe.lift("alpha")
			w.waitForGrace()
			fe.lift("gamma")
			if err := done(); !errors.Is(err, want) || !errors.Is(err, session.ErrCredentialLost) {
				t.Errorf("the script: %v", err)
			}
		})
	}
}

// TestOfTwoFirstOpensOneGetsTheSession: both have seen that there is no session yet.
func TestOfTwoFirstOpensOneGetsTheSession(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	var both sync.WaitGroup
	both.Add(2)
	var once [2]sync.Once
	opened, refused := 0, 0
	var mu sync.Mutex
	var ended sync.WaitGroup
	next := 0
	w.place.found = func() {
		mu.Lock()
		i := next
		next++
		mu.Unlock()
		if i < 2 {
			once[i].Do(both.Done)
			both.Wait()
		}
	}
	for range 2 {
		fe := w.frontEnd()
		ended.Go(func() {
			o, err := fe.Open(context.Background(), session.OpenRequest{Token: tok, Script: script(connectTo(alpha))})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && o.Session != nil:
				opened++
			case problem.CodeOf(err) == "session_in_use":
				refused++
			default:
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
	ended.Wait()
	if opened != 1 || refused != 1 {
		t.Errorf("%d opened, %d refused", opened, refused)
	}
}

func TestTokenThatExpiresWhileItIsOpenedOpensNothing(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.found = func() { w.clock.Advance(time.Hour) } // between the check and the transaction
	o, err := w.frontEnd().try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha))})
	if err != nil || o.Final == nil || o.Final.Status != event.TokenExpired || o.Final.Session != "" {
		t.Errorf("%+v, %v", o, err)
	}
	if got := len(w.snapshot().sessions); got != 0 {
		t.Errorf("%d sessions were opened", got)
	}
}

func TestTokenThatIsRevokedWhileItIsOpenedOpensNothing(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.found = func() { w.revokeToken(tok) }
	o, err := w.frontEnd().try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha))})
	if err != nil || o.Final == nil || o.Final.Status != event.TokenInvalid || o.Final.Session != "" {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestOthersNeverSeeASession: the token is good and its session is there, but the caller means another user.
func TestOthersNeverSeeASession(t *testing.T) {
	for name, r := range map[string]session.OpenRequest{
		"user":   {ClientUserID: "u2"},
		"client": {ClientID: "other"},
	} {
		for _, closed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				tok := w.token("u1", time.Hour)
				fe := w.frontEnd()
				s := fe.open(tok)
				if closed {
					fe.close(s)
				}
				fe.kill()
				r.Token = tok
				o, err := w.frontEnd().try(r)
				if err != nil || o.Session != nil || o.Final == nil || o.Final.Status != event.TokenInvalid || o.Final.Session != "" {
					t.Fatalf("%+v, %v", o, err)
				}
				got := w.response(o.Final.Response)
				if got.SessionID != nil || got.ClientUserID != nil || got.HumanID != nil {
					t.Errorf("the response tells of the user: %s", o.Final.Response)
				}
			})
		}
	}
}

func TestOustedFrontEndCannotCancel(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	first := w.frontEnd()
	a, err := first.open(tok, connectTo(alpha)).Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := w.frontEnd()
	o, err := second.try(session.OpenRequest{Token: tok, Script: script(connectTo(alpha)), TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Cancel(t.Context()); !errors.Is(err, session.ErrTakenOver) {
		t.Errorf("cancel: %v", err)
	}
	if got := w.attempts(o.Session.ID)[0].State; got != store.AttemptOpen {
		t.Errorf("the attempt is %s", got)
	}
}

func TestSuccessAtTheSourceMakesANamedFailureGood(t *testing.T) {
	w, fe, s := opened(t)
	w.place.next(alpha, play{Account: "ann"})
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	con := string(w.connections("u1")[0].ID)
	w.place.next(alpha, play{Account: "ann", Error: "rate_limited"})
	if err := fe.connect(s, con); err == nil {
		t.Fatal("no failure")
	}
	w.place.next(alpha, play{Account: "ann"})
	if err := fe.connect(s, alpha); err != nil { // the same account, without its name
		t.Fatal(err)
	}
	if f := fe.close(s); len(w.response(f.Response).Failures) != 0 {
		t.Errorf("failures: %s", f.Response)
	}
	w.check()
}

// fickle is a service that says of its tokens what it is told to.
type fickle struct {
	token.Checker
	user string
}

func (f *fickle) Check(ctx context.Context, t sdk.Secret) (token.Verdict, error) {
	v, err := f.Checker.Check(ctx, t)
	v.ClientUserID = f.user
	return v, err
}

func TestTokenThatBecomesAnotherUsersShowsNoSession(t *testing.T) {
	for _, closed := range []bool{false, true} {
		w := newWorld(t)
		tok := w.token("ada", time.Hour)
		first := w.frontEnd()
		s := first.open(tok)
		if err := first.connect(s, alpha); err != nil {
			t.Fatal(err)
		}
		if closed {
			first.close(s)
		}
		first.kill()
		second := w.frontEnd()
		second.Engine = second.engineWith(func(o *session.Options) { o.Checker = &fickle{w.local, "bob"} })
		o, err := second.try(session.OpenRequest{Token: tok, ClientUserID: "bob"})
		if err != nil || o.Session != nil || o.Final == nil || o.Final.Status != event.TokenInvalid || o.Final.Session != "" {
			t.Fatalf("closed %t: %+v, %v", closed, o, err)
		}
		if f, err := second.Finished(t.Context(), session.OpenRequest{Token: tok}); err != nil || f != nil {
			t.Errorf("closed %t: finished with %+v, %v", closed, f, err)
		}
	}
}
