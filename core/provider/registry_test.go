package provider_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// installed is a provider of the fake host.
type installed struct {
	// cached is what the cache has of it, nil for nothing, and live what it says when it runs.
	cached, live *sdk.Description
	// broken is what asking it ends with.
	broken error
	// hold is called while it is asked, with the context of the call.
	hold func(context.Context)
	// claims are those of its pin; nil: what it says. With unknown set, they are not known before it was asked.
	claims  []string
	unknown bool
	// schema of its definitions; undefined is what describing one source ends with, and refuses what it has against a definition.
	schema    string
	undefined error
	refuses   *sdk.Error
}

// fakeHost runs no process. It notes what a real one would start.
type fakeHost struct {
	mu        sync.Mutex
	providers map[string]*installed
	started   []string // each time that a running provider was asked
	sources   []string // each time that the process of a source was asked
	warmed    []string
	defined   []string // each time that one source was asked for
	provider  sdk.Provider
	closed    func(context.Context) error
}

func (h *fakeHost) Names() []string { return slices.Sorted(maps.Keys(h.providers)) }

func (h *fakeHost) Describe(ctx context.Context, name string) (*sdk.Description, error) {
	h.mu.Lock()
	h.started = append(h.started, name)
	h.mu.Unlock()
	p := h.providers[name]
	if p.hold != nil {
		p.hold(ctx)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if p.broken == nil {
		h.mu.Lock()
		p.unknown = false
		h.mu.Unlock()
	}
	return p.live, p.broken
}

func (h *fakeHost) Claims(name string) (ids []string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.providers[name]
	if p.unknown {
		return nil, false
	}
	if p.claims != nil {
		return p.claims, true
	}
	for _, d := range []*sdk.Description{p.cached, p.live} {
		if d == nil {
			continue
		}
		for _, s := range d.Sources {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), true
}

// describeProcess is what the process of a source says of it.
func (h *fakeHost) describeProcess(ctx context.Context, name, source string) (*sdk.Description, error) {
	h.mu.Lock()
	h.sources = append(h.sources, name+"/"+source)
	h.mu.Unlock()
	d, err := h.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	one := &sdk.Description{Settings: d.Settings, DefinitionSchema: h.providers[name].schema}
	for _, s := range d.Sources {
		if s.ID == source {
			one.Sources = append(one.Sources, s)
		}
	}
	return one, nil
}

func (h *fakeHost) DescribeCached(ctx context.Context, name string) (*sdk.Description, error) {
	if d := h.providers[name].cached; d != nil {
		return d, nil
	}
	return h.Describe(ctx, name)
}

func (h *fakeHost) Provider(context.Context, string, string) (sdk.Provider, error) {
	if h.provider == nil {
		return nil, errors.New("it does not start")
	}
	return h.provider, nil
}

func (h *fakeHost) Warm(name, source string) { h.warmed = append(h.warmed, name+"/"+source) }

func (h *fakeHost) Label(name, _ string) string { return name + "#1" }

func (h *fakeHost) Close(ctx context.Context) error { return h.closed(ctx) }

// offers is a description with sources that have a host and a secret setting each.
func offers(host string, sources ...string) *sdk.Description {
	d := &sdk.Description{}
	for _, s := range sources {
		d.Sources = append(d.Sources, sdk.Source{
			ID: s, Hosts: []string{host}, Settings: []sdk.Field{{ID: "client_secret", Kind: sdk.KindSecret}},
		})
	}
	return d
}

func registry(t *testing.T, h *fakeHost, chosen ...config.Source) *provider.Registry {
	t.Helper()
	return provider.New(provider.Options{
		Host: h, Sources: chosen, Environ: config.Environment{"SECRET=s3cret"}, Clock: clocktest.New(time.Unix(0, 0)),
	})
}

// hangs waits until the call is cut.
func hangs(ctx context.Context) { <-ctx.Done() }

func find(t *testing.T, what func(context.Context, string) (source.Source, error), id string) source.Source {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := what(ctx, id)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return s
}

func TestListingsGoByTheCacheAndSessionsByTheRunningProvider(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{"a": {cached: offers("old.example", "alpha"), live: offers("new.example", "alpha")}}}
	r := registry(t, h)
	list, err := r.All(t.Context())
	if err != nil || len(list.All()) != 1 || list.All()[0].Hosts[0] != "old.example" || len(h.started) != 0 {
		t.Errorf("the list is %+v, %v; started: %v", list, err, h.started)
	}
	if s := find(t, r.Lookup, "alpha"); s.Hosts[0] != "old.example" || len(h.started) != 0 {
		t.Errorf("a lookup found %+v; started: %v", s, h.started)
	}
	for range 2 {
		if s := find(t, r.Find, "alpha"); s.Hosts[0] != "new.example" || len(h.started) != 1 {
			t.Errorf("a session found %+v; asked: %v", s, h.started)
		}
	}
	if s := find(t, r.Lookup, "alpha"); s.Hosts[0] != "new.example" {
		t.Errorf("what the running provider said counts no more: %+v", s)
	}
}

// TestCachedDescriptionThatComesLateDoesNotReplaceALiveOne: a listing began to read the cache before a session asked.
func TestCachedDescriptionThatComesLateDoesNotReplaceALiveOne(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	h := &lateHost{fakeHost: &fakeHost{providers: map[string]*installed{"a": {cached: offers("old.example", "alpha"), live: offers("new.example", "alpha")}}}}
	h.wait = func() { close(began); <-goOn }
	r := provider.New(provider.Options{Host: h, Clock: clocktest.New(time.Unix(0, 0))})
	var wg sync.WaitGroup
	wg.Go(func() { r.Describe(context.Background(), "a") })
	<-began
	find(t, r.Find, "alpha")
	close(goOn)
	wg.Wait()
	if s := find(t, r.Find, "alpha"); s.Hosts[0] != "new.example" {
		t.Errorf("a session works with %v", s.Hosts)
	}
}

// lateHost waits before it answers from the cache.
type lateHost struct {
	*fakeHost
	wait func()
}

func (h *lateHost) DescribeCached(ctx context.Context, name string) (*sdk.Description, error) {
	h.wait()
	return h.fakeHost.DescribeCached(ctx, name)
}

func TestProviderThatHangsHoldsUpNoSourceOfAnother(t *testing.T) {
	for name, good := range map[string]*installed{
		"remembered":           {cached: offers("a.example", "alpha"), live: offers("a.example", "alpha")},
		"chosen by the config": {live: offers("a.example", "alpha")},
	} {
		t.Run(name, func(t *testing.T) {
			h := &fakeHost{providers: map[string]*installed{"a": good, "hangs": {hold: hangs}}}
			var chosen []config.Source
			if good.cached == nil {
				chosen = []config.Source{{ID: "alpha", Provider: "a"}}
			}
			r := registry(t, h, chosen...)
			find(t, r.Find, "alpha")
			if _, err := r.Settings(t.Context(), "alpha", "a"); err != nil {
				t.Error(err)
			}
			if slices.Contains(h.started, "hangs") {
				t.Error("a provider was asked that nobody needs")
			}
		})
	}
}

func TestProvidersAreDescribedAtOnce(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	meet := func(context.Context) { both.Done(); both.Wait() }
	h := &fakeHost{providers: map[string]*installed{
		"a": {live: offers("x.example", "alpha"), hold: meet}, "b": {live: offers("x.example", "beta"), hold: meet},
	}}
	done := make(chan struct{})
	go func() { defer close(done); _, _ = registry(t, h).All(context.Background()) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("one waits for the other")
	}
}

func TestBrokenProviderIsLeftOutAskedOnceAndBlamedForUnknownSources(t *testing.T) {
	bad, worse := errors.New("it is bad"), errors.New("it is worse")
	h := &fakeHost{providers: map[string]*installed{
		"a": {live: offers("x.example", "alpha")}, "b": {broken: bad}, "c": {broken: worse},
	}}
	r := registry(t, h)
	for range 2 {
		if list, err := r.All(t.Context()); err != nil || len(list.All()) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if _, err := r.Lookup(t.Context(), "beta"); !errors.Is(err, bad) {
			t.Errorf("an unknown source is blamed on %v", err)
		}
	}
	if got := r.Broken(); !slices.Equal(got, []error{bad, worse}) {
		t.Errorf("broken: %v", got)
	}
	slices.Sort(h.started)
	if !slices.Equal(h.started, []string{"a", "b", "c"}) {
		t.Errorf("asked: %v", h.started)
	}
	find(t, registry(t, h).Lookup, "alpha") // found among those that answer
	h.providers["b"].broken, h.providers["b"].live = nil, offers("x.example", "beta")
	if _, err := r.DescribeLive(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got := r.Broken(); !slices.Equal(got, []error{worse}) {
		t.Errorf("broken once it is mended: %v", got)
	}
	find(t, r.Find, "beta")
}

func TestUnknownSourceOfSoundProvidersIsUnknown(t *testing.T) {
	r := registry(t, &fakeHost{providers: map[string]*installed{"a": {live: offers("x.example", "alpha")}}})
	if _, err := r.Find(t.Context(), "beta"); problem.CodeOf(err) != source.CodeUnknown {
		t.Error(err)
	}
}

func TestCallThatWasCutSaysNothingOfAProvider(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{"a": {live: offers("x.example", "alpha"), hold: hangs}}}
	r := registry(t, h)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the person went away")
	cancel(why)
	if _, err := r.All(ctx); !errors.Is(err, why) {
		t.Errorf("a list that was cut: %v", err)
	}
	if _, err := r.Lookup(ctx, "alpha"); !errors.Is(err, why) {
		t.Errorf("a lookup that was cut: %v", err)
	}
	h.providers["a"].hold = nil
	if got := r.Broken(); len(got) != 0 {
		t.Errorf("broken: %v", got)
	}
	find(t, r.Find, "alpha")
}

func TestProviderThatDoesNotAnswerASessionFailsIt(t *testing.T) {
	bad := errors.New("it is bad")
	h := &fakeHost{providers: map[string]*installed{"a": {cached: offers("x.example", "alpha"), broken: bad}}}
	r := registry(t, h)
	if _, err := r.Find(t.Context(), "alpha"); !errors.Is(err, bad) {
		t.Errorf("a session got a source: %v", err)
	}
	if _, err := r.Settings(t.Context(), "alpha", "a"); !errors.Is(err, bad) {
		t.Errorf("it got settings: %v", err)
	}
}

// TestSecretsGoOnlyToTheProviderThatIsChosenNow: regardless of the cache, and of the provider that made the credential.
func TestSecretsGoOnlyToTheProviderThatIsChosenNow(t *testing.T) {
	secret := map[string]config.Value{"client_secret": {Ref: &config.SecretRef{Env: "SECRET"}}}
	of := func(provider string) config.Source {
		return config.Source{ID: "alpha", Provider: provider, Settings: secret}
	}
	both := func() map[string]*installed {
		return map[string]*installed{"a": {live: offers("x.example", "alpha")}, "b": {live: offers("x.example", "alpha")}}
	}
	bare := &sdk.Description{Sources: []sdk.Source{{ID: "alpha"}}}
	for name, c := range map[string]struct {
		providers map[string]*installed
		config    config.Source
		asks      string
		want      string
		code      problem.Code
	}{
		"the chosen one":                  {providers: both(), config: of("a"), asks: "a", want: "s3cret"},
		"another one":                     {providers: both(), config: of("a"), asks: "b"},
		"the only one":                    {providers: map[string]*installed{"a": both()["a"]}, config: of(""), asks: "a", want: "s3cret"},
		"one that is gone":                {providers: map[string]*installed{"a": both()["a"]}, config: of("a"), asks: "b"},
		"declared in the cache alone":     {providers: map[string]*installed{"a": {cached: offers("x.example", "alpha"), live: bare}}, config: of("a"), asks: "a", code: source.CodeInvalid},
		"claimed by another one by now":   {providers: map[string]*installed{"a": {claims: []string{"beta"}, live: offers("x.example", "alpha")}, "b": both()["b"]}, config: of(""), asks: "a"},
		"claimed by one that is cached":   {providers: map[string]*installed{"a": {cached: offers("x.example", "alpha"), live: offers("x.example", "alpha")}, "b": both()["b"]}, config: of(""), asks: "a", code: source.CodeConflict},
		"claimed by one that is broken":   {providers: map[string]*installed{"a": {claims: []string{"alpha"}, broken: errors.New("bad")}, "b": both()["b"]}, config: of(""), asks: "b", code: source.CodeConflict},
		"offered no more":                 {providers: map[string]*installed{"a": {claims: []string{"alpha"}, live: &sdk.Description{}}}, config: of(""), asks: "a", code: source.CodeInvalid},
		"claimed by two, and none chosen": {providers: both(), config: of(""), asks: "a", code: source.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			h := &fakeHost{providers: c.providers}
			got, err := registry(t, h, c.config).Settings(t.Context(), "alpha", c.asks)
			if problem.CodeOf(err) != c.code || (err != nil) != (c.code != "") {
				t.Fatal(err)
			}
			if s := got.Secrets["client_secret"].Reveal(); s != c.want {
				t.Errorf("it got the secret %q", s)
			}
		})
	}
}

