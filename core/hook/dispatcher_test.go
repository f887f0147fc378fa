package hook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// tries returns the moments, from the start, at which a failing delivery is tried, and what it ends as.
func tries(t *testing.T, answer func(context.Context, Message) Outcome, step, upTo time.Duration) ([]time.Duration, store.Delivery) {
	t.Helper()
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	began := s.clock.Now()
	r := &receiver{answer: answer}
	d := s.worker(r, h)
	var at []time.Duration
	for s.clock.Now().Sub(began) <= upTo {
		before := r.count()
		s.once(d)
		for range r.count() - before {
			at = append(at, s.clock.Now().Sub(began))
		}
		s.clock.Advance(step)
	}
	return at, s.only(e.ID)
}

func TestQuickTriesThenDead(t *testing.T) {
	at, d := tries(t, failing, 500*time.Millisecond, 40*time.Second)
	want := []time.Duration{0, time.Second, 6 * time.Second, 26 * time.Second}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
	if d.State != store.DeliveryDead || d.Tries != 4 || d.Error != "exit status 1" || d.EndedAt.IsZero() || d.Owner != "" {
		t.Errorf("%+v", d)
	}
}

func TestNotNowGoesToTheLongSchedule(t *testing.T) {
	at, d := tries(t, notNow, 5*time.Minute, 80*time.Hour)
	var want []time.Duration
	var sum time.Duration
	for _, wait := range append([]time.Duration{0}, schedule.Long()...) {
		sum += wait
		want = append(want, sum)
	}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
	if d.State != store.DeliveryDead || d.Tries != 9 || d.Deferred != 8 {
		t.Errorf("%+v", d)
	}
}

func TestLongScheduleStartsAtItsBeginningAfterQuickFailures(t *testing.T) {
	answers := []Outcome{{Error: "a"}, {Error: "b"}, {Verdict: NotNow}, {Error: "c"}, {Verdict: Accepted}}
	at, d := tries(t, func(_ context.Context, m Message) Outcome { return answers[m.Try-1] }, time.Second, 7*time.Minute)
	want := []time.Duration{0, time.Second, 6 * time.Second, 6*time.Second + 5*time.Minute, 26*time.Second + 5*time.Minute}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
	if d.State != store.DeliveryDelivered || d.Error != "" {
		t.Errorf("%+v", d)
	}
}

func TestJitterIsATenthAtMost(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, random := range []float64{0, 0.25, 0.999999} {
		for i, want := range schedule.Long() {
			d := store.Delivery{Deferred: i, Tries: i}
			apply(&d, Outcome{Verdict: NotNow}, now, func() float64 { return random })
			if off := (d.NextAt.Sub(now) - want).Abs(); off > want/10 || (random != 0.5 && off == 0) {
				t.Errorf("wait %d: off by %s", i, off)
			}
		}
	}
}

func TestHeadOfQueueHoldsLaterEvents(t *testing.T) {
	s := newState(t)
	slow, fast := closing("slow"), closing("fast")
	a, b := s.session(), s.session()
	for seq := range int64(3) {
		s.record(a, seq+1, slow, fast)
	}
	s.record(b, 1, slow, fast)
	s.record("", 1, slow)
	s.record("", 1, slow)
	r := &receiver{answer: func(_ context.Context, m Message) Outcome {
		if m.Hook.Name == "slow" && m.Event.Session == a && m.Event.Sequence == 1 {
			return Outcome{Error: "exit status 1"}
		}
		return Outcome{Verdict: Accepted}
	}}
	d := s.worker(r, slow, fast)
	s.once(d)
	lane := func(hook string, session id.Session) []int64 {
		var seqs []int64
		for _, m := range r.messages() {
			if m.Hook.Name == hook && m.Event.Session == session {
				seqs = append(seqs, m.Event.Sequence)
			}
		}
		return seqs
	}
	check := func(hook string, session id.Session, want ...int64) {
		t.Helper()
		if got := lane(hook, session); !slices.Equal(got, want) {
			t.Errorf("%s got %v, want %v", hook, got, want)
		}
	}
	check("slow", a, 1)
	check("fast", a, 1, 2, 3)
	check("slow", b, 1)
	check("slow", "", 1, 1)
	for _, wait := range schedule.Quick() {
		s.clock.Advance(wait)
		s.once(d)
	}
	check("slow", a, 1, 1, 1, 1, 2, 3)
}

