package provider_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestSecondClaimIsRefusedWhateverIsCached: neither who was described first, nor a listing before, nor who answers decides whose
// a source is.
func TestSecondClaimIsRefusedWhateverIsCached(t *testing.T) {
	genuine := func() *installed {
		return &installed{live: offers("a.example", "alpha", "beta"), claims: []string{"alpha", "beta"}}
	}
	second := func() *installed {
		return &installed{live: offers("b.example", "alpha", "gamma"), claims: []string{"alpha", "gamma"}}
	}
	cached := func(p *installed) *installed { p.cached = p.live; return p }
	fails := func(p *installed) *installed { p.broken = errors.New("it is bad"); return p }
	unpinned := func(p *installed) *installed { p.unknown = true; return p }
	for name, providers := range map[string]map[string]*installed{
		"none":                           {"a": genuine(), "b": second()},
		"the genuine one":                {"a": cached(genuine()), "b": second()},
		"the second one":                 {"a": genuine(), "b": cached(second())},
		"both":                           {"a": cached(genuine()), "b": cached(second())},
		"the second one, the other bad":  {"a": fails(genuine()), "b": cached(second())},
		"no claims of the genuine one":   {"a": unpinned(genuine()), "b": cached(second())},
		"no claims of the second one":    {"a": cached(genuine()), "b": unpinned(second())},
		"no claims of either, but texts": {"a": unpinned(cached(genuine())), "b": unpinned(cached(second()))},
	} {
		for _, listed := range []bool{false, true} {
			r := registry(t, &fakeHost{providers: providers})
			if listed {
				catalog, err := r.All(t.Context())
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := catalog.Conflicts(); len(got) != 1 || got[0].Source != "alpha" || !slices.Equal(got[0].Providers, []string{"a", "b"}) {
					t.Errorf("%s: the list has the conflicts %+v", name, got)
				}
				if _, err := catalog.Find("gamma"); err != nil {
					t.Errorf("%s: the list lacks a source that one provider claims: %v", name, err)
				}
			}
			_, errFind := r.Find(t.Context(), "alpha")
			_, errLookup := r.Lookup(t.Context(), "alpha")
			_, errSettings := r.Settings(t.Context(), "alpha", "b")
			for _, err := range []error{errFind, errLookup, errSettings} {
				if problem.CodeOf(err) != source.CodeConflict {
					t.Errorf("%s cached, listed %t: %v", name, listed, err)
				}
			}
			find(t, r.Find, "gamma")
		}
	}
}

func TestUnknownClaimsAreCompletedAllAtOnce(t *testing.T) {
	var all sync.WaitGroup
	all.Add(2)
	meet := func(context.Context) { all.Done(); all.Wait() }
	bad := errors.New("it is bad")
	h := &fakeHost{providers: map[string]*installed{
		"a": {live: offers("a.example", "alpha"), unknown: true, hold: meet},
		"b": {live: offers("b.example", "beta"), unknown: true, hold: meet},
		"c": {broken: bad, unknown: true}, "d": {live: offers("d.example", "delta")},
	}}
	r := registry(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if s, err := r.Lookup(ctx, "alpha"); err != nil || s.Provider != "a" {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := r.Broken(); !slices.Equal(got, []error{bad}) {
		t.Errorf("the one that did not answer is not named: %v", got)
	}
	for _, id := range []string{"alpha", "beta"} {
		find(t, r.Lookup, id)
	}
	slices.Sort(h.started)
	if !slices.Equal(h.started, []string{"a", "b", "c"}) {
		t.Errorf("asked: %v", h.started)
	}
}

func TestConfigThatChoosesNeedsNoOtherClaims(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{
		"a": {live: offers("a.example", "alpha"), unknown: true}, "b": {live: offers("b.example", "alpha")}, "hangs": {hold: hangs, unknown: true},
	}}
	r := registry(t, h, config.Source{ID: "alpha", Provider: "b"})
	if s := find(t, r.Find, "alpha"); s.Provider != "b" || !slices.Equal(h.started, []string{"b"}) {
		t.Errorf("%s; asked: %v", s.Provider, h.started)
	}
	if got := r.Conflicts(); len(got) != 0 {
		t.Errorf("conflicts after the choice: %+v", got)
	}
}
