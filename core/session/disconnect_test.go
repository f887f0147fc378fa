package session_test

import (
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// connectAccount connects an account of a source.
func (fe *FrontEnd) connectAccount(s *session.Session, source, account string) {
	fe.w.t.Helper()
	fe.w.place.next(source, play{Account: account})
	if err := fe.connect(s, source); err != nil {
		fe.w.t.Fatalf("connect %s: %v", source, err)
	}
	fe.w.clock.Advance(time.Second)
}

func TestRenewalKeepsIdAndBeginningAndRevokesNothing(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	before := w.connections("u1")[0]
	fe.connectAccount(s, alpha, "ann")
	after := w.connections("u1")
	if len(after) != 1 || after[0].ID != before.ID || after[0].ConnectedSince != before.ConnectedSince || string(after[0].Credential) == string(before.Credential) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if n, err := fe.RevokeDue(t.Context()); n != 0 || err != nil || len(w.place.revokes) != 0 {
		t.Errorf("a renewal revoked %v", w.place.revokes)
	}
	if got := len(w.events(s.ID)); got != 2 {
		t.Errorf("%d events: a renewal is one like any other", got)
	}
	w.check()
}

func TestAnotherAccountIsASecondConnection(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	fe.connectAccount(s, alpha, "bob")
	if got := w.connections("u1"); len(got) != 2 {
		t.Errorf("connections: %+v", got)
	}
	w.check()
}

func TestSourceThatTellsNoAccountsHasOneConnectionPerUser(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "")
	fe.connectAccount(s, alpha, "")
	other := w.frontEnd()
	o := other.open(w.token("u2", time.Hour))
	other.connectAccount(o, alpha, "")
	if a, b := w.connections("u1"), w.connections("u2"); len(a) != 1 || len(b) != 1 || a[0].ID == b[0].ID {
		t.Errorf("connections: %+v, %+v", a, b)
	}
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil { // another user's is no reason not to revoke
		t.Fatal(err)
	}
	w.check()
	if len(w.place.revokes) != 1 || w.place.revokes[0] != "grant-2" {
		t.Errorf("revoked: %v", w.place.revokes)
	}
}

func TestReconnectWithAnotherAccountIsAMismatchAndItsGrantIsRevoked(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := string(w.connections("u1")[0].ID)
	w.place.next(alpha, play{Account: "bob"})
	wantCode(t, fe.connect(s, con), failure.AccountMismatch)
	if last := w.place.asked[len(w.place.asked)-1]; last.expects == nil || last.expects.ID != "ann" {
		t.Errorf("the provider was told to expect %+v", last.expects)
	}
	w.check()
	if !w.place.grants["grant-2"].revoked {
		t.Error("the new grant was not revoked at once")
	}
	r := w.response(fe.close(s).Response)
	if len(r.Failures) != 1 || string(r.Failures[0].ConnectionID) != con || r.Failures[0].Source.ID != alpha {
		t.Errorf("failures: %+v", r.Failures)
	}
	w.check()
}

func TestMismatchedGrantOfAnAccountThatIsConnectedIsNotRevoked(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := string(w.connections("u1")[0].ID)
	other := w.frontEnd()
	o := other.open(w.token("u2", time.Hour))
	other.connectAccount(o, alpha, "bob")
	w.place.next(alpha, play{Account: "bob"})
	wantCode(t, fe.connect(s, con), failure.AccountMismatch)
	if n, err := fe.RevokeDue(t.Context()); n != 0 || err != nil || len(w.place.revokes) != 0 {
		t.Errorf("revoked %v, %v", w.place.revokes, err)
	}
	w.check()
}

func TestReconnectRenewsTheNamedConnection(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	before := w.connections("u1")[0]
	w.place.next(alpha, play{Account: "ann"})
	if err := fe.connect(s, string(before.ID)); err != nil {
		t.Fatal(err)
	}
	if after := w.connections("u1"); len(after) != 1 || after[0].ID != before.ID {
		t.Errorf("%+v", after)
	}
	w.check()
}