func TestOneHookRunsFourTriesAtOnceAndOthersGoOn(t *testing.T) {
	s := newState(t)
	stuck, free := closing("stuck"), closing("free")
	release := make(chan struct{})
	var mu sync.Mutex
	now, most := 0, 0
	r := &receiver{answer: func(_ context.Context, m Message) Outcome {
		if m.Hook.Name == "free" {
			return Outcome{Verdict: Accepted}
		}
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-release
		mu.Lock()
		now--
		mu.Unlock()
		return Outcome{Verdict: Accepted}
	}}
	for range 10 {
		session := s.session()
		s.record(session, 1, stuck, free)
		s.record(session, 2, stuck, free)
	}
	d := s.worker(r, stuck, free)
	end := running(t, d)
	delivered := func(hook string) int {
		return len(s.deliveries(store.DeliveryFilter{Hook: hook, State: store.DeliveryDelivered}))
	}
	eventually(t, "the free hook has all", func() bool { return delivered("free") == 20 })
	close(release)
	eventually(t, "the stuck hook has all", func() bool { return delivered("stuck") == 20 })
	end()
	if most != 4 {
		t.Errorf("%d at once", most)
	}
}

func TestManyDispatchersNeverSendOneLaneAtOnce(t *testing.T) {
	s := newState(t)
	hooks := []Hook{closing("one"), closing("two")}
	var mu sync.Mutex
	busy, last, got := map[string]bool{}, map[string]int64{}, 0
	r := &receiver{answer: func(_ context.Context, m Message) Outcome {
		lane := m.Hook.Name + string(m.Event.Session)
		mu.Lock()
		if busy[lane] || m.Event.Sequence != last[lane]+1 {
			t.Errorf("busy %t, %d after %d", busy[lane], m.Event.Sequence, last[lane])
		}
		busy[lane], last[lane] = true, m.Event.Sequence
		mu.Unlock()
		timer := time.NewTimer(time.Millisecond)
		<-timer.C
		mu.Lock()
		defer mu.Unlock()
		busy[lane] = false
		got++
		return Outcome{Verdict: Accepted}
	}}
	for range 3 {
		running(t, s.onSystemClock(r, hooks...))
	}
	for range 4 {
		session := s.session()
		for seq := range int64(4) {
			s.record(session, seq+1, hooks...)
		}
	}
	eventually(t, "all delivered", func() bool {
		return len(s.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered})) == 32
	})
	if got != 32 {
		t.Errorf("%d sent", got)
	}
}

// stuckWorker claims what is due and answers when release is closed.
func stuckWorker(t *testing.T, s *state, answer Outcome, hooks ...Hook) (d *Dispatcher, got *receiver, release chan struct{}, done chan struct{}) {
	t.Helper()
	release, done = make(chan struct{}), make(chan struct{})
	got = &receiver{answer: func(context.Context, Message) Outcome { <-release; return answer }}
	d = s.worker(got, hooks...)
	go func() {
		defer close(done)
		_, _ = d.Once(context.Background(), Scope{}) // its own world has ended
	}()
	eventually(t, "the first worker sends", func() bool { return got.count() == 1 })
	return d, got, release, done
}

func TestDeadOwnersWorkIsFreeAtOnceAndItsLateWordIsNotHeard(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	first, got, release, done := stuckWorker(t, s, Outcome{Error: "late"}, h)
	r := &receiver{}
	second := s.worker(r, h)
	if s.once(second); r.count() != 0 {
		t.Fatal("took the work of a living owner")
	}
	s.kill(first.opt.Liveness.Self())
	if tally := s.once(second); tally.Delivered != 1 {
		t.Fatalf("%+v", tally)
	}
	close(release)
	<-done
	again := append(got.messages(), r.messages()...)
	if again[0].Event.ID != again[1].Event.ID || string(again[0].Event.Body) != string(again[1].Event.Body) {
		t.Error("the receiver cannot tell that it is the same event")
	}
	if d := s.only(e.ID); d.State != store.DeliveryDelivered || d.Tries != 1 {
		t.Errorf("%+v", d)
	}
}

// TestOverdueTryOfOurOwnIsNotMadeTwiceAtOnce: a machine that slept finds the lease over, and the try at work.
func TestOverdueTryOfOurOwnIsNotMadeTwiceAtOnce(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	d, got, release, done := stuckWorker(t, s, Outcome{Verdict: Accepted}, h)
	s.clock.Advance(time.Hour)
	s.view(func(tx store.Tx) error {
		d.pass.Lock()
		defer d.pass.Unlock()
		seen, err := d.scan(tx, standing{}, []Hook{h})
		if len(seen.jobs) != 0 || seen.contended || !seen.unsettled {
			t.Errorf("%+v", seen)
		}
		return err
	})
	close(release)
	<-done
	if d := s.only(e.ID); got.count() != 1 || d.State != store.DeliveryDelivered {
		t.Errorf("%d tries, %+v", got.count(), d)
	}
}

