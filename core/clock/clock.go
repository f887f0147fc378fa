// Package clock is an injectable clock: the time of core, which a test can set.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and wakes its callers. It is safe for concurrent use.
type Clock interface {
	// Now is the time in UTC, cut to milliseconds. That of [System] never goes back.
	Now() time.Time
	// After returns a channel that gets one value after d, and a function that gives the timer back.
	After(d time.Duration) (<-chan time.Time, func())
}

// System returns the clock of the machine. Where that is set back, Now goes on from where it was, by the monotonic clock, as long
// as the process lives, so that nothing that it waits for is put off. Where it is set forward, Now follows.
func System() Clock { return &system{wall: time.Now} }

type system struct {
	// wall is time.Now: its times have a monotonic reading.
	wall func() time.Time

	mu sync.Mutex
	// latest is the time that was furthest ahead, with the monotonic reading of then.
	latest, read time.Time
}

func (s *system) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.wall()
	ahead := now.Round(0) // without the monotonic reading
	if !s.read.IsZero() {
		if steady := s.latest.Add(now.Sub(s.read)); steady.After(ahead) {
			ahead = steady
		}
	}
	s.latest, s.read = ahead, now
	return ahead.UTC().Truncate(time.Millisecond)
}

func (*system) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
