package storetest

import (
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

func clockTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"MarkIsOneRow":                   clockMark,
		"AClockThatJumpsIsNotSteady":     jumpingClock,
		"AClockIsSteadyAfterAnHourOfUse": steadyClock,
	}
}

func clockMark(s *suite) {
	s.missing(map[string]func(store.Tx) error{"none yet": func(tx store.Tx) error { return drop(tx.ClockMark()) }})
	complete(s, store.ClockMark{At: at(2), Since: at(1)})
	for n := range 3 {
		s.update(func(tx store.Tx) error { return tx.SaveClockMark(store.ClockMark{At: at(n + 1), Since: at(n)}) })
	}
	s.view(func(tx store.Tx) error {
		got, err := tx.ClockMark()
		same(s, "mark", got, store.ClockMark{At: at(3), Since: at(2)})
		return err
	})
}

// steadyAt asks as those who delete do.
func (s *suite) steadyAt(now time.Time) (steady bool) {
	s.Helper()
	s.update(func(tx store.Tx) error {
		c, err := store.CheckClock(tx, now)
		if steady = c.Steady; err != nil || !c.Save {
			return err
		}
		return tx.SaveClockMark(c.Next)
	})
	return steady
}

func steadyClock(s *suite) {
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {time.Minute, false}, {time.Hour - time.Millisecond, false}, {time.Hour, true}, {25 * time.Hour, true}, {97 * time.Hour, true}} {
		if got := s.steadyAt(at(0).Add(c.after)); got != c.want {
			s.Errorf("after %s: %v", c.after, got)
		}
	}
}

func jumpingClock(s *suite) {
	for _, now := range []time.Time{at(0), at(0).Add(2 * time.Hour)} {
		s.steadyAt(now)
	}
	ahead := at(0).Add(40 * 24 * time.Hour)
	for _, now := range []time.Time{ahead, ahead.Add(time.Minute), at(0).Add(3 * time.Hour), at(0).Add(3*time.Hour + time.Minute)} {
		if s.steadyAt(now) {
			s.Errorf("steady at %s", now)
		}
	}
	if !s.steadyAt(at(0).Add(4 * time.Hour)) {
		s.Error("not believed for good")
	}
}