func TestReconnectOfADisconnectedConnectionIsNotConnected(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := string(w.connections("u1")[0].ID)
	if err := s.Disconnect(t.Context(), con, -1); err != nil {
		t.Fatal(err)
	}
	wantCode(t, fe.connect(s, con), failure.NotConnected)
	wantCode(t, s.Disconnect(t.Context(), con, -1), failure.NotConnected)
	fe.connectAccount(s, alpha, "ann") // a new one
	if now := w.connections("u1"); string(now[0].ID) == con {
		t.Error("a disconnected connection came back")
	}
	w.check()
}

func TestConnectionThatIsDisconnectedDuringItsReconnectIsNotConnected(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := w.connections("u1")[0].ID
	w.place.next(alpha, play{Account: "ann", Hold: "meanwhile"})
	done := fe.begin(func() error { return fe.connect(s, string(con)) })
	fe.arrive()
	if _, err := w.frontEnd().DisconnectOutside(t.Context(), con); err != nil {
		t.Fatal(err)
	}
	fe.lift("meanwhile")
	wantCode(t, done(), failure.NotConnected)
	if len(w.connections("u1")) != 0 {
		t.Error("the connection is back")
	}
	w.check()
}

func TestDisconnectOfASourceTakesAllItsConnectionsInOneTransaction(t *testing.T) {
	w, fe, s := opened(t)
	for _, account := range []string{"ann", "bob", "cat"} {
		fe.connectAccount(s, alpha, account)
	}
	fe.connectAccount(s, beta, "ann")
	fe.store.dieAfter(0, true) // it dies right after the first commit
	_ = s.Disconnect(t.Context(), alpha, -1)
	w.check()
	if got := w.connections("u1"); len(got) != 1 || got[0].Source != beta {
		t.Errorf("connections: %+v", got)
	}
	events := w.events(s.ID)[4:]
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	for i, e := range events {
		if body := parse[event.Event](t, e.Body); body.Source.Revocation != "pending" || len(body.SessionResults.DisconnectedSources) != i+1 {
			t.Errorf("event %d: %s", i, e.Body)
		}
	}
	if n, err := w.frontEnd().RevokeDue(t.Context()); n != 3 || err != nil {
		t.Errorf("%d revocations are due at once, %v", n, err)
	}
	w.check()
}

func TestDisconnectCommitsWhateverTheSourceSays(t *testing.T) {
	for code, want := range map[string]string{
		"": "revoked", "revoked": "revoked", "source_unavailable": "pending", "access_denied": "failed", "not_supported": "unsupported", "crash": "pending",
	} {
		t.Run(code, func(t *testing.T) {
			w, fe, s := opened(t)
			fe.connectAccount(s, alpha, "ann")
			w.place.revoke[alpha] = code
			if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
				t.Errorf("disconnect: %v", err)
			}
			if body := parse[event.Event](t, w.events(s.ID)[1].Body); body.Source.Revocation != "pending" {
				t.Errorf("the event says %s", body.Source.Revocation)
			}
			f := fe.close(s)
			got := w.response(f.Response).SessionResults.DisconnectedSources
			if len(got) != 1 || got[0].Revocation != want || f.Failed {
				t.Errorf("the response says %+v, failed: %t", got, f.Failed)
			}
			w.check()
		})
	}
}

func TestSharedAccountIsNotRevokedUntilTheLastConnectionGoes(t *testing.T) {
	w, fe, s := opened(t)
	other := w.frontEnd()
	o := other.open(w.token("u2", time.Hour))
	fe.connectAccount(s, alpha, "ann")
	other.connectAccount(o, alpha, "ann")
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	w.check()
	if len(w.place.revokes) != 0 {
		t.Fatalf("revoked: %v", w.place.revokes)
	}
	if err := other.drive(t.Context(), o, alpha, -1); err != nil {
		t.Fatal(err)
	}
	if err := o.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	if len(w.place.revokes) != 1 {
		t.Errorf("revoked: %v", w.place.revokes)
	}
	w.check()
}

