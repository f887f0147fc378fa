// Package clocktest has a clock that a test moves.
package clocktest

import (
	"sync"
	"time"
)

// Fake is a clock that stands still until Advance. Use New.
type Fake struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*timer]struct{}
}

type timer struct {
	at time.Time
	ch chan time.Time
}

// New returns a fake clock that stands at the given time.
func New(at time.Time) *Fake {
	return &Fake{now: at.UTC().Truncate(time.Millisecond), timers: make(map[*timer]struct{})}
}

// Now implements clock.Clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// After implements clock.Clock.
func (f *Fake) After(d time.Duration) (<-chan time.Time, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &timer{at: f.now.Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		t.ch <- f.now
		return t.ch, func() {}
	}
	f.timers[t] = struct{}{}
	return t.ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.timers, t)
	}
}

// Advance moves the clock and fires the timers that are due.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	for t := range f.timers {
		if !t.at.After(f.now) {
			t.ch <- f.now
			delete(f.timers, t)
		}
	}
}

// Set gives the clock another time, as an administrator does. Timers are not concerned: they fire after as long a time as before.
func (f *Fake) Set(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	moved := at.UTC().Truncate(time.Millisecond).Sub(f.now)
	f.now = f.now.Add(moved)
	for t := range f.timers {
		t.at = t.at.Add(moved)
	}
}

// Next returns how long it is until the first timer fires; 0 if none waits.
func (f *Fake) Next() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var next time.Duration
	for t := range f.timers {
		if left := t.at.Sub(f.now); next == 0 || left < next {
			next = left
		}
	}
	return next
}

// Waiting returns how many timers wait, so that a test knows when to advance.
func (f *Fake) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.timers)
}
