package session_test

import (
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// wakes returns what the deliveries were that had committed whenever the engine woke whoever brings them.
func (fe *FrontEnd) wakes() *[]int {
	var seen []int
	fe.woken = func() {
		var n int
		fe.w.view(func(tx store.Tx) error {
			rows, err := tx.Deliveries(store.DeliveryFilter{State: store.DeliveryPending})
			n = len(rows)
			return err
		})
		seen = append(seen, n)
	}
	return &seen
}

// TestWhoeverBringsDeliveriesIsWokenOnceTheyHaveCommitted: otherwise they come with the next look, a second later.
func TestWhoeverBringsDeliveriesIsWokenOnceTheyHaveCommitted(t *testing.T) {
	w, fe, s := opened(t)
	other := w.frontEnd()
	forced, overdue := other.open(w.token("u2", time.Hour)), w.frontEnd().open(w.token("u3", 2*time.Hour))
	if err := other.connect(forced, alpha); err != nil {
		t.Fatal(err)
	}
	con := w.connections("u2")[0].ID
	seen := fe.wakes()
	for _, c := range []struct {
		name string
		act  func() error
		adds int // "all" hears of everything, "closes" of closes alone
	}{
		{"connect", func() error { return fe.connect(s, alpha) }, 1},
		{"disconnect", func() error { return s.Disconnect(t.Context(), alpha, -1) }, 1},
		{"disconnect outside", func() error { _, err := fe.DisconnectOutside(t.Context(), con); return err }, 1},
		{"close", func() error { _, err := s.Close(t.Context(), session.CutNone); return err }, 2},
		{"close by id", func() error { _, err := fe.CloseByID(t.Context(), forced.ID, true); return err }, 2},
		{"refuse", func() error { _, err := fe.try(session.OpenRequest{Token: sdk.Secret("hcs_nonsense")}); return err }, 2},
		{"close what is overdue", func() error {
			w.clock.Advance(overdue.EndsAt.Sub(w.clock.Now()))
			return fe.CloseOverdue(t.Context())
		}, 2},
	} {
		var before int
		w.view(func(tx store.Tx) error {
			rows, err := tx.Deliveries(store.DeliveryFilter{State: store.DeliveryPending})
			before = len(rows)
			return err
		})
		*seen = nil
		if err := c.act(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(*seen) != 1 || (*seen)[0] != before+c.adds {
			t.Errorf("%s: of %d pending deliveries %d more had committed when it woke: %v", c.name, before, c.adds, *seen)
		}
	}
	w.check()
}
