// Package clock is an injectable clock: the time of core, which a test can set.
package clock

import "time"

// Clock tells the time and wakes its callers. It is safe for concurrent use.
type Clock interface {
	// Now is the time in UTC, cut to milliseconds.
	Now() time.Time
	// After returns a channel that gets one value after d, and a function that gives the timer back.
	After(d time.Duration) (<-chan time.Time, func())
}

// System returns the clock of the machine.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (system) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