func TestSettingsForAnotherProviderStartNone(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{"a": {cached: offers("x.example", "alpha")}}}
	if _, err := registry(t, h).Settings(t.Context(), "alpha", "b"); err != nil || len(h.started) != 0 {
		t.Errorf("%v; started: %v", err, h.started)
	}
}

func TestWarmStartsTheProcessOfEachSourceAndWaitsForNone(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{
		"a": {cached: offers("x.example", "alpha", "beta")}, "b": {cached: offers("x.example", "gamma")}, "c": {cached: offers("x.example", "delta")},
	}}
	err := registry(t, h).Warm(t.Context(), "alpha", "beta", "gamma")
	if !slices.Equal(h.warmed, []string{"a/alpha", "a/beta", "b/gamma"}) || len(h.started) != 0 || err != nil {
		t.Errorf("warmed %v, waited for %v: %v", h.warmed, h.started, err)
	}
	if err := registry(t, h).Warm(t.Context(), "nothing", "delta"); problem.CodeOf(err) != source.CodeUnknown || !slices.Contains(h.warmed, "c/delta") {
		t.Errorf("warmed %v: %v", h.warmed, err)
	}
}

// TestSessionAsksTheProcessOfItsSourceAlone: a listing is described by the provider, a source in use by its own process.
func TestSessionAsksTheProcessOfItsSourceAlone(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{"a": {cached: offers("x.example", "alpha", "beta"), live: offers("x.example", "alpha", "beta")}}}
	r := registry(t, h)
	for range 2 {
		find(t, r.Find, "alpha")
		if _, err := r.Settings(t.Context(), "alpha", "a"); err != nil {
			t.Error(err)
		}
	}
	find(t, r.Find, "beta")
	if !slices.Equal(h.sources, []string{"a/alpha", "a/beta"}) || len(h.started) != 2 {
		t.Errorf("asked %v of %v", h.sources, h.started)
	}
	if list, err := r.All(t.Context()); err != nil || len(list.All()) != 2 {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestCloseStopsTheProvidersWithinALimit(t *testing.T) {
	h := &fakeHost{}
	left := time.Duration(-1)
	h.closed = func(ctx context.Context) error {
		if end, limited := ctx.Deadline(); limited {
			left = time.Until(end)
		}
		return fmt.Errorf("one does not go")
	}
	registry(t, h).Close()
	if left <= 0 || left > 5*time.Second {
		t.Errorf("it may take %v", left)
	}
}

// TestConfigThatIsWrongIsBlamedBeforeAProvider: that one hangs or is broken is not what is to be mended.
func TestConfigThatIsWrongIsBlamedBeforeAProvider(t *testing.T) {
	a, b := offers("x.example", "alpha"), offers("x.example", "alpha")
	for name, c := range map[string]struct {
		providers map[string]*installed
		config    config.Source
		want      problem.Code
	}{
		"conflict in the cache":     {map[string]*installed{"a": {cached: a}, "b": {cached: b}, "c": {hold: hangs}}, config.Source{ID: "alpha"}, source.CodeConflict},
		"conflict when asked":       {map[string]*installed{"a": {live: a}, "b": {live: b}, "c": {broken: errors.New("bad")}}, config.Source{ID: "alpha"}, source.CodeConflict},
		"a provider that is absent": {map[string]*installed{"a": {cached: a}}, config.Source{ID: "alpha", Provider: "b"}, source.CodeUnknownProvider},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := registry(t, &fakeHost{providers: c.providers}, c.config).Lookup(ctx, "alpha")
		if cancel(); problem.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
