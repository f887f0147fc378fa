package hook

import (
	"errors"
	"fmt"
	"strings"
	"time"

	schedule "github.com/humanconnect/humanconnect/core/retry"
	"github.com/humanconnect/humanconnect/core/store"
)

// A hook that hangs again and again is left alone for a while, so that it does not use up the time of those who deliver, nor
// the tries of its events. One that answers anything in between is none.
//
//	hangs        1, 2, 3      4                5                6 …
//	left alone   no           1 min            2 min            doubled each time, an hour at most
//	then         —            one try at a time: hangs → left alone longer; answers → as any other hook
//
// No try is begun meanwhile. A try that hangs after it was left alone uses up none of the schedule of its delivery, so
// that the deliveries of such a hook die by time alone: when they have been due for as long as the long schedule takes.

// Paused is the error of a delivery whose hook has hung for as long as the long schedule takes.
const Paused = "hook_paused"

const (
	// hangsToPause is how many tries in a row must hang: as many as there are quick ones.
	hangsToPause = 4
	firstPause   = time.Minute
	longestPause = time.Hour
	// pauseKept is how long a hook that nobody tries any more is remembered.
	pauseKept = 30 * 24 * time.Hour
)

// pauseTarget is where a hook leads, as the store keeps it: the same target is the same receiver, whatever flags and names it
// was given by.
func pauseTarget(mac store.MAC, h Hook) []byte {
	return mac("hook pause", []byte(h.URL), []byte(h.Shell), []byte(strings.Join(h.Command, "\x00")), []byte(h.Dir))
}

// FindPause returns how a hook hangs; false if its last try did not.
func FindPause(tx store.Tx, mac store.MAC, h Hook) (store.HookPause, bool, error) {
	row, err := tx.HookPause(pauseTarget(mac, h))
	if errors.Is(err, store.ErrNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("does the hook hang: %w", err)
	}
	return row, true, nil
}

// Unpause lets a hook that was left alone be tried again.
func Unpause(tx store.Tx, mac store.MAC, h Hook) error {
	err := tx.DeleteHookPause(pauseTarget(mac, h))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("try a hook again that hangs: %w", err)
	}
	return nil
}

// noteHang counts a try of a hook that hung, and says whether the hook had been left alone before: then the try uses up
// nothing. Of tries that run at once, no more count than it takes to leave the hook alone: they tell of the same outage.
func noteHang(tx store.Tx, mac store.MAC, h Hook, began, now time.Time) (before bool, err error) {
	row, found, err := FindPause(tx, mac, h)
	if err != nil {
		return false, err
	}
	if !found {
		if err := tx.DeleteHookPauses(now.Add(-pauseKept)); err != nil {
			return false, fmt.Errorf("forget hooks that hang: %w", err)
		}
		row.Target = pauseTarget(mac, h)
	}
	if before = row.Hangs >= hangsToPause; before && !began.After(row.At) && row.Until.After(now) {
		return true, nil
	}
	row.Hangs++
	row.At = now
	if row.Hangs >= hangsToPause {
		row.Until = now.Add(pauseAfter(row.Hangs))
	}
	if err := tx.SaveHookPause(row); err != nil {
		return false, fmt.Errorf("note a hook that hangs: %w", err)
	}
	return before, nil
}

// pauseAfter is how long a hook is left alone that has hung so often.
func pauseAfter(hangs int) time.Duration {
	wait := firstPause
	for range min(hangs-hangsToPause, 10) {
		wait *= 2
	}
	return min(wait, longestPause)
}

// pauseOf asks once in a scan how the hooks with a target hang.
func (g *scanner) pauseOf(tx store.Tx, target string, h Hook) (store.HookPause, error) {
	known, asked := g.pauses[target]
	if asked {
		return known, nil
	}
	row, _, err := FindPause(tx, g.opt.Store.MAC, h)
	if err != nil {
		return row, err
	}
	if row.Until.Sub(g.now) > longestPause { // the clock was ahead when it was written
		row.Until = g.now
	}
	g.pauses[target] = row
	return row, nil
}

// leaveAlone says whether a delivery is left because its hook hangs; if it has been due for too long, it is dead. One try at a
// time says whether a hook still hangs.
func (g *scanner) leaveAlone(tx store.Tx, d store.Delivery, h Hook) (bool, error) {
	target := targetOf(d)
	p, err := g.pauseOf(tx, target, h)
	if err != nil || p.Hangs == 0 {
		return false, err
	}
	g.limits[target], g.hangs[target] = 1, true
	if p.Until.IsZero() {
		return false, nil
	}
	if g.now.Sub(dueSince(d)) > schedule.LongTotal() {
		return true, g.markDead(tx, d, h, Paused)
	}
	if p.Until.After(g.now) {
		g.expect(p.Until)
		g.passed[target] = true
		return true, nil
	}
	return false, nil
}
