package hook

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func place(t *testing.T) Place { return Place{Dir: t.TempDir(), UID: 1000, Host: "here"} }

func parse(t *testing.T, on event.On, line string, at Place) Hook {
	t.Helper()
	h, err := Parse(on, line, at)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFlagRefusesWhatIsNoCommandLine(t *testing.T) {
	for _, value := range []string{"", "  ", "https://u:s3cret@app.example.com/h", "HTTP://app.example.com", "a\x00b"} {
		_, err := Parse(event.OnClose, value, place(t))
		if problem.CodeOf(err) != "usage" || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", value, err)
		}
	}
	if _, err := Parse("onOpen", "true", place(t)); problem.CodeOf(err) != "usage" {
		t.Error(err)
	}
	if _, err := Parse(event.OnClose, "curl https://app.example.com/h -d @-", place(t)); err != nil {
		t.Error(err)
	}
}

func TestEventReachesTheHooksThatAskForIt(t *testing.T) {
	s := newState(t)
	session, other := s.session(), s.session()
	both := Hook{Name: "both", On: []event.On{event.OnConnectSource, event.OnClose}}
	at := place(t)
	e := anEvent(session, 1, event.SourceConnected)
	var want []string
	s.update(func(tx store.Tx) error {
		want = []string{"both"}
		mine, err := Attach(tx, s.store.MAC, session, []Hook{parse(t, event.OnConnectSource, "cat", at), parse(t, event.OnClose, "cat", at)})
		if err != nil {
			return err
		}
		want = append(want, string(mine[0]))
		if _, err := Attach(tx, s.store.MAC, other, []Hook{parse(t, event.OnConnectSource, "cat", at)}); err != nil {
			return err
		}
		return Record(tx, e, session, s.clock.Now(), []Hook{both, closing("close")}, mine)
	})
	var got []string
	for _, d := range s.deliveries(store.DeliveryFilter{Event: e.ID}) {
		got = append(got, d.Hook)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventOutsideOfASessionReachesTheFlagsOfItsCall(t *testing.T) {
	s := newState(t)
	at := place(t)
	e := anEvent("", 1, event.SessionClosed)
	s.update(func(tx store.Tx) error {
		h := parse(t, event.OnClose, "cat > got", at)
		extra, err := Attach(tx, s.store.MAC, "", []Hook{h, h, parse(t, event.OnConnectSource, "cat", at)})
		if err != nil {
			return err
		}
		return Record(tx, e, "", s.clock.Now(), nil, extra)
	})
	s.only(e.ID)
	tally, err := s.onSystemClock(realShell()).Drain(t.Context(), Scope{Event: e.ID}, DefaultTimeout)
	if err != nil || tally.Delivered != 1 {
		t.Fatal(tally, err)
	}
	got, err := os.ReadFile(filepath.Join(at.Dir, "got"))
	if err != nil || string(got) != string(event.JSON(e)) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestRecordIsOneWithItsTransaction(t *testing.T) {
	s := newState(t)
	session := s.session()
	err := s.store.Update(t.Context(), func(tx store.Tx) error {
		if err := Record(tx, anEvent(session, 1, event.SessionClosed), session, s.clock.Now(), []Hook{closing("h")}, nil); err != nil {
			return err
		}
		return errKilled
	})
	if !errors.Is(err, errKilled) || len(s.deliveries(store.DeliveryFilter{})) != 0 {
		t.Error(err, "a delivery of an event that never was")
	}
}

// attach gives a session hooks of flags.
func (s *state) attach(session id.Session, hooks ...Hook) (ids []id.SessionHook) {
	s.t.Helper()
	s.update(func(tx store.Tx) (err error) { ids, err = Attach(tx, s.store.MAC, session, hooks); return err })
	return ids
}

func (s *state) kept(session id.Session) (kept []Hook) {
	s.t.Helper()
	s.view(func(tx store.Tx) error {
		rows, err := tx.SessionHooks(session)
		for _, row := range rows {
			h, err := fromRow(row)
			if err != nil {
				return err
			}
			kept = append(kept, h)
		}
		return err
	})
	return kept
}

func TestFlagsWithTheSameTargetAreOneHookWithSeveralEvents(t *testing.T) {
	s := newState(t)
	session := s.session()
	here, there, other := place(t), place(t), place(t)
	other.Dir, other.UID = here.Dir, 0
	first := s.attach(session, parse(t, event.OnClose, "cat", here), parse(t, event.OnConnectSource, " cat ", here))
	again := s.attach(session,
		parse(t, event.OnClose, "cat", here), parse(t, event.OnDisconnectSource, "cat", here), // the same, and one more event
		parse(t, event.OnClose, "cat", there), parse(t, event.OnClose, "cat -", here), parse(t, event.OnClose, "cat", other),
		parse(t, event.OnClose, "https://app.example.com/h", here), parse(t, event.OnConnectSource, "https://app.example.com/h", there),
		parse(t, event.OnClose, "https://app.example.com/H", here))
	if len(first) != 1 || len(again) != 6 || again[0] != first[0] {
		t.Errorf("%v, then %v", first, again)
	}
	kept := s.kept(session)
	if len(kept) != 6 || !cmp.Equal(kept[0].On, []event.On{event.OnClose, event.OnConnectSource, event.OnDisconnectSource}) || len(kept[4].On) != 2 {
		t.Errorf("%+v", kept)
	}
	if repeated := s.attach(session, parse(t, event.OnDisconnectSource, "cat", here)); len(s.kept(session)) != 6 || repeated[0] != first[0] {
		t.Errorf("%+v", s.kept(session))
	}
}

// Programs before this one kept a hook for each event of a target.
func TestFlagOfAnOlderProgramStaysTheHookThatItIs(t *testing.T) {
	s := newState(t)
	session, at := s.session(), place(t)
	var rows []store.SessionHook
	for i, on := range []event.On{event.OnConnectSource, event.OnClose} {
		rows = append(rows, store.SessionHook{ID: id.New[id.SessionHook](), Session: session, Fingerprint: []byte{byte(i)}, Spec: specOf(parse(t, on, "cat", at))})
		s.update(func(tx store.Tx) error { return tx.InsertSessionHook(rows[i]) })
	}
	got := s.attach(session, parse(t, event.OnClose, "cat", at), parse(t, event.OnConnectSource, "cat", at))
	if want := []id.SessionHook{rows[1].ID, rows[0].ID}; !cmp.Equal(want, got) || len(s.kept(session)) != 2 {
		t.Errorf("%v, want %v", got, want)
	}
}

// One hook has one queue: its events come in their order, the close last.
func TestEventsOfOneTargetComeInTheirOrder(t *testing.T) {
	s := newState(t)
	session, at := s.session(), place(t)
	s.attach(session, parse(t, event.OnClose, "cat", at), parse(t, event.OnConnectSource, "cat", at))
	s.change(session, event.SourceConnected, event.SourceConnected, event.SessionClosed)
	r := &receiver{}
	s.once(s.worker(r))
	if got := typesOf(r); !cmp.Equal(got, []string{"source.connected", "source.connected", "session.closed"}) {
		t.Error(got)
	}
}

// change records an event of each type in a session.
func (s *state) change(session id.Session, types ...event.Type) (recorded []event.Event) {
	s.t.Helper()
	for i, typ := range types {
		e := anEvent(session, int64(i+1), typ)
		s.update(func(tx store.Tx) error { return Record(tx, e, session, s.clock.Now(), nil, nil) })
		recorded = append(recorded, e)
	}
	return recorded
}

func typesOf(r *receiver) (types []string) {
	for _, m := range r.messages() {
		types = append(types, m.Event.Type)
	}
	return types
}

func TestCloseReachesTheHooksOfTheFlagsLast(t *testing.T) {
	s := newState(t)
	session, at := s.session(), place(t)
	s.attach(session, parse(t, event.OnClose, "close", at), parse(t, event.OnConnectSource, "connect", at))
	s.change(session, event.SourceConnected, event.SourceConnected, event.SessionClosed)
	release := make(chan struct{})
	r := &receiver{answer: func(_ context.Context, m Message) Outcome {
		if m.Hook.Shell == "connect" {
			<-release
		}
		return Outcome{Verdict: Accepted}
	}}
	d, done := s.worker(r), make(chan error, 1)
	go func() { _, err := d.Drain(context.Background(), Scope{Session: session}, time.Hour); done <- err }()
	eventually(t, "the first one runs", func() bool { return r.count() == 1 })
	other := s.worker(&receiver{})
	if tally := s.once(other); tally.Delivered != 0 || tally.Pending != 3 {
		t.Errorf("while another process works on what comes before: %+v", tally)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := typesOf(r); !cmp.Equal(got, []string{"source.connected", "source.connected", "session.closed"}) {
		t.Error(got)
	}
}

func TestFlagThatFailsDoesNotHoldUpTheCloseOfAnother(t *testing.T) {
	s := newState(t)
	session, at := s.session(), place(t)
	s.attach(session, parse(t, event.OnClose, "close", at), parse(t, event.OnConnectSource, "connect", at))
	closed := s.change(session, event.SourceConnected, event.SourceConnected, event.SessionClosed)[2]
	r := &receiver{answer: func(ctx context.Context, m Message) Outcome {
		if m.Hook.Shell == "connect" {
			return failing(ctx, m)
		}
		return Outcome{Verdict: Accepted}
	}}
	s.once(s.worker(r))
	if d := s.only(closed.ID); d.State != store.DeliveryDelivered || r.count() != 2 {
		t.Errorf("%d tries, %+v", r.count(), d)
	}
}

// flagged has a session with a command of a flag that is pending.
func (s *state) flagged(at Place) (id.Session, event.Event) {
	s.t.Helper()
	session := s.session()
	h, err := Parse(event.OnClose, "pwd > ran", at)
	if err != nil {
		s.t.Fatal(err)
	}
	s.attach(session, h)
	e := anEvent(session, 1, event.SessionClosed)
	s.update(func(tx store.Tx) error { return Record(tx, e, session, s.clock.Now(), nil, nil) })
	return session, e
}

func elsewhere() map[string]func(*Options) {
	return map[string]func(*Options){
		"another user": func(o *Options) { o.UID++ },
		"another host": func(o *Options) { o.Host = "there" },
		"serve":        func(o *Options) { o.FlagHooks = false },
	}
}

func TestFlagHookIsRunByItsUserOnItsHostAlone(t *testing.T) {
	s := newState(t)
	at := place(t)
	session, e := s.flagged(at)
	for name, change := range elsewhere() {
		opt := s.options(realShell())
		change(&opt)
		tally, err := New(opt).Drain(t.Context(), Scope{Session: session}, DefaultTimeout)
		if want := (Tally{Pending: 1}); err != nil || !cmp.Equal(want, tally) {
			t.Errorf("%s: %+v, %v", name, tally, err)
		}
		if d := s.only(e.ID); d.Owner != "" || d.Tries != 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if tally := s.once(s.worker(realShell())); tally.Delivered != 1 {
		t.Errorf("%+v", tally)
	}
	ran, err := os.ReadFile(filepath.Join(at.Dir, "ran"))
	if err != nil || strings.TrimSpace(string(ran)) != at.Dir {
		t.Errorf("%s, %v", ran, err)
	}
}

func TestFlagHookThatNobodyMayRunDiesAfterTheLongSchedule(t *testing.T) {
	for name, change := range elsewhere() {
		s := newState(t)
		_, e := s.flagged(place(t))
		opt := s.options(realShell())
		change(&opt)
		d := New(opt)
		s.clock.Advance(schedule.LongTotal())
		if tally := s.once(d); tally.Dead != 0 || tally.Pending != 1 {
			t.Errorf("%s, before the end: %+v", name, tally)
		}
		s.clock.Advance(400 * 24 * time.Hour) // the same process, which remembers that it is not its own
		s.once(d)                             // a clock that has jumped is not believed at once
		s.clock.Advance(2 * time.Hour)
		if tally := s.once(d); tally.Dead != 1 || s.only(e.ID).Error != NotConfigured {
			t.Errorf("%s: %+v, %+v", name, tally, s.only(e.ID))
		}
	}
}

// A container is started again under another name, with the same command: before the session's end, or after.
func TestFlagGivenAgainFromAnotherHostAdoptsWhatIsPending(t *testing.T) {
	adopt := map[string]func(*state, id.Session, Hook) error{
		"resumed": func(s *state, session id.Session, h Hook) error {
			return s.store.Update(context.Background(), func(tx store.Tx) error {
				_, err := Attach(tx, s.store.MAC, session, []Hook{h})
				return err
			})
		},
		"closed": func(s *state, session id.Session, h Hook) error {
			return Adopt(context.Background(), s.store, session, []Hook{h})
		},
	}
	for name, adopt := range adopt {
		s := newState(t)
		old := place(t)
		session, e := s.flagged(old)
		now := old
		now.Host = "there"
		stranger := now
		stranger.UID++
		opt := s.options(realShell())
		opt.Host = "there"
		for _, at := range []Place{stranger, now} {
			if err := adopt(s, session, parse(t, event.OnClose, "pwd > ran", at)); err != nil {
				t.Fatal(err)
			}
			want := Tally{Pending: 1}
			if at == now {
				want = Tally{Delivered: 1}
			}
			if tally, err := New(opt).Drain(t.Context(), Scope{Session: session}, DefaultTimeout); err != nil || !cmp.Equal(want, tally) {
				t.Errorf("%s, %+v: %+v, %v", name, at, tally, err)
			}
		}
		if d := s.only(e.ID); d.State != store.DeliveryDelivered {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestClosedSessionGetsNoFurtherHooks(t *testing.T) {
	s := newState(t)
	at := place(t)
	session, _ := s.flagged(at)
	before := s.kept(session)
	err := Adopt(t.Context(), s.store, session, []Hook{parse(t, event.OnConnectSource, "pwd > ran", at), parse(t, event.OnClose, "true", at)})
	if err != nil || !cmp.Equal(before, s.kept(session), cmp.Comparer(func(a, b Hook) bool { return string(specOf(a)) == string(specOf(b)) })) {
		t.Errorf("%v, %+v", err, s.kept(session))
	}
}

func TestEveryTryBringsTheStoredBytes(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	r := &receiver{answer: failing}
	d := s.worker(r, h)
	for _, wait := range schedule.Quick() {
		s.clock.Advance(wait)
		s.once(d)
	}
	got := r.messages()
	if len(got) != 4 {
		t.Fatalf("%d tries", len(got))
	}
	for i, m := range got {
		if string(m.Event.Body) != string(event.JSON(e)) || m.Status != "SUCCESS" || m.Try != i+1 {
			t.Errorf("try %d: %+v", i+1, m)
		}
	}
}

func TestShellHookIsDeliveredThroughTheWholeWay(t *testing.T) {
	s := newState(t)
	session := s.session()
	dir := t.TempDir()
	h := Hook{
		Name: "journal", On: []event.On{event.OnClose}, Dir: dir,
		Shell: `cat >> bodies; echo "$HUMANCONNECT_SEQUENCE $HUMANCONNECT_STATUS $HUMANCONNECT_DELIVERY_TRY $HUMANCONNECT_HOOK" >> env`,
	}
	var want string
	for seq := range int64(3) {
		e := s.record(session, seq+1, h)
		want += string(event.JSON(e))
	}
	tally, err := s.onSystemClock(realShell(), h).Drain(context.Background(), Scope{Session: session}, DefaultTimeout)
	if err != nil || !cmp.Equal(Tally{Delivered: 3}, tally) {
		t.Fatalf("%+v, %v", tally, err)
	}
	for file, want := range map[string]string{
		"bodies": want, "env": "1 SUCCESS 1 journal\n2 SUCCESS 1 journal\n3 SUCCESS 1 journal\n",
	} {
		got, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Error(file, diff)
		}
	}
}
