package session_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestExpiryInMidSessionKeepsWhatWasDone(t *testing.T) {
	w, fe, s := opened(t)
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	if err := fe.connect(s, beta); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a connect after the end: %v", err)
	}
	if err := s.Disconnect(t.Context(), alpha, -1); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a disconnect after the end: %v", err)
	}
	w.clock.Advance(time.Minute)
	f := fe.close(s)
	r := w.response(f.Response)
	if f.Status != event.TokenExpired || len(r.SessionResults.ConnectedSources) != 1 {
		t.Errorf("%s", f.Response)
	}
	if r.EndedAt == nil || !time.Time(*r.EndedAt).Equal(start().Add(time.Hour)) {
		t.Errorf("endedAt is %v", r.EndedAt)
	}
	w.check()
}

func TestRevokedTokenEndsItsSessionAsInvalid(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	fe := w.frontEnd()
	s := fe.open(tok)
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	if _, err := w.local.Revoke(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	if err := fe.connect(s, beta); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a connect after the revocation: %v", err)
	}
	f := fe.close(s)
	if f.Status != event.TokenInvalid || len(w.response(f.Response).SessionResults.ConnectedSources) != 1 {
		t.Errorf("%s", f.Response)
	}
	w.check()
	again, err := w.frontEnd().try(session.OpenRequest{Token: tok})
	if err != nil || again.Final == nil || again.Final.Status != event.TokenInvalid || !again.Final.Stored {
		t.Errorf("opened again: %+v, %v", again, err)
	}
}

