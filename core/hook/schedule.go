package hook

import (
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// The quick tries come so long after the one before; the first at once.
func quick() []time.Duration {
	return []time.Duration{0, time.Second, 5 * time.Second, 20 * time.Second}
}

// longestQuick is the longest wait between quick tries. Who waits longer waits for the long schedule.
const longestQuick = 20 * time.Second

// Long is the long schedule, of hooks that answer "not now", of URLs after the quick tries, and of revocations: the wait before each further try,
// ± 10 %.
func Long() []time.Duration {
	return []time.Duration{
		5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// longTotal is how long the long schedule takes.
func longTotal() time.Duration {
	var sum time.Duration
	for _, d := range Long() {
		sum += d
	}
	return sum
}

// apply writes into the row what came of a try at now. random is in [0, 1).
func apply(d *store.Delivery, o Outcome, now time.Time, random float64) {
	d.Owner, d.LeaseUntil = "", time.Time{}
	if o.Verdict == Interrupted {
		return
	}
	d.Tries++
	d.Error = o.Error
	switch o.Verdict {
	case Accepted:
		end(d, store.DeliveryDelivered, now)
	case NotNow:
		deferTry(d, now, random)
	case Unwanted:
		end(d, store.DeliveryDead, now)
	case Undelivered:
		if !retry(d, now) {
			deferTry(d, now, random)
		}
	default:
		if !retry(d, now) {
			end(d, store.DeliveryDead, now)
		}
	}
	if asked := now.Add(o.RetryAfter); d.State == store.DeliveryPending && d.NextAt.Before(asked) {
		d.NextAt = asked
	}
}

// retry plans the next quick try, and says false if there is none.
func retry(d *store.Delivery, now time.Time) bool {
	waits := quick()
	made := d.Tries - d.Deferred
	if made >= len(waits) {
		return false
	}
	d.NextAt = now.Add(waits[made])
	return true
}

func deferTry(d *store.Delivery, now time.Time, random float64) {
	waits := Long()
	if d.Deferred >= len(waits) {
		end(d, store.DeliveryDead, now)
		return
	}
	wait := time.Duration(float64(waits[d.Deferred]) * (0.9 + 0.2*random))
	d.NextAt = now.Add(wait).Truncate(time.Millisecond)
	d.Deferred++
}

func end(d *store.Delivery, state store.DeliveryState, now time.Time) {
	d.State, d.EndedAt = state, now
}
