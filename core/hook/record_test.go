package hook

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func TestSameFlagAgainIsTheSameHook(t *testing.T) {
	s := newState(t)
	session := s.session()
	here, there := place(t), place(t)
	attach := func(hooks ...Hook) (ids []id.SessionHook) {
		s.update(func(tx store.Tx) (err error) { ids, err = Attach(tx, s.store.MAC, session, hooks); return err })
		return ids
	}
	first := attach(parse(t, event.OnClose, "cat", here))
	again := attach(parse(t, event.OnClose, " cat ", here), parse(t, event.OnClose, "cat", there), parse(t, event.OnConnectSource, "cat", here), parse(t, event.OnClose, "cat -", here))
	if len(again) != 4 || again[0] != first[0] {
		t.Errorf("%v, then %v", first, again)
	}
	var kept []store.SessionHook
	s.view(func(tx store.Tx) (err error) { kept, err = tx.SessionHooks(session); return err })
	if len(kept) != 4 {
		t.Errorf("%d kept", len(kept))
	}
}

func TestFlagHookIsRunByItsUserOnItsHostAlone(t *testing.T) {
	s := newState(t)
	session := s.session()
	at := place(t)
	e := anEvent(session, 1, event.SessionClosed)
	s.update(func(tx store.Tx) error {
		if _, err := Attach(tx, s.store.MAC, session, []Hook{parse(t, event.OnClose, "pwd > ran", at)}); err != nil {
			return err
		}
		return Record(tx, e, session, s.clock.Now(), nil, nil)
	})
	for name, change := range map[string]func(*Options){
		"another user": func(o *Options) { o.UID++ },
		"another host": func(o *Options) { o.Host = "there" },
		"serve":        func(o *Options) { o.FlagHooks = false },
	} {
		opt := s.options(realShell())
		change(&opt)
		s.clock.Advance(schedule.LongTotal())
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
