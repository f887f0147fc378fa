package store

import (
	"errors"
	"time"
)

const (
	// maxClockGap is how far apart two marks of a clock may be that goes on steadily. It is shorter than the time after which
	// anything is given up for good.
	maxClockGap = 72 * time.Hour
	// minSteady is how long a clock goes on steadily before it is believed; a mark is no older than that.
	minSteady = time.Hour
)

// ClockMark is what the clock of the machine said when it was last asked for, and since when it has gone on steadily.
type ClockMark struct{ At, Since time.Time }

// ClockTx keeps the mark.
type ClockTx interface {
	// ClockMark returns [ErrNotFound] before the first SaveClockMark.
	ClockMark() (ClockMark, error)
	SaveClockMark(ClockMark) error
}

// ClockCheck says whether a clock may be believed.
type ClockCheck struct {
	// Steady: it has gone on for an hour without a jump of days, or back. Only then may something be deleted, or given up for
	// good, because of its age.
	Steady bool
	// Save says that Next is to be saved, for the next one who asks.
	Save bool
	Next ClockMark
}

// CheckClock compares now with the mark. It writes nothing.
func CheckClock(tx ClockTx, now time.Time) (ClockCheck, error) {
	m, err := tx.ClockMark()
	gap := now.Sub(m.At)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && (gap < -minSteady || gap > maxClockGap):
		return ClockCheck{Save: true, Next: ClockMark{At: now, Since: now}}, nil
	case err != nil:
		return ClockCheck{}, err
	}
	return ClockCheck{
		Steady: now.Sub(m.Since) >= minSteady, Save: gap >= minSteady, Next: ClockMark{At: now, Since: m.Since},
	}, nil
}