func TestPendingRevocationEndsAsSharedWhenTheAccountComesBack(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.place.revoke[alpha] = "source_unavailable"
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	fe.connectAccount(s, alpha, "ann")
	w.place.revoke[alpha] = ""
	w.clock.Advance(6 * time.Minute)
	if _, err := fe.RevokeDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.revocation(s, 0); got.State != store.RevocationShared || len(got.Credential) != 0 || len(w.place.revokes) != 1 {
		t.Errorf("%+v, asked %v", got, w.place.revokes)
	}
	w.check()
}

// revocation reads one of a session.
func (w *World) revocation(s *session.Session, i int) (r store.Revocation) {
	w.t.Helper()
	w.view(func(tx store.Tx) error {
		rows, err := tx.RevocationsOf(s.ID)
		r = rows[i]
		return err
	})
	return r
}

func TestRevocationIsTriedAtOnceThenOnTheLongScheduleThenFailed(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.place.revoke[alpha] = "source_unavailable"
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	fe.close(s)
	long := []time.Duration{
		5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	for i, wait := range long {
		r := w.revocation(s, 0)
		if ahead := r.NextAt.Sub(w.clock.Now()); ahead < wait*9/10-time.Millisecond || ahead > wait*11/10 || r.Tries != i+1 || r.State != store.RevocationPending {
			t.Fatalf("after try %d: next in %v, %+v", i+1, ahead, r)
		}
		if n, err := w.frontEnd().RevokeDue(t.Context()); n != 0 || err != nil {
			t.Errorf("tried before it is due: %d, %v", n, err)
		}
		w.clock.Advance(r.NextAt.Sub(w.clock.Now()))
		if n, err := w.frontEnd().RevokeDue(t.Context()); n != 1 || err != nil {
			t.Errorf("not tried when it is due: %d, %v", n, err)
		}
	}
	if r := w.revocation(s, 0); r.State != store.RevocationFailed || r.Tries != 9 || r.Error != "source_unavailable" || len(r.Credential) != 0 {
		t.Errorf("in the end: %+v", r)
	}
	w.clock.Advance(1000 * time.Hour)
	if n, err := w.frontEnd().RevokeDue(t.Context()); n != 0 || err != nil {
		t.Errorf("tried after the end: %d, %v", n, err)
	}
	w.check()
}

func TestRevocationOfADeadProcessIsFreeAtOnce(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	fe.store.dieAfter(1, true) // the disconnect, then the claim of its revocation
	_ = s.Disconnect(t.Context(), alpha, -1)
	r := w.revocation(s, 0)
	if r.Owner != fe.pid || len(w.place.revokes) != 0 {
		t.Fatalf("%+v", r)
	}
	other := w.frontEnd()
	w.mu.Lock()
	w.alive[fe.pid] = true // were it alive, it would be its own
	w.mu.Unlock()
	if n, err := other.RevokeDue(t.Context()); n != 0 || err != nil {
		t.Errorf("took the work of a living process: %d, %v", n, err)
	}
	fe.kill()
	if n, err := other.RevokeDue(t.Context()); n != 1 || err != nil || len(w.place.revokes) != 1 {
		t.Errorf("left the work of a dead process: %d, %v", n, err)
	}
	w.check()
}

func TestSourceWithoutRevocationIsUnsupported(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, gamma, "ann")
	if err := s.Disconnect(t.Context(), gamma, -1); err != nil {
		t.Fatal(err)
	}
	if body := parse[event.Event](t, w.events(s.ID)[1].Body); body.Source.Revocation != "unsupported" {
		t.Errorf("the event says %s", body.Source.Revocation)
	}
	w.check()
}

func TestDisconnectNeedsNoProvider(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	fe.close(s)
	w.place.gone[alpha] = true // no provider offers it any more
	w.place.broken = problem.New("config", "the secret cannot be read")
	s = fe.open(w.token("u1", time.Hour), disconnectFrom(alpha))
	fe.run(s, disconnectFrom(alpha))
	w.wantStory(s, "disconnect alpha")
	if r := w.revocation(s, 0); r.State != store.RevocationPending || r.Error != "bad_configuration" {
		t.Errorf("%+v", r)
	}
}