// TestLivingOwnerKeepsItsWorkWhateverTheClockSays: its try may have reached the receiver, and its word comes.
func TestLivingOwnerKeepsItsWorkWhateverTheClockSays(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	_, first, release, done := stuckWorker(t, s, Outcome{Verdict: Accepted}, h)
	r := &receiver{}
	second := s.worker(r, h)
	s.clock.Advance(400 * 24 * time.Hour)
	if s.once(second); r.count() != 0 {
		t.Error("took the work of a living owner")
	}
	close(release)
	<-done
	if s.once(second); first.count()+r.count() != 1 || s.only(e.ID).State != store.DeliveryDelivered {
		t.Errorf("%d tries, %+v", first.count()+r.count(), s.only(e.ID))
	}
}

func TestLeaseFreesWorkWhoseOwnerCannotBeAsked(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	h.Timeout = time.Minute
	s.record(s.session(), 1, h)
	_, _, release, done := stuckWorker(t, s, Outcome{}, h)
	r := &receiver{}
	opt := s.options(r, h)
	opt.Liveness = deaf{opt.Liveness}
	second := New(opt)
	s.clock.Advance(90*time.Second - time.Millisecond)
	if s.once(second); r.count() != 0 {
		t.Fatal("took it within its lease")
	}
	s.clock.Advance(time.Millisecond)
	if s.once(second); r.count() != 1 {
		t.Error("left it after its lease")
	}
	close(release)
	<-done
}

func TestHookThatNoConfigNamesIsLeftAloneAndDiesAfterTheLongSchedule(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	e := s.record(session, 1, h)
	r := &receiver{}
	var reports []Report
	opt := s.options(r)
	opt.Report = func(r Report) { reports = append(reports, r) }
	stranger := New(opt)
	s.clock.Advance(schedule.LongTotal())
	s.once(stranger)
	if d := s.only(e.ID); d.State != store.DeliveryPending || d.Owner != "" {
		t.Fatalf("%+v", d)
	}
	s.steady()
	s.clock.Advance(time.Millisecond)
	later := s.record(session, 2, h)
	if tally := s.once(stranger); tally.Dead != 1 || tally.Pending != 1 {
		t.Errorf("%+v", tally)
	}
	if d := s.only(e.ID); d.State != store.DeliveryDead || d.Error != "hook_gone" || d.Tries != 0 {
		t.Errorf("%+v", d)
	}
	if len(reports) != 1 || reports[0].Error != "hook_gone" || reports[0].State != store.DeliveryDead || reports[0].Type != "session.closed" {
		t.Errorf("%+v", reports)
	}
	if s.once(s.worker(r, h)); s.only(later.ID).State != store.DeliveryDelivered {
		t.Error("the rest of its queue waits for ever")
	}
}

// TestHookOfAnotherConfigIsNotGoneWhileItIsTried: with every wait at its longest, and each put off by a day more.
func TestHookOfAnotherConfigIsNotGoneWhileItIsTried(t *testing.T) {
	s := newState(t)
	h := to("https://app.example.com")
	session := s.session()
	first, second := s.record(session, 1, h), s.record(session, 2, h)
	opt := s.options(&receiver{answer: func(context.Context, Message) Outcome {
		return Outcome{Verdict: Undelivered, Error: "HTTP 503", RetryAfter: 24 * time.Hour}
	}}, h)
	opt.Random = func() float64 { return 0.999 }
	owner, stranger := New(opt), s.worker(&receiver{})
	third := s.record(s.session(), 1, h)
	for e := first; ; {
		d := s.only(e.ID)
		if d.State == store.DeliveryDead && e.ID == second.ID {
			break
		}
		if d.State == store.DeliveryDead {
			if d.Error != "HTTP 503" || d.Tries != 12 {
				t.Fatalf("%+v", d)
			}
			e = second // which has waited all that time, and is buried by nobody before its own is over
			continue
		}
		if d.NextAt.After(s.clock.Now()) {
			s.clock.Advance(d.NextAt.Sub(s.clock.Now()))
		}
		if tally := s.once(stranger); tally.Dead != 0 {
			t.Fatalf("buried after %d tries: %+v", d.Tries, s.only(e.ID))
		}
		s.once(owner)
	}
	if d := s.only(third.ID); d.Error != "HTTP 503" || d.Tries != 12 {
		t.Errorf("%+v", d)
	}
}

