package hook

import (
	"slices"

	"github.com/humanconnect/humanconnect/core/store"
)

// Tally counts deliveries.
type Tally struct {
	Delivered int `json:"delivered"`
	Pending   int `json:"pending"`
	Dead      int `json:"dead"`
	// Unaccepted names the required hooks of the config that have not accepted every event of theirs, in order.
	Unaccepted []string `json:"-"`
}

// TallyOf counts the deliveries of a session, or of an event outside of one.
func TallyOf(tx store.Tx, scope Scope, hooks []Hook) (Tally, error) {
	var t Tally
	counts, err := tx.CountDeliveries(scope.filter(""))
	for _, c := range counts {
		t.add(c, hooks)
	}
	return t, err
}

// add counts deliveries to a hook, and notes it if it is required and has not accepted them.
func (t *Tally) add(c store.DeliveryCount, hooks []Hook) {
	switch c.State {
	case store.DeliveryDelivered:
		t.Delivered += c.N
		return
	case store.DeliveryDiscarded: // nobody misses it
		return
	case store.DeliveryPending:
		t.Pending += c.N
	case store.DeliveryDead:
		t.Dead += c.N
	}
	required := slices.ContainsFunc(hooks, func(h Hook) bool { return h.Required && h.Name == c.Hook })
	if at, known := slices.BinarySearch(t.Unaccepted, c.Hook); required && !known {
		t.Unaccepted = slices.Insert(t.Unaccepted, at, c.Hook)
	}
}

func (s Scope) filter(state store.DeliveryState) store.DeliveryFilter {
	return store.DeliveryFilter{Session: s.Session, Event: s.Event, State: state}
}
