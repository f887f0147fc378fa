package hook

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// mortal is the store as a process sees it that may die at any commit.
type mortal struct {
	store.Store
	mu sync.Mutex
	// left counts the commits until the process dies, right after one; negative: it does not.
	left int
	dead bool
}

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) View(ctx context.Context, f func(store.Tx) error) error {
	if m.isDead() {
		return errKilled
	}
	return m.Store.View(ctx, f)
}

func (m *mortal) Update(ctx context.Context, f func(store.Tx) error) error {
	if m.isDead() {
		return errKilled
	}
	if err := m.Store.Update(ctx, f); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--
	m.dead = m.dead || m.left == 0
	if m.dead {
		return errKilled
	}
	return nil
}

// fate is what happens to a try.
type fate string

const (
	accepts         fate = "accepts"
	fails           fate = "fails"
	defers          fate = "defers"
	diesBeforeSend  fate = "dies before it sends"
	diesBeforeReply fate = "dies before the answer"
)

// world is the model: what was recorded, and what the receivers got.
type world struct {
	*state
	hooks []Hook

	mu       sync.Mutex
	busy     map[string]bool
	accepted map[string]int
	wrong    []string
}

func (w *world) sender(m *mortal, fates []fate) *receiver {
	n := 0
	return &receiver{answer: func(_ context.Context, msg Message) Outcome {
		w.check(msg)
		w.mu.Lock()
		defer w.mu.Unlock()
		lane := msg.Hook.Name + string(msg.Event.Session)
		defer delete(w.busy, lane)
		f := fates[n%len(fates)]
		n++
		if f == diesBeforeSend || f == diesBeforeReply {
			m.die()
		}
		switch f {
		case accepts, diesBeforeReply:
			w.accepted[msg.Hook.Name+string(msg.Event.ID)]++
			return Outcome{Verdict: Accepted}
		case defers:
			return Outcome{Verdict: NotNow, Error: "later"}
		}
		return Outcome{Error: "exit status 1"}
	}}
}

// check holds the order: at the moment of a try nothing earlier of its lane is pending, and nothing of it is under way.
func (w *world) check(msg Message) {
	if msg.Event.Session == "" {
		return
	}
	var earlier []store.Delivery
	err := w.store.View(context.Background(), func(tx store.Tx) (err error) {
		earlier, err = tx.Deliveries(store.DeliveryFilter{Session: msg.Event.Session, Hook: msg.Hook.Name, State: store.DeliveryPending})
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.wrong = append(w.wrong, err.Error())
	}
	for _, d := range earlier {
		if d.Sequence < msg.Event.Sequence {
			w.wrong = append(w.wrong, "an earlier event of the lane is pending")
		}
	}
	lane := msg.Hook.Name + string(msg.Event.Session)
	if w.busy[lane] {
		w.wrong = append(w.wrong, "two tries of one lane at once")
	}
	w.busy[lane] = true
}

// work lets one process bring what is due, and bury it if it died of that.
func (w *world) work(rt *rapid.T, fates []fate, commits int) {
	m := &mortal{Store: w.store, left: commits}
	opt := w.options(w.sender(m, fates), w.hooks...)
	opt.Store = m
	_, err := New(opt).Once(context.Background(), Scope{})
	if err != nil && !errors.Is(err, errKilled) {
		rt.Fatal(err)
	}
	w.kill(opt.Liveness.Self())
	for _, wrong := range w.wrong {
		rt.Fatal(wrong)
	}
}

func TestNoDeliveryIsLostAndEachLaneKeepsItsOrder(t *testing.T) {
	var s *state
	clean := false // a state that a failed run left half done would mislead the next one
	rapid.Check(t, func(rt *rapid.T) {
		if !clean {
			s = newState(t)
		}
		clean = false
		w := &world{
			state: s, hooks: []Hook{closing("one"), closing("two")},
			busy: make(map[string]bool), accepted: make(map[string]int),
		}
		sessions := []id.Session{w.session(), w.session(), ""}
		sequence := make(map[id.Session]int64)
		var recorded []event.Event
		anyFate := rapid.SampledFrom([]fate{accepts, accepts, fails, defers, diesBeforeSend, diesBeforeReply})
		rt.Repeat(map[string]func(*rapid.T){
			"record": func(rt *rapid.T) {
				session := rapid.SampledFrom(sessions).Draw(rt, "session")
				sequence[session]++
				recorded = append(recorded, w.record(session, max(1, sequence[session]), w.hooks...))
			},
			"work": func(rt *rapid.T) {
				w.work(rt, rapid.SliceOfN(anyFate, 1, 6).Draw(rt, "fates"), rapid.IntRange(-1, 4).Draw(rt, "commits"))
			},
			"wait": func(rt *rapid.T) {
				w.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, 6 * time.Minute, 26 * time.Hour}).Draw(rt, "wait"))
			},
		})
		w.clock.Advance(26 * time.Hour)
		for rounds := 0; len(w.deliveries(store.DeliveryFilter{State: store.DeliveryPending})) > 0; rounds++ {
			if rounds > 20 {
				rt.Fatal("something is pending for ever")
			}
			w.work(rt, []fate{accepts}, -1)
			w.clock.Advance(26 * time.Hour)
		}
		w.settled(rt, recorded)
		clean = true
	})
}

// settled checks that each event came to an end at each hook, and that the end is true.
func (w *world) settled(rt *rapid.T, recorded []event.Event) {
	for _, e := range recorded {
		all := w.deliveries(store.DeliveryFilter{Event: e.ID})
		if len(all) != len(w.hooks) {
			rt.Fatalf("%d deliveries of an event", len(all))
		}
		for _, d := range all {
			got := w.accepted[d.Hook+string(e.ID)]
			usedUp := d.Tries-d.Deferred == len(schedule.Quick()) || d.Deferred == len(schedule.Long())
			if d.State == store.DeliveryDelivered && got == 0 {
				rt.Fatal("delivered, but nobody got it")
			}
			if d.State == store.DeliveryDead && !usedUp {
				rt.Fatalf("dead before its tries were used up: %+v", d)
			}
		}
	}
}
