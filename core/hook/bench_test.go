package hook

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// state is a real state with a clock that stands still, and the processes that work on it.
type state struct {
	t     testing.TB
	store store.Store
	clock *clocktest.Fake

	mu   sync.Mutex
	dead map[id.Process]bool
}

func newState(t testing.TB) *state {
	t.Helper()
	return &state{
		t: t, store: openStore(t, t.TempDir()), dead: make(map[id.Process]bool),
		clock: clocktest.New(time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)),
	}
}

func openStore(t testing.TB, dir string) store.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *state) update(f func(store.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *state) view(f func(store.Tx) error) {
	s.t.Helper()
	if err := s.store.View(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *state) session() id.Session {
	s.t.Helper()
	session := id.New[id.Session]()
	s.update(func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, "demo", "alice")
		if err != nil {
			return err
		}
		return tx.InsertSession(store.Session{
			ID: session, TokenKey: []byte(session), User: u.HumanID, OpenedAt: s.clock.Now(),
			EndsAt: s.clock.Now().Add(time.Hour), EndReason: store.EndExpired, Owner: "prc_front", Epoch: 1,
		})
	})
	return session
}

func anEvent(session id.Session, sequence int64, typ event.Type) event.Event {
	e := event.Event{Type: typ, ID: id.New[id.Event](), Sequence: sequence, Response: event.Response{Status: event.Success}}
	if session != "" {
		e.SessionID = &session
	}
	return e
}

// record writes the closing event of a session for hooks.
func (s *state) record(session id.Session, sequence int64, hooks ...Hook) event.Event {
	s.t.Helper()
	e := anEvent(session, sequence, event.SessionClosed)
	s.update(func(tx store.Tx) error { return Record(tx, e, session, s.clock.Now(), hooks, nil) })
	return e
}

func (s *state) deliveries(f store.DeliveryFilter) []store.Delivery {
	s.t.Helper()
	var all []store.Delivery
	s.view(func(tx store.Tx) (err error) { all, err = tx.Deliveries(f); return err })
	return all
}

// only returns the one delivery of an event.
func (s *state) only(e id.Event) store.Delivery {
	s.t.Helper()
	all := s.deliveries(store.DeliveryFilter{Event: e})
	if len(all) != 1 {
		s.t.Fatalf("%d deliveries", len(all))
	}
	return all[0]
}

func (s *state) kill(p id.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead[p] = true
}

// member is one process of the state, as its Liveness sees it.
type member struct {
	*state
	self id.Process
}

func (p member) Self() id.Process { return p.self }

func (p member) Alive(other id.Process) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead[other], nil
}

// worker returns the dispatcher of a new process.
func (s *state) worker(sender Sender, hooks ...Hook) *Dispatcher {
	return New(s.options(sender, hooks...))
}

func (s *state) options(sender Sender, hooks ...Hook) Options {
	return Options{
		Store: s.store, Hooks: Fixed(hooks), Liveness: member{state: s, self: id.New[id.Process]()}, Clock: s.clock,
		Sender: sender, FlagHooks: true, UID: 1000, Host: "here", Random: func() float64 { return 0.5 },
	}
}

// onSystemClock is the same with the clock of the machine.
func (s *state) onSystemClock(sender Sender, hooks ...Hook) *Dispatcher {
	opt := s.options(sender, hooks...)
	opt.Clock = clock.System()
	return New(opt)
}

func (s *state) once(d *Dispatcher) Tally {
	s.t.Helper()
	t, err := d.Once(context.Background(), Scope{})
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// receiver is a hook's other end: it keeps what it got and answers as told.
type receiver struct {
	answer func(ctx context.Context, m Message) Outcome

	mu  sync.Mutex
	got []Message
}

func (r *receiver) Send(ctx context.Context, m Message) Outcome {
	r.mu.Lock()
	r.got = append(r.got, m)
	r.mu.Unlock()
	if r.answer == nil {
		return Outcome{Verdict: Accepted}
	}
	return r.answer(ctx, m)
}

func (r *receiver) messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.got...)
}

func (r *receiver) count() int { return len(r.messages()) }

func failing(context.Context, Message) Outcome { return Outcome{Error: "exit status 1"} }

func notNow(context.Context, Message) Outcome { return Outcome{Verdict: NotNow, Error: "later"} }

func closing(name string) Hook { return Hook{Name: name, On: []event.On{event.OnClose}, Shell: "true"} }

// patience is how long a test waits for what should come soon, on a machine that has much else to do.
const patience = time.Minute

// eventually polls for what another goroutine does.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// running starts Run and returns a function that ends it.
func running(t testing.TB, d *Dispatcher) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, Scope{}) }()
	var once sync.Once
	end := func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("run does not end")
			}
		})
	}
	t.Cleanup(end)
	return end
}

var errKilled = errors.New("killed")

func realShell() Shell { return Shell{Environ: environ(), Clock: clock.System()} }
