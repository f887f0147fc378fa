package hook

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/store"
)

// targetOf is what a delivery shares with all that lead to the same place: its hook, or what many flags name. A delivery that an
// earlier program ended has none.
func targetOf(d store.Delivery) string {
	if d.Target == "" {
		return d.Hook
	}
	return d.Target
}

// flagTargets begins the targets of flags.
const flagTargets = "flag:"

// IsOfFlags says whether a target is one of flags, and no hook of the config.
func IsOfFlags(target string) bool { return strings.HasPrefix(target, flagTargets) || IsGiven(target) }

// targetOfFlag is the target of the deliveries to a hook of a flag: flags with the same target, of whatever sessions, are tried as
// one. The name of no hook of the config looks like it.
func targetOfFlag(row store.SessionHook) string {
	return flagTargets + base64.RawURLEncoding.EncodeToString(row.Fingerprint)
}

// scanDue reads what is due in the whole state, and no more of it than there is room for. A backlog costs nothing until it is due,
// and does not hold up what comes behind it for other hooks: where more is due than one page has, it is asked target by target.
func (g *scanner) scanDue(tx store.Tx) error {
	if err := g.scanTargets(tx); err != nil {
		return err
	}
	next, err := tx.NextDelivery(g.now)
	if !next.IsZero() {
		g.expect(next)
	}
	return err
}

// scanTargets looks at one page of what has been due for the longest, and at its targets if there may be more. While a backlog is
// worked off, it goes on with the targets that are tried, and looks at that page when nothing is found.
func (g *scanner) scanTargets(tx store.Tx) error {
	seen := make(map[string]bool)
	if g.isBacklog {
		for _, target := range slices.Sorted(maps.Keys(g.claimed)) {
			if err := g.scanOnce(tx, target, seen); err != nil {
				return err
			}
		}
		if g.due || len(g.gone) > 0 {
			return g.walk(tx, seen, true)
		}
	}
	page, err := tx.DueDeliveries(store.DueFilter{Now: g.now, Limit: pageSize})
	if err != nil {
		return err
	}
	if g.isBacklog = len(page) == pageSize; !g.isBacklog {
		return g.checkAll(tx, page)
	}
	for _, d := range page {
		if err := g.scanOnce(tx, targetOf(d), seen); err != nil {
			return err
		}
	}
	return g.walk(tx, seen, false)
}

// scanOnce asks a target that was not seen.
func (g *scanner) scanOnce(tx store.Tx, target string, seen map[string]bool) error {
	if seen[target] {
		return nil
	}
	seen[target] = true
	return g.scanTarget(tx, target)
}

func (g *scanner) checkAll(tx store.Tx, heads []store.Delivery) error {
	for _, head := range heads {
		if err := g.check(tx, head); err != nil {
			return err
		}
	}
	return nil
}

// walk asks the targets that were not seen, from where the walk before ended: a few, if there is enough to do, or else all the way
// round until something is found.
func (g *scanner) walk(tx store.Tx, seen map[string]bool, enough bool) error {
	start, round := g.walkedTo, false
	for n := 0; g.total < mostTries && (n < walkSize || !enough && len(g.jobs)+len(g.gone) == 0); n++ {
		next, err := tx.NextTarget(g.walkedTo)
		if err != nil {
			return err
		}
		if round && (next == "" || next > start) {
			return nil
		}
		if g.walkedTo = next; next == "" {
			round = true
			continue
		}
		if err := g.scanOnce(tx, next, seen); err != nil {
			return err
		}
	}
	g.due = true // as far as this scan knows
	return nil
}

// scanTarget reads what is due to a target, as much as there is room for, and what runs already.
func (g *scanner) scanTarget(tx store.Tx, target string) error {
	if g.leftToOthers(target) {
		return nil
	}
	foreign, read := g.foreign, 0
	for f := (store.DueFilter{Now: g.now, Target: target}); ; {
		room := max(0, g.roomFor(target)) + max(0, g.queueFor(target))
		if room == 0 {
			g.due = true // there may be more
			return nil
		}
		f.Limit = min(pageSize, room+g.runs[target]+g.queue[target]+1)
		page, err := tx.DueDeliveries(f)
		if err == nil {
			err = g.checkAll(tx, page)
		}
		if err != nil {
			return err
		}
		if read += len(page); len(page) < f.Limit || len(g.gone) > 0 || g.passed[target] {
			break
		}
		f.After = &page[len(page)-1]
	}
	if read > 0 && g.foreign-foreign == read && !g.passed[target] {
		g.notOurs[target] = g.now.Add(notOursPause)
	}
	return nil
}

// leftToOthers says whether a target was found to have nothing that is ours to run, a short while ago.
func (g *scanner) leftToOthers(target string) bool {
	again, left := g.notOurs[target]
	if left && !g.now.Before(again) {
		delete(g.notOurs, target)
		left = false
	}
	return left
}

// roomFor is how many more tries of a target there is room for. The first has room of its own, so that hooks that hang do not
// starve another.
func (g *scanner) roomFor(target string) int {
	limit, known := g.limits[target]
	if !known {
		limit = DefaultConcurrency
	}
	busy, total := g.runs[target], maxTries-g.total
	if busy == 0 {
		return min(limit, max(total, 1), mostTries-g.total)
	}
	return min(limit-busy, total)
}

// queueFor is how many more may be claimed that wait for a try of this loop to end: as many as may run, so that a receiver that
// answers is not kept waiting by the store. A hook that hangs has none.
func (g *scanner) queueFor(target string) int {
	if g.hangs[target] || g.own[target] == 0 {
		return 0
	}
	return g.limits[target] - g.queue[target]
}