// TestQueueIsDueWithItsHead: what is behind a head that waits is not due, so that nobody has to look at it.
func TestQueueIsDueWithItsHead(t *testing.T) {
	s := newState(t)
	h, other := closing("journal"), closing("other")
	session := s.session()
	first, second := s.record(session, 1, h), s.record(session, 2, h)
	r := &receiver{answer: notNow}
	s.once(s.worker(r, h))
	third := s.record(session, 3, h, other)
	fifth := s.record("", 1, h)
	due := func(e id.Event, hook string) time.Duration {
		d := s.deliveries(store.DeliveryFilter{Event: e, Hook: hook})[0]
		return d.NextAt.Sub(s.clock.Now())
	}
	got := []time.Duration{due(first.ID, h.Name), due(second.ID, h.Name), due(third.ID, h.Name), due(third.ID, other.Name), due(fifth.ID, h.Name)}
	if diff := cmp.Diff([]time.Duration{5 * time.Minute, 5 * time.Minute, 5 * time.Minute, 0, 0}, got); diff != "" {
		t.Error(diff)
	}
	s.clock.Advance(5 * time.Minute)
	r.answer = func(_ context.Context, m Message) Outcome {
		if m.Event.ID == second.ID {
			return Outcome{Error: "exit status 1"}
		}
		return Outcome{Verdict: Accepted}
	}
	s.once(s.worker(r, h))
	if got := []time.Duration{due(second.ID, h.Name), due(third.ID, h.Name)}; got[0] != time.Second || got[1] != time.Second {
		t.Errorf("behind one that has ended: %v", got)
	}
}

// watched counts the deliveries that are read, and what is written.
type watched struct {
	store.Store
	read, wrote *atomic.Int64
}

func (w watched) View(ctx context.Context, f func(store.Tx) error) error {
	return w.Store.View(ctx, func(tx store.Tx) error { return f(watchedTx{tx, w}) })
}

func (w watched) Update(ctx context.Context, f func(store.Tx) error) error {
	w.wrote.Add(1)
	return w.Store.Update(ctx, func(tx store.Tx) error { return f(watchedTx{tx, w}) })
}

type watchedTx struct {
	store.Tx
	by watched
}

func (w watchedTx) Deliveries(f store.DeliveryFilter) ([]store.Delivery, error) {
	all, err := w.Tx.Deliveries(f)
	w.by.read.Add(int64(len(all)))
	return all, err
}

func (w watchedTx) DueDeliveries(f store.DueFilter) ([]store.Delivery, error) {
	all, err := w.Tx.DueDeliveries(f)
	w.by.read.Add(int64(len(all)))
	return all, err
}

func (w watchedTx) HeadDeliveries(session id.Session) ([]store.Delivery, error) {
	all, err := w.Tx.HeadDeliveries(session)
	w.by.read.Add(int64(len(all)))
	return all, err
}

