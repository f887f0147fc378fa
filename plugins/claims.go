package plugins

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/sdk"
)

// The sources that a provider claims are a part of its pin. Who serves a source is decided by them alone: not by a cache, not by
// who is described first, and not by who happens to answer.
//
//	pin                      claims
//	with sources             these; a description with more is refused until it is pinned again, one with fewer is not
//	without, as of old       unknown until the provider has described itself, which is recorded in the user's lock
//	dev: true                what it describes in this run
//	none, so it cannot run   none

// maxNamed is how many sources a message names.
const maxNamed = 5

// Claims returns the ids of the sources that a provider claims, sorted, and whether they are known. Describe makes them known.
func (h *Host) Claims(name string) (ids []string, known bool) {
	spec, err := h.spec(name)
	if err != nil || h.mayRun(spec) != nil {
		return nil, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ids, known = h.claims[name]
	return slices.Clone(ids), known
}

// checkClaims refuses a description with sources that the provider's pin does not have. The first one of a pin without sources
// completes the pin.
func (h *Host) checkClaims(ctx context.Context, name string, d *sdk.Description) error {
	spec, err := h.spec(name)
	if err != nil {
		return err
	}
	ids := sourceIDs(d)
	if pinned, adopted := h.adoptedSources(name); adopted {
		if err := moreClaims(spec, pinned, ids); err != nil {
			return err
		}
		h.claim(spec, ids)
		return nil
	}
	claimed, known := h.claim(spec, ids)
	if !known && !spec.Dev {
		claimed = h.complete(ctx, spec, ids)
	}
	return moreClaims(spec, claimed, ids)
}

// claim makes the claims of a provider known by its description, where they are not known; with dev: true, each time. It returns
// those that count, and whether they were known.
func (h *Host) claim(spec Spec, ids []string) (claimed []string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	claimed, known = h.claims[spec.Name]
	if !known || spec.Dev {
		claimed = ids
		h.claims[spec.Name] = ids
	}
	return claimed, known
}

// complete records the sources of a pin in the user's lock, and returns those that count: what another process has recorded
// meanwhile stays. A lock that cannot be written means that the next command has to ask again.
func (h *Host) complete(ctx context.Context, spec Spec, ids []string) []string {
	if h.options.UserLock == "" {
		return ids
	}
	err := UpdateLock(ctx, h.options.UserLock, func(lock *Lock) {
		if recorded := lock.Recorded(spec.Name, spec.SHA256); recorded != nil {
			ids = recorded
			return
		}
		lock.Record(spec.Name, spec.SHA256, ids)
	})
	if err == nil {
		h.mu.Lock()
		h.claims[spec.Name] = ids
		h.mu.Unlock()
	}
	return ids
}

// moreClaims is the error for sources that a pin does not have; nil if there are none.
func moreClaims(spec Spec, claimed, ids []string) error {
	more := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(claimed, id) })
	if len(more) == 0 {
		return nil
	}
	e := newError(CodeClaims, spec.Name, "offers sources that its pin does not have").fact("not in the pin: %s", listed(more))
	if spec.Recorded != OriginRelease {
		return e.hint("if you trust it with them: humanconnect provider lock %s", spec.Name)
	}
	return e.hint("reinstall the release").
		hint("if you built it yourself: humanconnect provider lock --dir %s", shellWord(filepath.Dir(spec.Lock)))
}

func sourceIDs(d *sdk.Description) []string {
	ids := make([]string, 0, len(d.Sources))
	for _, s := range d.Sources {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

// listed names the first of many sources.
func listed(ids []string) string {
	if more := len(ids) - maxNamed; more > 0 {
		return strings.Join(ids[:maxNamed], ", ") + fmt.Sprintf(", and %d more", more)
	}
	return strings.Join(ids, ", ")
}
