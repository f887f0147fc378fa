package hook

import (
	"errors"
	"fmt"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
)

// comesLater says whether a delivery waits for those to other hooks: the close of a session reaches the hooks of its flags
// last, as in the reference. It waits for the first tries of what came before, and not for the repeated ones: a hook that
// fails does not hold up another.
func (g *scanner) comesLater(tx store.Tx, d store.Delivery) (bool, error) {
	if !IsGiven(d.Hook) || d.Session == "" {
		return false, nil
	}
	heads, err := tx.HeadDeliveries(d.Session)
	if err != nil {
		return false, fmt.Errorf("look for what comes before a delivery: %w", err)
	}
	for _, other := range heads {
		if !IsGiven(other.Hook) || other.Sequence >= d.Sequence {
			continue
		}
		first, err := g.awaitsFirstTry(tx, other)
		if err != nil || !first {
			if err != nil {
				return false, err
			}
			continue
		}
		e, err := tx.Event(d.Event)
		if errors.Is(err, store.ErrDamaged) {
			return false, nil
		}
		return err == nil && event.Type(e.Type) == event.SessionClosed, err
	}
	return false, nil
}

// awaitsFirstTry says whether the first try of a delivery runs, or is to be made here soon.
func (g *scanner) awaitsFirstTry(tx store.Tx, d store.Delivery) (bool, error) {
	if d.Tries > 0 || d.NextAt.After(g.now) {
		return false, nil
	}
	_, ours, err := g.hookOf(tx, d)
	switch {
	case errors.Is(err, store.ErrDamaged):
		return false, nil
	case err != nil:
		return false, err
	case g.free(d):
		return ours, nil
	}
	g.contended = g.contended || !g.tries(d)
	return true, nil
}