func TestConnectedAfterTheCloseIsKeptForRevocation(t *testing.T) {
	for name, end := range map[string]func(*World, *FrontEnd, *session.Session){
		"closed": func(_ *World, fe *FrontEnd, s *session.Session) { fe.close(s) },
		"over":   func(w *World, _ *FrontEnd, _ *session.Session) { w.clock.Advance(time.Hour) },
		"closed by another": func(w *World, _ *FrontEnd, s *session.Session) {
			if _, err := w.frontEnd().CloseByID(context.Background(), s.ID, true); err != nil {
				w.t.Errorf("close by id: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, fe, s := opened(t)
			w.place.next(alpha, play{Account: "ann", Hold: "late"})
			done := fe.begin(func() error { return fe.connect(s, alpha) })
			fe.arrive()
			end(w, fe, s)
			fe.lift("late")
			if err := done(); !errors.Is(err, session.ErrEnded) {
				t.Errorf("the late connect: %v", err)
			}
			fe.close(s)
			w.wantStory(s)
			if !w.place.grants["grant-1"].revoked {
				t.Error("the late grant was not revoked at once")
			}
		})
	}
}

func TestSessionClosedByForceGivesItsFrontEndThatResponse(t *testing.T) {
	w, fe, s := opened(t)
	other := w.frontEnd()
	if _, err := other.CloseByID(t.Context(), s.ID, false); problem.CodeOf(err) != "session_in_use" {
		t.Errorf("closed without force: %v", err)
	}
	closed, err := other.CloseByID(t.Context(), s.ID, true)
	if err != nil {
		t.Fatal(err)
	}
	if f := fe.close(s); string(f.Response) != string(closed.Response) {
		t.Errorf("the front end got %s, not %s", f.Response, closed.Response)
	}
	if again, err := other.CloseByID(t.Context(), s.ID, false); err != nil || !again.Stored {
		t.Errorf("closed twice: %+v, %v", again, err)
	}
	w.check()
}

func TestWhoeverComesClosesOverdueSessionsOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 45 {
		w.frontEnd().open(w.token(fmt.Sprint("u", i), time.Hour))
	}
	w.check()
	w.clock.Advance(time.Hour + time.Minute)
	other := w.frontEnd()
	for range 2 {
		if err := other.CloseOverdue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.check()
	for _, e := range w.allEvents() {
		body := parse[event.Event](t, e.Body)
		if body.EndedAt == nil || !time.Time(*body.EndedAt).Equal(start().Add(time.Hour)) || !e.At.Equal(w.clock.Now()) {
			t.Errorf("closed at %v: %s", e.At, e.Body)
		}
	}
	if got := len(w.allEvents()); got != 45 {
		t.Errorf("%d events of 45 closes", got)
	}
}

// What cannot be read of one user's session keeps neither the others from being closed nor anybody from going on.
func TestOverdueSessionsAreClosedBesideOneThatCannotBeRead(t *testing.T) {
	for damage, closes := range map[string]bool{
		"UPDATE attempt SET resume = x'00' WHERE session_id = '%s'":                                                true, // an attempt is cancelled unread
		"UPDATE session SET response = x'00' WHERE id = '%s'":                                                      false,
		"UPDATE session SET sources = '[' WHERE id = '%s'":                                                         false,
		"UPDATE session SET hooks = x'5b' WHERE id = '%s'":                                                         false,
		"UPDATE connection SET credential = x'00' WHERE human_id = (SELECT human_id FROM session WHERE id = '%s')": true, // a connection that cannot be read is marked
	} {
		w := newWorld(t)
		var all []*session.Session
		for i := range 3 {
			fe := w.frontEnd()
			s := fe.open(w.token(fmt.Sprint("u", i), time.Hour))
			if err := fe.connect(s, alpha); err != nil {
				t.Fatal(err)
			}
			w.place.next(beta, play{Forms: 1, Account: "ann"})
			if a, err := s.Connect(t.Context(), beta, -1); err != nil {
				t.Fatal(err)
			} else if _, err := a.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		damaged := all[1]
		w.exec(t, fmt.Sprintf(damage, damaged.ID))
		w.clock.Advance(2 * time.Hour)
		for range 2 {
			// Not on the store of a front end, which looks at all rows after each commit.
			if err := w.frontEnd().engineWith(func(o *session.Options) { o.Store = w.store }).CloseOverdue(t.Context()); err != nil {
				t.Errorf("%s: %v", damage, err)
			}
		}
		w.view(func(tx store.Tx) error {
			left, err := tx.OverdueSessions(w.clock.Now(), 0)
			if want := []id.Session{damaged.ID}; closes && len(left) > 0 || !closes && !slices.Equal(left, want) {
				t.Errorf("%s: left open are %v", damage, left)
			}
			return err
		})
	}
}

// exec does to the database what no part of the program does.
func (w *World) exec(t *testing.T, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(text)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCutASessionIsKept(t *testing.T) {
	w := newWorld(t)
	for _, cut := range []session.Cut{session.CutInterrupt, session.CutTerminate, session.CutTimeLimit, session.CutNone} {
		tok := w.token("u1", time.Hour)
		fe := w.frontEnd()
		s := fe.open(tok)
		wantCode(t, s.Disconnect(t.Context(), alpha, -1), "not_connected")
		f, err := s.Close(t.Context(), cut)
		if err != nil || f.Cut != cut || !f.Failed || f.Status != event.Success {
			t.Errorf("closed for %q with failures: %+v, %v", cut, f, err)
		}
		if again, err := w.frontEnd().try(session.OpenRequest{Token: tok}); err != nil || again.Final.Cut != cut || !again.Final.Failed {
			t.Errorf("stored: %+v, %v", again.Final, err)
		}
	}
	tok := w.token("u1", time.Second)
	s := w.frontEnd().open(tok)
	w.clock.Advance(time.Second)
	if f, err := s.Close(t.Context(), session.CutTimeLimit); err != nil || f.Status != event.TokenExpired || f.Cut != session.CutTimeLimit {
		t.Errorf("the token has expired too: %+v, %v", f, err)
	}
	w.check()
}

func TestTokenThatOpensNothing(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	good := w.token("u1", time.Hour)
	expired := w.token("u1", time.Second)
	revoked := w.token("u1", time.Hour)
	if _, err := w.local.Revoke(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	demo, flag, conf := clientID, "flag", "config"
	for name, c := range map[string]struct {
		r      session.OpenRequest
		want   event.Status
		client *string
		user   bool
	}{
		"missing":               {session.OpenRequest{}, event.TokenMissing, nil, false},
		"missing, with a flag":  {session.OpenRequest{ClientID: flag, DefaultClientID: conf}, event.TokenMissing, &flag, false},
		"missing, config":       {session.OpenRequest{DefaultClientID: conf}, event.TokenMissing, &conf, false},
		"garbage":               {session.OpenRequest{Token: "garbage"}, event.TokenInvalid, nil, false},
		"cut":                   {session.OpenRequest{Token: good[:len(good)-1]}, event.TokenInvalid, nil, false},
		"longer":                {session.OpenRequest{Token: good + "A"}, event.TokenInvalid, nil, false},
		"with a newline":        {session.OpenRequest{Token: good + "\n"}, event.TokenInvalid, nil, false},
		"of another place":      {session.OpenRequest{Token: other.token("u1", time.Hour)}, event.TokenInvalid, nil, false},
		"expired by now":        {session.OpenRequest{Token: expired}, event.TokenExpired, &demo, true},
		"expired, other config": {session.OpenRequest{Token: expired, DefaultClientID: conf}, event.TokenExpired, &demo, true},
		"revoked":               {session.OpenRequest{Token: revoked, DefaultClientID: conf}, event.TokenInvalid, &conf, false},
		"of another client":     {session.OpenRequest{Token: good, ClientID: flag}, event.TokenInvalid, &flag, false},
		"of another user":       {session.OpenRequest{Token: good, ClientUserID: "u2"}, event.TokenInvalid, nil, false},
		"expired, other user":   {session.OpenRequest{Token: expired, ClientUserID: "u2"}, event.TokenInvalid, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.allEvents())
			c.r.Hooks = []hook.Hook{{On: []event.On{event.OnClose}, Shell: "cat", Dir: "/"}}
			o, err := w.frontEnd().try(c.r)
			if err != nil || o.Final == nil {
				t.Fatalf("%+v, %v", o, err)
			}
			want := event.Empty(c.want)
			want.ClientID = c.client
			got := w.response(o.Final.Response)
			if c.user {
				user := "u1"
				want.ClientUserID, want.HumanID = &user, got.HumanID
			}
			if d := differ(want, got); d != "" || o.Final.Failed || o.Final.Status != c.want || c.user != (got.HumanID != nil) {
				t.Errorf("%+v (-want +got):\n%s", o.Final, d)
			}
			s := w.snapshot()
			if len(s.events) != before+1 || len(s.sessions) != 0 {
				t.Fatalf("%d events, %d sessions", len(s.events)-before, len(s.sessions))
			}
			e := s.events[before]
			if body := parse[event.Event](t, e.Body); body.SessionID != nil || body.Sequence != 1 || body.Type != event.SessionClosed || e.Session != "" || e.ID != o.Final.Event {
				t.Errorf("the event: %s", e.Body)
			}
			if got := len(s.deliveries[e.ID]); got != 3 {
				t.Errorf("%d hooks are told: two of the config and one of the flag", got)
			}
		})
	}
	if s := w.frontEnd().open(good); s == nil { // nothing of this spoiled the good one
		t.Error("the good token does not open")
	}
}

func TestTokenLivesUntilTheVeryMillisecond(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Second)
	w.clock.Advance(time.Second - time.Millisecond)
	w.frontEnd().open(tok)
	w.check()
}

func TestSourceThatTheTokenDoesNotAllow(t *testing.T) {
	w := newWorld(t)
	fe := w.frontEnd()
	s := fe.open(w.token("u1", time.Hour))
	for _, source := range []string{alpha, beta} {
		if err := fe.connect(s, source); err != nil {
			t.Fatal(err)
		}
	}
	fe.close(s)
	list := []session.Action{connectTo(beta), disconnectFrom(beta), connectTo(alpha), disconnectFrom(string(w.connections("u1")[1].ID))}
	s = fe.open(w.token("u1", time.Hour, alpha), list...)
	fe.run(s, list...)
	rows := w.actions(s.ID)
	for i, want := range []string{"source_not_allowed", "source_not_allowed", "", "source_not_allowed"} {
		if rows[i].Code != want {
			t.Errorf("action %d ended with %q, not %q", i, rows[i].Code, want)
		}
	}
	if r := w.response(fe.close(s).Response); len(r.CurrentConnections) != 2 {
		t.Errorf("current connections list them all: %+v", r.CurrentConnections)
	}
	w.check()
}

func TestScriptIsCheckedBeforeTheSessionOpens(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	stranger := w.frontEnd()
	s := stranger.open(w.token("u2", time.Hour))
	if err := stranger.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	foreign := string(w.connections("u2")[0].ID)
	unknown := connectTo(alpha)
	unknown.Answers = map[string]sdk.Secret{"shoe_size": "44"}
	for want, list := range map[problem.Code][]session.Action{
		"source_unknown":       {connectTo("nowhere")},
		"connection_not_found": {disconnectFrom(foreign)},
		"answer_unknown":       {unknown},
	} {
		_, err := w.frontEnd().try(session.OpenRequest{Token: tok, Script: session.Script{Actions: list}})
		if problem.CodeOf(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if got := len(w.snapshot().sessions); got != 1 {
		t.Errorf("%d sessions were opened", got)
	}
}

// TestAnswerOfTheScriptStandsBeforeThatOfItsAction: flags stand before a plan.
func TestAnswerOfTheScriptStandsBeforeThatOfItsAction(t *testing.T) {
	w, _, s := opened(t, connectTo(alpha), connectTo(beta))
	w.place.next(alpha, play{Forms: 1, Account: "ann"})
	w.place.next(beta, play{Forms: 1, Account: "bob"})
	list := script(connectTo(alpha), connectTo(beta)) // whose own answer is someone
	list.Answers = map[string]map[string]sdk.Secret{alpha: {"user": "ann"}}
	if err := s.Run(t.Context(), list, session.Person{}); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, c := range w.place.asked {
		if form, ok := c.reply.(sdk.FormValues); ok {
			got[c.source] = form.Values["user"].Reveal()
		}
	}
	if got[alpha] != "ann" || got[beta] != "someone" {
		t.Errorf("answered: %v", got)
	}
}

// A container is started again under another name: the same command finds its session closed, and its hook not called.
func TestFlagOfAClosedSessionIsAdoptedByAnotherHost(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	here := hook.Hook{On: []event.On{event.OnClose}, Shell: "one", Dir: "/", Host: "here"}
	first := w.frontEnd()
	o, err := first.try(session.OpenRequest{Token: tok, Hooks: []hook.Hook{here}})
	if err != nil {
		t.Fatal(err)
	}
	first.close(o.Session)
	there := here
	there.Host = "there"
	for _, again := range []func(session.OpenRequest) error{
		func(r session.OpenRequest) error { _, err := w.frontEnd().try(r); return err },
		func(r session.OpenRequest) error { _, err := w.frontEnd().Finished(t.Context(), r); return err },
	} {
		if err := again(session.OpenRequest{Token: tok, Hooks: []hook.Hook{there}}); err != nil {
			t.Fatal(err)
		}
		kept := w.snapshot().hooks[o.Session.ID]
		if len(kept) != 1 || !strings.Contains(string(kept[0].Spec), `"host":"`+there.Host+`"`) {
			t.Errorf("%s", kept[0].Spec)
		}
		there.Host = "elsewhere"
	}
}

func TestFlagHooksAreKeptWithTheSessionOnce(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	one := hook.Hook{On: []event.On{event.OnConnectSource}, Shell: "one", Dir: "/"}
	two := hook.Hook{On: []event.On{event.OnClose}, Shell: "two", Dir: "/"}
	first := w.frontEnd()
	o, err := first.try(session.OpenRequest{Token: tok, Hooks: []hook.Hook{one}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.connect(o.Session, alpha); err != nil {
		t.Fatal(err)
	}
	w.check()
	first.kill()
	second := w.frontEnd()
	if o, err = second.try(session.OpenRequest{Token: tok, Hooks: []hook.Hook{one, two}}); err != nil {
		t.Fatal(err)
	}
	if err := second.connect(o.Session, beta); err != nil {
		t.Fatal(err)
	}
	second.close(o.Session)
	if got := len(w.snapshot().hooks[o.Session.ID]); got != 2 {
		t.Errorf("%d hooks are kept", got)
	}
	w.check()
}

func TestDeathAfterTheCloseLosesNoResponse(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	fe := w.frontEnd()
	s := fe.open(tok, connectTo(alpha))
	fe.run(s, connectTo(alpha))
	fe.store.dieAfter(0, true)
	if _, err := s.Close(t.Context(), session.CutNone); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	f, err := w.frontEnd().whole(tok, []session.Action{connectTo(alpha)})
	if err != nil || !f.Stored || f.Failed || f.Status != event.Success {
		t.Errorf("%+v, %v", f, err)
	}
	w.check()
	var row store.Session
	w.view(func(tx store.Tx) (err error) { row, err = tx.Session(s.ID); return err })
	if row.Owner != "" {
		t.Errorf("a closed session has the owner %s", row.Owner)
	}
}

// TestOverdueSessionTellsItsOwnHooks: whoever closes it may have other hooks, or none.
func TestOverdueSessionTellsItsOwnHooks(t *testing.T) {
	w := newWorld(t)
	w.hooks = []hook.Hook{{Name: "journal", On: event.Ons(), Shell: "true"}, {Name: "opens", On: []event.On{event.OnConnectSource}, Shell: "true"}}
	first := w.frontEnd()
	s := first.open(w.token("u1", time.Hour))
	first.kill()
	w.clock.Advance(time.Hour)
	w.hooks = []hook.Hook{{Name: "other", On: event.Ons(), Shell: "true"}}
	stranger := w.frontEnd()
	if err := stranger.CloseOverdue(t.Context()); err != nil {
		t.Fatal(err)
	}
	var told []string
	w.view(func(tx store.Tx) error {
		rows, err := tx.Deliveries(store.DeliveryFilter{Session: s.ID})
		for _, d := range rows {
			told = append(told, d.Hook)
		}
		return err
	})
	if len(told) != 1 || told[0] != "journal" {
		t.Errorf("told: %q", told)
	}
}