func TestDisconnectOutsideOfASessionTellsItself(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := w.connections("u1")[0]
	w.check()
	done, err := w.frontEnd().DisconnectOutside(t.Context(), con.ID)
	if err != nil || done.Connection.State != store.ConnectionDisconnected || done.Revocation.State != store.RevocationRevoked {
		t.Errorf("%+v, %v", done, err)
	}
	w.check()
	if got := w.events(""); len(got) != 1 || got[0].Sequence != 1 || got[0].ID != done.Event {
		t.Errorf("events outside of a session: %+v", got)
	}
	_, err = w.frontEnd().DisconnectOutside(t.Context(), con.ID)
	if problem.CodeOf(err) != "connection_not_found" {
		t.Errorf("disconnected twice: %v", err)
	}
	got := w.response(fe.close(s).Response)
	if len(got.SessionResults.ConnectedSources) != 1 || len(got.CurrentConnections) != 0 {
		t.Errorf("history and truth: %+v", got)
	}
	w.check()
}

func TestAnotherUsersConnectionIsNotConnected(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	con := string(w.connections("u1")[0].ID)
	stranger := w.frontEnd()
	o := stranger.open(w.token("u2", time.Hour))
	wantCode(t, stranger.connect(o, con), failure.NotConnected)
	wantCode(t, o.Disconnect(t.Context(), con, -1), failure.NotConnected)
	r := w.response(stranger.close(o).Response)
	if len(r.CurrentConnections) != 0 || r.Failures[0].Source.Name != "" {
		t.Errorf("a stranger learns of it: %+v", r)
	}
	if len(w.connections("u1")) != 1 {
		t.Error("a stranger took it away")
	}
}

// TestTwoAtOnceEndInOneConnection lets two sessions of one user connect the same account at the same time.
func TestTwoAtOnceEndInOneConnection(t *testing.T) {
	w := newWorld(t)
	w.place.next(alpha, play{Account: "ann", Hold: "both"})
	var waits []func() error
	var ends []*FrontEnd
	for range 8 {
		fe := w.frontEnd()
		s := fe.open(w.token("u1", time.Hour))
		ends = append(ends, fe)
		waits = append(waits, fe.begin(func() error { return fe.connect(s, alpha) }))
		fe.arrive()
	}
	for _, fe := range ends {
		fe.lift("both")
	}
	for _, wait := range waits {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	w.check()
	if got := w.connections("u1"); len(got) != 1 {
		t.Errorf("%d connections", len(got))
	}
	if got := len(w.allEvents()); got != 8 {
		t.Errorf("%d events", got)
	}
}

func TestNothingSecretIsInAnEvent(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	fe := w.frontEnd()
	s := fe.open(tok)
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	fe.close(s)
	for _, e := range w.allEvents() {
		for _, secret := range []sdk.Secret{tok, "grant-1", "someone", "label of ann"} {
			if contains(e.Body, secret.Reveal()) {
				t.Errorf("an event tells a secret: %s", e.Body)
			}
		}
	}
}

func TestAllConnectionsOfASourceAreRevokedWhicheverHasNoAccount(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "")
	fe.connectAccount(s, alpha, "ann")
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	for name, g := range w.place.grants {
		if !g.revoked {
			t.Errorf("%s was not revoked", name)
		}
	}
	w.check()
}

func TestSettingsOfASourceGoOnlyToTheProviderThatIsChosenNow(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	fe.connectAccount(s, beta, "ann")
	for i, c := range []struct{ source, chosen, secret string }{{alpha, "fake", "of fake"}, {beta, "other", ""}} {
		w.place.provider = c.chosen
		if err := s.Disconnect(t.Context(), c.source, -1); err != nil {
			t.Fatal(err)
		}
		if got := len(w.place.given); got != i+1 {
			t.Fatalf("%d revocations reached the provider that made the grants, want %d", got, i+1)
		}
		if got := w.place.given[i].Secrets["client_secret"].Reveal(); got != c.secret {
			t.Errorf("with %q chosen the secret %q went to the provider that made the grant, want %q", c.chosen, got, c.secret)
		}
	}
	w.check()
}