// backlog makes pending deliveries to a hook, each of a session of its own with another one behind it.
func (s *state) backlog(n int, h Hook, next time.Time) {
	s.t.Helper()
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		for range n {
			ses := store.Session{
				ID: id.New[id.Session](), User: u.HumanID, OpenedAt: s.clock.Now(), EndsAt: s.clock.Now(), EndReason: store.EndExpired,
				Owner: "prc_front", Epoch: 1, ClosedAt: s.clock.Now(),
			}
			ses.TokenKey = []byte(ses.ID)
			if err := tx.InsertSession(ses); err != nil {
				return err
			}
			for seq := range int64(2) {
				e := anEvent(ses.ID, seq+1, event.SessionClosed)
				if err := Record(tx, e, ses.ID, next, []Hook{h}, nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func TestBacklogThatIsNotDueIsNotRead(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	s.backlog(2000, h, s.clock.Now().Add(time.Hour))
	e := s.record(s.session(), 1, h)
	w := watched{s.store, new(atomic.Int64), new(atomic.Int64)}
	opt := s.options(&receiver{}, h)
	opt.Store = w
	d := New(opt)
	if tally, err := d.Once(t.Context(), Scope{}); err != nil || tally.Delivered != 1 || tally.Pending != 4000 {
		t.Errorf("%+v, %v", tally, err)
	}
	// Seen, claimed; and none is left when its outcome is stored.
	if w.read.Load() != 2 || w.wrote.Load() != 2 || s.only(e.ID).State != store.DeliveryDelivered {
		t.Errorf("%d read, %d transactions", w.read.Load(), w.wrote.Load())
	}
}

func TestBacklogThatIsDueIsReadByThePage(t *testing.T) {
	s := newState(t)
	gone, stuck, free := closing("gone"), closing("stuck"), closing("free")
	s.backlog(500, gone, s.clock.Now().Add(-time.Hour))
	s.backlog(500, stuck, s.clock.Now().Add(-time.Hour))
	e := s.record(s.session(), 1, free)
	w := watched{s.store, new(atomic.Int64), new(atomic.Int64)}
	release, hung := make(chan struct{}), make(chan struct{})
	opt := s.options(&receiver{answer: func(_ context.Context, m Message) Outcome {
		if m.Hook.Name == "stuck" {
			<-hung
			return Outcome{Verdict: Interrupted}
		}
		close(release)
		return Outcome{Verdict: Accepted}
	}}, stuck, free)
	opt.Store = w
	end := running(t, New(opt))
	<-release
	eventually(t, "what comes behind the backlog is delivered", func() bool { return s.only(e.ID).State == store.DeliveryDelivered })
	n := w.read.Load()
	close(hung)
	end()
	// A page of each of the two, and the rest of one with it, when it looks and when it claims; then one that leaves out
	// what there is no room for, and one that finds that none is left.
	if n > 8*pageSize {
		t.Errorf("%d read", n)
	}
}

func TestWhatOthersWorkOnDoesNotHideWhatComesBehindIt(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	s.backlog(2*pageSize, h, s.clock.Now().Add(-time.Hour))
	s.update(func(tx store.Tx) error {
		all, err := tx.DueDeliveries(store.DueFilter{Now: s.clock.Now()})
		for _, d := range all {
			d.Owner, d.LeaseUntil = "prc_another", s.clock.Now().Add(time.Hour)
			err = errors.Join(err, tx.SaveDelivery(d))
		}
		return err
	})
	e := s.record(s.session(), 1, h)
	if tally := s.once(s.worker(&receiver{}, h)); tally.Delivered != 1 || s.only(e.ID).State != store.DeliveryDelivered {
		t.Errorf("%+v", tally)
	}
}

func TestHooksThatHangDoNotStarveAnother(t *testing.T) {
	s := newState(t)
	var hooks []Hook
	for i := range 5 {
		hooks = append(hooks, closing(fmt.Sprintf("stuck%d", i)))
		hooks[i].Concurrency = 40
		s.backlog(50, hooks[i], s.clock.Now().Add(-time.Hour))
	}
	free := closing("free")
	e := s.record(s.session(), 1, free)
	var mu sync.Mutex
	at := map[string]int{}
	abort := make(chan struct{})
	opt := s.options(&receiver{answer: func(ctx context.Context, m Message) Outcome {
		if m.Hook.Name == "free" {
			return Outcome{Verdict: Accepted}
		}
		mu.Lock()
		at[m.Hook.Name]++
		mu.Unlock()
		<-ctx.Done()
		return Outcome{Verdict: Interrupted}
	}}, append(hooks, free)...)
	opt.Abort = abort
	end := running(t, New(opt))
	eventually(t, "the last one is delivered", func() bool { return s.only(e.ID).State == store.DeliveryDelivered })
	close(abort)
	end()
	sum := 0
	for _, n := range at {
		sum += n
	}
	if len(at) != 5 || sum > maxTries+len(at) || slices.Max(slices.Collect(maps.Values(at))) > 40 {
		t.Errorf("%v run at once", at)
	}
}

// TestFailedStoreFreesThePlacesOfItsTries: else a hook could use up all of its places for ever.
func TestFailedStoreFreesThePlacesOfItsTries(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	s.backlog(4, h, s.clock.Now())
	m := &mortal{Store: s.store, left: -1}
	r := &receiver{}
	opt := s.options(r, h)
	opt.Store = m
	d := New(opt)
	r.answer = func(context.Context, Message) Outcome { m.die(); return Outcome{Verdict: Accepted} }
	if _, err := d.Once(t.Context(), Scope{}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.dead = false
	m.mu.Unlock()
	r.answer = nil
	s.clock.Advance(DefaultTimeout + leaseMargin)
	if tally := s.once(d); tally.Delivered != 8 {
		t.Errorf("%+v", tally)
	}
}

// worn is a store of which some rows cannot be read.
type worn struct {
	store.Store
	event id.Event
	hook  id.SessionHook
}

func (w worn) View(ctx context.Context, f func(store.Tx) error) error {
	return w.Store.View(ctx, func(tx store.Tx) error { return f(wornTx{tx, w}) })
}

func (w worn) Update(ctx context.Context, f func(store.Tx) error) error {
	return w.Store.Update(ctx, func(tx store.Tx) error { return f(wornTx{tx, w}) })
}

type wornTx struct {
	store.Tx
	worn worn
}

func (t wornTx) Event(e id.Event) (store.Event, error) {
	if e == t.worn.event {
		return store.Event{}, fmt.Errorf("body: %w", store.ErrDamaged)
	}
	return t.Tx.Event(e)
}

func (t wornTx) SessionHook(h id.SessionHook) (store.SessionHook, error) {
	if h == t.worn.hook {
		return store.SessionHook{}, fmt.Errorf("spec: %w", store.ErrDamaged)
	}
	return t.Tx.SessionHook(h)
}

// TestRowThatCannotBeReadHoldsUpNoOther: it comes first wherever one looks.
func TestRowThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session, other := s.session(), s.session()
	var given []id.SessionHook
	s.update(func(tx store.Tx) (err error) {
		given, err = Attach(tx, s.store.MAC, other, []Hook{{On: []event.On{event.OnClose}, Shell: "true", Dir: "/", UID: 1000, Host: "here"}})
		return err
	})
	lost := s.record(session, 1, h)
	sealed := s.record(other, 1)
	s.clock.Advance(time.Second)
	behind := s.record(session, 2, h)
	var reports []Report
	opt := s.options(&receiver{}, h)
	opt.Store, opt.Report = worn{s.store, lost.ID, given[0]}, func(r Report) { reports = append(reports, r) }
	if tally, err := New(opt).Once(t.Context(), Scope{}); err != nil || tally.Delivered != 1 || tally.Dead != 2 || tally.Pending != 0 {
		t.Errorf("%+v, %v", tally, err)
	}
	for _, e := range []event.Event{lost, sealed} {
		if d := s.only(e.ID); d.State != store.DeliveryDead || d.Error != "store_damaged" || d.Tries != 0 || d.Owner != "" {
			t.Errorf("%+v", d)
		}
	}
	if d := s.only(behind.ID); d.State != store.DeliveryDelivered || len(reports) != 3 {
		t.Errorf("%+v; reports %+v", d, reports)
	}
}

// shelf has hooks that a test changes.
type shelf struct {
	mu    sync.Mutex
	hooks []Hook
}

func (s *shelf) Hooks() []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hooks
}

func (s *shelf) put(hooks ...Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = hooks
}

func TestHooksAreThoseThatTheConfigHasAtEachTry(t *testing.T) {
	s := newState(t)
	old, changed := to("https://app.example.com/old"), to("https://app.example.com/new")
	e := s.record(s.session(), 1, old)
	config := &shelf{hooks: []Hook{old}}
	r := &receiver{answer: failing}
	opt := s.options(r)
	opt.Hooks = config
	d := New(opt)
	end := running(t, d)
	tried := func(n int) func() bool {
		return func() bool { return s.only(e.ID).Tries == n && s.clock.Waiting() == 1 }
	}
	eventually(t, "the first try", tried(1))
	config.put()
	s.clock.Advance(time.Second)
	eventually(t, "it looks again", func() bool { return s.clock.Waiting() == 1 })
	config.put(changed)
	s.clock.Advance(time.Second)
	eventually(t, "the second try", tried(2))
	end()
	got := r.messages()
	if len(got) != 2 || got[0].Hook.URL != old.URL || got[1].Hook.URL != changed.URL {
		t.Errorf("%+v", got)
	}
	required := changed
	required.Required = true
	config.put(required)
	if tally := s.once(d); !slices.Equal(tally.Unaccepted, []string{"app"}) {
		t.Errorf("%+v", tally)
	}
}

func TestOnceNamesTheRequiredHooksThatHaveNotAccepted(t *testing.T) {
	s := newState(t)
	dies, waits, takes, may := closing("dies"), closing("waits"), closing("takes"), closing("may")
	for _, h := range []*Hook{&dies, &waits, &takes} {
		h.Required = true
	}
	s.record(s.session(), 1, dies, waits, takes, may)
	d := s.worker(&receiver{answer: func(ctx context.Context, m Message) Outcome {
		switch m.Hook.Name {
		case "dies":
			return Outcome{Verdict: Gone, Error: "HTTP 410"}
		case "takes":
			return Outcome{Verdict: Accepted}
		}
		return failing(ctx, m)
	}}, dies, waits, takes, may)
	want := Tally{Delivered: 1, Dead: 1, Pending: 2, Unaccepted: []string{"dies", "waits"}}
	if diff := cmp.Diff(want, s.once(d)); diff != "" {
		t.Error(diff)
	}
	want = Tally{Pending: 2, Unaccepted: []string{"waits"}} // what died before is another's news
	if diff := cmp.Diff(want, s.once(d)); diff != "" {
		t.Error(diff)
	}
}

func TestOnceTellsWhatIsLeftWhenItIsCut(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	s.record(session, 1, h)
	ctx, cancel := context.WithCancel(t.Context())
	d := s.worker(&receiver{answer: func(context.Context, Message) Outcome { cancel(); return Outcome{Verdict: Interrupted} }}, h)
	if tally, err := d.Once(ctx, Scope{Session: session}); err != nil || tally.Pending != 1 {
		t.Errorf("%+v, %v", tally, err)
	}
}

func TestDrainWaitsForQuickTriesAlone(t *testing.T) {
	s := newState(t)
	good, bad, later, foreign := closing("good"), closing("bad"), closing("later"), closing("foreign")
	for _, h := range []*Hook{&good, &bad, &later, &foreign} {
		h.Required = true
	}
	session := s.session()
	s.record(session, 1, good, bad, later, foreign)
	s.record(s.session(), 1, bad)
	r := &receiver{answer: func(ctx context.Context, m Message) Outcome {
		switch m.Hook.Name {
		case "bad":
			return failing(ctx, m)
		case "later":
			return notNow(ctx, m)
		}
		return Outcome{Verdict: Accepted}
	}}
	began := s.clock.Now()
	got := make(chan Tally, 1)
	go func() {
		tally, err := s.worker(r, good, bad, later).Drain(context.Background(), Scope{Session: session}, time.Hour)
		if err != nil {
			t.Error(err)
		}
		got <- tally
	}()
	tally := s.pass(got)
	want := Tally{Delivered: 1, Pending: 2, Dead: 1, Unaccepted: []string{"bad", "later"}}
	if diff := cmp.Diff(want, tally); diff != "" {
		t.Error(diff)
	}
	if n, took := r.count(), s.clock.Now().Sub(began); n != 6 || took != 26*time.Second {
		t.Errorf("%d tries in %s", n, took)
	}
}

// pass lets the time pass for which a drain sleeps and nothing is under way, until its tally comes.
func (s *state) pass(got <-chan Tally) Tally {
	s.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case tally := <-got:
			return tally
		case <-limit.C:
			s.t.Fatal("the drain does not end")
		case <-tick.C:
		}
		// Its end and its next look wait for the clock. That it sleeps is looked at first: it claims nothing more then.
		owned := func(d store.Delivery) bool { return d.Owner != "" }
		if s.clock.Waiting() == 2 && !slices.ContainsFunc(s.deliveries(store.DeliveryFilter{}), owned) {
			s.clock.Advance(s.clock.Next())
		}
	}
}

func TestDrainBeginsNothingWhenItsTimeIsOver(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	first, second := s.record(session, 1, h), s.record(session, 2, h)
	r := &receiver{}
	if tally, err := s.worker(r, h).Drain(t.Context(), Scope{Session: session}, 0); err != nil || tally.Pending != 2 || r.count() != 0 {
		t.Errorf("no wait: %+v, %v, %d tries", tally, err, r.count())
	}
	over := make(chan struct{})
	r.answer = func(ctx context.Context, _ Message) Outcome {
		<-over
		return Outcome{Verdict: Accepted, Error: word(ctx)}
	}
	go func() { // the try ends long after the wait
		eventually(t, "the try runs", func() bool { return r.count() == 1 })
		s.clock.Advance(2 * time.Second)
		close(over)
	}()
	tally, err := s.worker(r, h).Drain(t.Context(), Scope{Session: session}, time.Second)
	if want := (Tally{Delivered: 1, Pending: 1}); err != nil || !cmp.Equal(want, tally) {
		t.Errorf("%+v, %v", tally, err)
	}
	if row := s.only(first.ID); row.Tries != 1 || row.State != store.DeliveryDelivered || row.Error != "" {
		t.Errorf("%+v", row)
	}
	if row := s.only(second.ID); row.Tries != 0 || row.Owner != "" || row.State != store.DeliveryPending {
		t.Errorf("%+v", row)
	}
}

// word says whether a try was told to stop.
func word(ctx context.Context) string {
	if ctx.Err() != nil {
		return "it was cut"
	}
	return ""
}

// Whoever ends first, a call or a try of it: the try is not cut, nor made again.
func TestTryThatHasBegunEndsThoughItsCallDoes(t *testing.T) {
	calls := map[string]func(context.Context, *Dispatcher, Scope) error{
		"Run":  func(ctx context.Context, d *Dispatcher, s Scope) error { return d.Run(ctx, s) },
		"Once": func(ctx context.Context, d *Dispatcher, s Scope) error { _, err := d.Once(ctx, s); return err },
		"Drain": func(ctx context.Context, d *Dispatcher, s Scope) error {
			_, err := d.Drain(ctx, s, time.Hour)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			h := closing("journal")
			session := s.session()
			first, second := s.record(session, 1, h), s.record(session, 2, h)
			ctx, cancel := context.WithCancel(t.Context())
			r := &receiver{}
			r.answer = func(ctx context.Context, _ Message) Outcome {
				cancel()
				return Outcome{Verdict: Accepted, Error: word(ctx)}
			}
			d := s.worker(r, h)
			if err := call(ctx, d, Scope{Session: session}); err != nil {
				t.Fatal(err)
			}
			if row := s.only(first.ID); row.State != store.DeliveryDelivered || row.Tries != 1 || row.Error != "" {
				t.Errorf("%+v", row)
			}
			if row := s.only(second.ID); row.State != store.DeliveryPending || row.Owner != "" || r.count() != 1 {
				t.Errorf("%d tries, %+v", r.count(), row)
			}
		})
	}
}

