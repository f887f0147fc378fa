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
	// Unaccepted names the required hooks of the config that have not accepted every event of theirs.
	Unaccepted []string `json:"-"`
}

// TallyOf counts the deliveries of a session, or of an event outside of one.
func TallyOf(tx store.Tx, scope Scope, hooks []Hook) (Tally, error) {
	var t Tally
	all, err := tx.Deliveries(scope.filter(""))
	if err != nil {
		return t, err
	}
	for _, d := range all {
		t.count(d.State)
		required := slices.ContainsFunc(hooks, func(h Hook) bool { return h.Required && h.Name == d.Hook })
		if required && d.State != store.DeliveryDelivered && !slices.Contains(t.Unaccepted, d.Hook) {
			t.Unaccepted = append(t.Unaccepted, d.Hook)
		}
	}
	slices.Sort(t.Unaccepted)
	return t, nil
}

func (t *Tally) count(s store.DeliveryState) {
	switch s {
	case store.DeliveryDelivered:
		t.Delivered++
	case store.DeliveryPending:
		t.Pending++
	case store.DeliveryDead:
		t.Dead++
	}
}

func (s Scope) filter(state store.DeliveryState) store.DeliveryFilter {
	return store.DeliveryFilter{Session: s.Session, Event: s.Event, State: state}
}
