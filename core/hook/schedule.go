package hook

import (
	"time"

	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// apply writes into the row what came of a try at now. random is the jitter's.
func apply(d *store.Delivery, o Outcome, now time.Time, random func() float64) {
	d.Owner, d.LeaseUntil = "", time.Time{}
	if o.Verdict == Interrupted {
		return
	}
	d.Tries++
	d.Error = o.Error
	switch o.Verdict {
	case Hung:
		d.Hung++ // it stays as due as it was, and uses up nothing
	case Accepted:
		markEnded(d, store.DeliveryDelivered, now)
	case NotNow:
		deferTry(d, now, random)
	case Gone:
		markEnded(d, store.DeliveryDead, now)
	case Undelivered:
		if !retry(d, now) {
			deferTry(d, now, random)
		}
	default:
		if !retry(d, now) {
			markEnded(d, store.DeliveryDead, now)
		}
	}
	if asked := now.Add(o.RetryAfter); o.RetryAfter > 0 && d.State == store.DeliveryPending && d.NextAt.Before(asked) {
		d.NextAt = asked
	}
}

// retry plans the next quick try, and says false if there is none.
func retry(d *store.Delivery, now time.Time) bool {
	waits := schedule.Quick()
	made := d.Tries - d.Deferred - d.Hung
	if made >= len(waits) {
		return false
	}
	d.NextAt = now.Add(waits[made])
	return true
}

func deferTry(d *store.Delivery, now time.Time, random func() float64) {
	waits := schedule.Long()
	if d.Deferred >= len(waits) {
		markEnded(d, store.DeliveryDead, now)
		return
	}
	d.NextAt = now.Add(schedule.Jitter(waits[d.Deferred], random))
	d.Deferred++
}

func markEnded(d *store.Delivery, state store.DeliveryState, now time.Time) {
	d.State, d.EndedAt = state, now
}
