package hook

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
)

func TestWhatIsReadForADeliveryDoesNotGrowWithTheBacklog(t *testing.T) {
	each := func(n int) float64 {
		s := newState(t)
		h, slow := closing("journal"), closing("slow")
		s.backlog(n, slow, s.clock.Now().Add(-2*time.Hour)) // older, and never done
		s.backlog(n, h, s.clock.Now().Add(-time.Hour))
		w := watched{s.store, new(atomic.Int64), new(atomic.Int64)}
		abort := make(chan struct{})
		var accepted atomic.Int64
		opt := s.options(&receiver{answer: func(ctx context.Context, m Message) Outcome {
			if m.Hook.Name == "slow" {
				<-ctx.Done()
				return Outcome{Verdict: Interrupted}
			}
			accepted.Add(1)
			return Outcome{Verdict: Accepted}
		}}, h, slow)
		opt.Store, opt.Abort = w, abort
		end := running(t, New(opt))
		eventually(t, "the backlog is delivered", func() bool { return accepted.Load() == 2*int64(n) })
		read := w.read.Load()
		close(abort)
		end()
		return float64(read) / float64(2*n)
	}
	few, many := each(200), each(1500)
	if many > 1.3*few {
		t.Errorf("%.1f rows are read for each of few, %.1f for each of many", few, many)
	}
}

// crowd counts what runs at once of each hook, and holds it until it is let go.
type crowd struct {
	mu    sync.Mutex
	runs  map[string]int
	most  map[string]int
	leave chan struct{}
	// atFirst is how many ran at most before the first one left.
	atFirst int
	left    bool
}

func newCrowd() *crowd {
	return &crowd{runs: make(map[string]int), most: make(map[string]int), leave: make(chan struct{})}
}

func (c *crowd) Send(_ context.Context, m Message) Outcome {
	name := m.Hook.Name
	if IsGiven(name) {
		name = m.Hook.URL
	}
	c.mu.Lock()
	c.runs[name]++
	c.most[name] = max(c.most[name], c.runs[name])
	if !c.left {
		c.atFirst = max(c.atFirst, c.runs[name])
	}
	c.mu.Unlock()
	<-c.leave
	c.mu.Lock()
	c.left = true
	c.runs[name]--
	c.mu.Unlock()
	return Outcome{Verdict: Accepted}
}

func (c *crowd) running(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[name]
}

func TestAsManyTriesRunAtOnceAsTheHookAllows(t *testing.T) {
	s := newState(t)
	line, url, two := closing("line"), Hook{Name: "url", On: []event.On{event.OnClose}, URL: "https://app.example.com/a"}, closing("two")
	two.Concurrency = 2
	flag := "https://app.example.com/flag"
	s.lanes(3*DefaultConcurrency, line, url, two)
	for range 2 * DefaultConcurrency { // flags of many sessions lead to one place
		session := s.session()
		s.attach(session, parse(t, event.OnClose, flag, place(t)))
		s.change(session, event.SessionClosed)
	}
	c := newCrowd()
	d := s.worker(c, line, url, two)
	end := running(t, d)
	want := map[string]int{"line": DefaultCommandConcurrency, "url": DefaultConcurrency, "two": 2, flag: DefaultConcurrency}
	for name, n := range want {
		eventually(t, fmt.Sprintf("%d of %s run", n, name), func() bool { return c.running(name) == n })
	}
	close(c.leave)
	eventually(t, "all are delivered", func() bool {
		return len(s.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered})) == 3*3*DefaultConcurrency+2*DefaultConcurrency
	})
	end()
	for name, n := range want {
		if c.most[name] > n {
			t.Errorf("%d tries of %s ran at once, want %d at most", c.most[name], name, n)
		}
	}
}

func TestHookThatHangsIsTriedOnceAtATimeUntilItAnswers(t *testing.T) {
	s := newState(t)
	h := closing("app")
	s.lanes(3*DefaultCommandConcurrency, h)
	var hung atomic.Bool
	first := s.options(&receiver{answer: func(ctx context.Context, m Message) Outcome {
		if hung.CompareAndSwap(false, true) {
			return hanging(ctx, m)
		}
		<-ctx.Done()
		return Outcome{Verdict: Interrupted}
	}}, h)
	abort := make(chan struct{})
	first.Abort = abort
	first.Hooks.(Fixed)[0].Concurrency = 1
	end := running(t, New(first))
	eventually(t, "it is known that it hangs", func() bool {
		var found bool
		s.view(func(tx store.Tx) (err error) { _, found, err = FindPause(tx, s.store.MAC, h); return err })
		return found
	})
	close(abort)
	end()
	c := newCrowd()
	stop := running(t, s.worker(c, h))
	eventually(t, "one try runs", func() bool { return c.running("app") == 1 })
	c.leave <- struct{}{}
	eventually(t, "it answers, and as many run as ever", func() bool { return c.running("app") == DefaultCommandConcurrency })
	close(c.leave)
	stop()
	if c.atFirst != 1 {
		t.Errorf("%d tries ran at once before it had answered", c.atFirst)
	}
}

func TestManyTargetsAreAskedInTurn(t *testing.T) {
	s := newState(t)
	const targets = 3 * walkSize
	for i := range targets { // as of an application whose URLs name the session
		session := s.session()
		s.attach(session, parse(t, event.OnClose, fmt.Sprintf("https://app.example.com/%d", i), place(t)))
		s.change(session, event.SessionClosed)
	}
	h := closing("journal")
	s.backlog(pageSize, h, s.clock.Now().Add(-time.Hour))
	r := &receiver{}
	if tally := s.once(s.worker(r, h)); tally.Delivered != targets+2*pageSize || tally.Pending != 0 {
		t.Errorf("%+v", tally)
	}
}

func TestWhatIsLeftToOthersIsNotReadAgainAndAgain(t *testing.T) {
	s := newState(t)
	at := place(t)
	at.UID++
	for range 2 * pageSize {
		session := s.session()
		s.attach(session, parse(t, event.OnClose, "cat", at))
		s.change(session, event.SessionClosed)
	}
	h := closing("journal")
	s.backlog(pageSize, h, s.clock.Now())
	w := watched{s.store, new(atomic.Int64), new(atomic.Int64)}
	opt := s.options(&receiver{}, h)
	opt.Store = w
	tally, err := New(opt).Once(t.Context(), Scope{})
	if err != nil || tally.Delivered != 2*pageSize || tally.Pending != 2*pageSize {
		t.Errorf("%+v, %v", tally, err)
	}
	// Each pass reads the page of what has been due for the longest when it has found nothing else; the others are read once.
	if passes := w.wrote.Load(); w.read.Load() > passes*(pageSize+2*DefaultConcurrency)+2*2*pageSize {
		t.Errorf("%d rows are read in %d passes", w.read.Load(), passes)
	}
}
