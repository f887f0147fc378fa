package hook

import (
	"context"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// steady says that the clock has gone on without a jump for an hour.
func (s *state) steady() {
	s.t.Helper()
	now := s.clock.Now()
	s.update(func(tx store.Tx) error {
		return tx.SaveClockMark(store.ClockMark{At: now, Since: now.Add(-time.Hour)})
	})
}

// TestDueTimeOfAClockAYearAheadCountsAsNow: a delivery failed while the clock was wrong.
func TestDueTimeOfAClockAYearAheadCountsAsNow(t *testing.T) {
	for name, scope := range map[string]func(id.Session) Scope{
		"all":     func(id.Session) Scope { return Scope{} },
		"session": func(session id.Session) Scope { return Scope{Session: session} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newState(t)
			h := closing("notify")
			session := s.session()
			first, second := s.record(session, 1, h), s.record(session, 2, h)
			r := &receiver{answer: func(context.Context, Message) Outcome { return Outcome{Verdict: NotNow, Error: "x"} }}
			s.clock.Set(s.clock.Now().Add(365 * 24 * time.Hour))
			s.once(s.worker(r, h))
			s.clock.Set(s.clock.Now().Add(time.Minute - 365*24*time.Hour))
			r.answer = nil
			if tally, err := s.worker(r, h).Once(t.Context(), scope(session)); err != nil || tally.Delivered != 2 {
				t.Fatalf("%+v, %v", tally, err)
			}
			for _, e := range []event.Event{first, second} {
				if d := s.only(e.ID); d.State != store.DeliveryDelivered {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

func TestDueTimeOfTheScheduleIsWaitedFor(t *testing.T) {
	s := newState(t)
	h := closing("notify")
	e := s.record(s.session(), 1, h)
	asks := Outcome{Verdict: Undelivered, Error: "x", RetryAfter: maxRetryAfter}
	r := &receiver{answer: func(context.Context, Message) Outcome { return asks }}
	s.once(s.worker(r, h))
	if s.once(s.worker(r, h)); s.only(e.ID).Tries != 1 {
		t.Errorf("tried %d times", s.only(e.ID).Tries)
	}
}

// TestAClockThatJumpsAheadBuriesNothing: forty days ahead, in one run or in several of the same hour.
func TestAClockThatJumpsAheadBuriesNothing(t *testing.T) {
	s := newState(t)
	e := s.record(s.session(), 1, closing("journal"))
	s.steady()
	s.clock.Advance(40 * 24 * time.Hour)
	stranger := s.worker(&receiver{})
	for range 3 {
		if tally := s.once(stranger); tally.Dead != 0 {
			t.Fatalf("%+v", tally)
		}
		s.clock.Advance(time.Minute)
	}
	s.clock.Advance(time.Hour) // it goes on like that
	if s.once(stranger); s.only(e.ID).Error != NotConfigured {
		t.Errorf("%+v", s.only(e.ID))
	}
}