// What came of a try is stored when it ends, not when the last one does: a death repeats the others alone.
func TestOutcomeIsStoredWhileAnotherTryStillRuns(t *testing.T) {
	s := newState(t)
	slow, quick := closing("slow"), closing("quick")
	e := s.record(s.session(), 1, slow, quick)
	release, began := make(chan struct{}), make(chan struct{}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	r := &receiver{answer: func(_ context.Context, m Message) Outcome {
		began <- struct{}{}
		if m.Hook.Name == "slow" {
			<-release
		} else {
			<-ctx.Done()
		}
		return Outcome{Verdict: Accepted}
	}}
	done := make(chan error, 1)
	go func() { done <- s.worker(r, slow, quick).Run(ctx, Scope{}) }()
	<-began
	<-began
	cancel()
	eventually(t, "the quick one is delivered", func() bool {
		return len(s.deliveries(store.DeliveryFilter{Event: e.ID, State: store.DeliveryDelivered})) == 1
	})
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The tries of a session count in its tally, whichever loop of the process began them.
func TestDrainWaitsForTheTriesOfOtherLoops(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	s.record(session, 1, h)
	ctx, rest := context.WithCancel(t.Context())
	release := make(chan struct{})
	r := &receiver{answer: func(context.Context, Message) Outcome { <-release; return Outcome{Verdict: Accepted} }}
	d := s.worker(r, h)
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, Scope{}) }()
	eventually(t, "the try runs", func() bool { return r.count() == 1 })
	rest()
	go func() {
		for range 1000 {
			runtime.Gosched() // time for a Drain that does not wait
		}
		close(release)
	}()
	if tally, err := d.Drain(t.Context(), Scope{Session: session}, 0); err != nil || tally.Delivered != 1 {
		t.Errorf("%+v, %v", tally, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAbortStopsWhatRuns(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	r := &receiver{answer: func(ctx context.Context, _ Message) Outcome { <-ctx.Done(); return Outcome{Verdict: Interrupted} }}
	abort := make(chan struct{})
	opt := s.options(r, h)
	opt.Abort = abort
	end := running(t, New(opt))
	eventually(t, "the try runs", func() bool { return r.count() == 1 })
	close(abort)
	end()
	if row := s.only(e.ID); row.Tries != 0 || row.Owner != "" || row.State != store.DeliveryPending {
		t.Errorf("%+v", row)
	}
}

func TestWakeBringsWhatWasJustRecorded(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	r := &receiver{}
	d := s.worker(r, h)
	end := running(t, d)
	eventually(t, "it sleeps", func() bool { return s.clock.Waiting() == 1 })
	session := s.session()
	s.record(session, 1, h)
	d.Wake()
	eventually(t, "it came", func() bool { return r.count() == 1 })
	tally, err := d.Drain(t.Context(), Scope{Session: session}, time.Minute)
	if err != nil || tally.Delivered != 1 {
		t.Errorf("beside run: %+v, %v", tally, err)
	}
	end()
}

func TestDrainBringsAnEventOutsideOfASession(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	h.Required = true
	mine, other := s.record("", 1, h), s.record("", 1, h)
	r := &receiver{}
	tally, err := s.worker(r, h).Drain(t.Context(), Scope{Event: mine.ID}, time.Minute)
	if diff := cmp.Diff(Tally{Delivered: 1}, tally); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if s.only(other.ID).State != store.DeliveryPending {
		t.Error("brought another's")
	}
}

func TestReportTellsOfEachTry(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	session := s.session()
	e := s.record(session, 1, h)
	var reports []string
	opt := s.options(&receiver{answer: func(_ context.Context, m Message) Outcome {
		if m.Try == 1 {
			return Outcome{Error: "exit status 1", Output: []byte("oh\x1b[2J\nno\n")}
		}
		return Outcome{Verdict: Accepted}
	}}, h)
	opt.Report = func(r Report) {
		if r.Event != e.ID || r.Session != session || r.Hook != "journal" || r.Type != "session.closed" {
			t.Errorf("%+v", r)
		}
		reports = append(reports, fmt.Sprintf("%d %s %q %q %s", r.Try, r.State, r.Error, r.Lines, r.Next.Sub(s.clock.Now())))
	}
	d := New(opt)
	s.once(d)
	s.clock.Advance(time.Second)
	s.once(d)
	want := []string{`1 pending "exit status 1" ["oh[2J" "no"] 1s`, `2 delivered "" [] 0s`}
	if diff := cmp.Diff(want, reports); diff != "" {
		t.Error(diff)
	}
}
