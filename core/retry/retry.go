// Package retry has the two schedules of tries that the product knows: the quick one, for which a person waits, and the
// long one, which a worker follows over days. Deliveries and revocations share them.
package retry

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Quick returns the waits before each quick try: 0, 1, 5 and 20 s.
func Quick() []time.Duration {
	return []time.Duration{0, time.Second, 5 * time.Second, 20 * time.Second}
}

// Long returns the waits before each try of the long schedule, from 5 minutes to a day, without jitter.
func Long() []time.Duration {
	return []time.Duration{
		5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour,
		24 * time.Hour,
	}
}

// LongTotal is the time that the long schedule takes in all, without jitter.
func LongTotal() time.Duration {
	var sum time.Duration
	for _, d := range Long() {
		sum += d
	}
	return sum
}

// Horizon is later than any wait that a schedule sets, jitter and what a receiver may ask for included. A due time further ahead
// was written by a clock that has been set back since: it counts as now.
func Horizon() time.Duration {
	return slices.Max(Long()) * 5 / 4
}

// Jitter moves a wait by up to 10 % either way, so that what failed together is not tried again together, and cuts it to
// milliseconds. random gives numbers in [0, 1); nil takes the machine's.
func Jitter(d time.Duration, random func() float64) time.Duration {
	if random == nil {
		random = rand.Float64
	}
	return time.Duration(float64(d) * (0.9 + 0.2*random())).Truncate(time.Millisecond)
}
