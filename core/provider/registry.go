package provider

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// stopTime bounds how long the providers of a command that is done are stopped.
const stopTime = 3 * time.Second

// Registry is what the installed providers and the config offer. It implements [Starter] and [Settings], and finds sources
// for sessions. It is safe for concurrent use. Close it.
type Registry struct {
	host    Host
	config  []config.Source
	environ config.Environment
	clock   clock.Clock
	observe Observer

	// mu guards the rest.
	mu        sync.Mutex
	described map[string]sdk.Description
	live      map[string]bool
	// broken has the providers that could not be described. They are not asked again: each time may take its whole limit.
	broken map[string]error
	// answers to definitions, by source id.
	answers map[string]defined
}

// Options of a registry. All but Observe are needed.
type Options struct {
	Host Host
	// Sources are what the config says of sources.
	Sources []config.Source
	// Environ is where references to secrets are resolved.
	Environ config.Environment
	Clock   clock.Clock
	// Observe is called for each call to a provider, if it is not nil.
	Observe Observer
}

// New makes a registry. It starts no provider.
func New(o Options) *Registry {
	if o.Observe == nil {
		o.Observe = silent
	}
	return &Registry{
		host: o.Host, config: o.Sources, environ: o.Environ, clock: o.Clock, observe: o.Observe,
		described: make(map[string]sdk.Description), live: make(map[string]bool), broken: make(map[string]error),
		answers: make(map[string]defined),
	}
}

// Names lists the installed providers, sorted.
func (r *Registry) Names() []string { return r.host.Names() }

// Close stops the providers. A process that does not go has lost its lifeline with ours.
func (r *Registry) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	done := r.observe("providers stopped")
	done(r.host.Close(ctx))
}

// Provider implements [Starter].
func (r *Registry) Provider(ctx context.Context, name string) (sdk.Provider, error) {
	began := r.clock.Now()
	done := r.observe("provider started", "provider", name)
	p, err := r.host.Provider(ctx, name)
	if err != nil || r.clock.Now().After(began) { // one that runs is there at once
		done(err)
	}
	if err != nil {
		return nil, err
	}
	return &observed{r.withDefinitions(p, name), name, r.observe}, nil
}

// All returns what is offered, by descriptions that may be cached. A provider that cannot be described is left out
// and kept for [Registry.Broken].
func (r *Registry) All(ctx context.Context) (*source.Catalog, error) {
	r.Describe(ctx, r.host.Names()...)
	r.define(ctx, r.config...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.Known()
}

// Describe asks the providers at once, but for those that have answered already, or failed to.
func (r *Registry) Describe(ctx context.Context, names ...string) {
	var wg sync.WaitGroup
	for _, name := range names {
		if r.asked(name) {
			continue
		}
		wg.Go(func() {
			done := r.observe("provider described", "provider", name)
			d, err := r.host.DescribeCached(ctx, name)
			done(err)
			if err == nil || ctx.Err() == nil { // a call that was cut says nothing of the provider
				r.keep(name, d, err)
			}
		})
	}
	wg.Wait()
}

func (r *Registry) asked(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, described := r.described[name]
	return described || r.broken[name] != nil
}

// keep takes an answer that may be cached: one of the running provider stays in its place.
func (r *Registry) keep(name string, d *sdk.Description, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.live[name]:
	case err != nil:
		r.broken[name] = err
	default:
		r.described[name] = *d
	}
}

// Broken returns why providers could not be described, in the order of their names.
func (r *Registry) Broken() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []error
	for _, name := range r.host.Names() {
		if err := r.broken[name]; err != nil {
			out = append(out, err)
		}
	}
	for _, c := range r.config {
		if err := r.answers[c.ID].err; err != nil {
			out = append(out, err)
		}
	}
	return out
}

// Known returns the catalogue of what is known so far. It asks no provider.
func (r *Registry) Known() (*source.Catalog, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return source.Load(r.config, r.list())
}

// list has what is known of each provider. The caller holds the lock.
func (r *Registry) list() (list []source.Described) {
	for _, name := range r.host.Names() {
		d, ok := r.described[name]
		list = append(list, source.Described{Provider: name, Description: d, Broken: !ok, Defined: r.answersOf(name)})
	}
	return list
}

// Find implements session.Sources: the source as its running provider describes it.
func (r *Registry) Find(ctx context.Context, id string) (source.Source, error) {
	found, err := r.Lookup(ctx, id)
	if err != nil {
		return found, err
	}
	r.mu.Lock()
	live := r.live[found.Provider]
	r.mu.Unlock()
	c, has := r.row(id)
	if live && !has {
		return found, nil
	}
	if !live {
		if _, err := r.DescribeLive(ctx, found.Provider); err != nil {
			return found, err
		}
	}
	if has {
		if err := r.defineLive(ctx, c); err != nil {
			return found, err
		}
	}
	return r.Lookup(ctx, id)
}

// DescribeLive asks the running provider what it offers, starting it if need be. The answer counts from now on.
func (r *Registry) DescribeLive(ctx context.Context, name string) (*sdk.Description, error) {
	done := r.observe("provider described", "provider", name)
	d, err := r.host.Describe(ctx, name)
	done(err)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.described[name], r.live[name] = *d, true
	delete(r.broken, name)
	return d, nil
}

// Lookup finds a source in the catalogue. It starts no provider where it finds the source among what they said before: one
// that hangs must not hold up a session that has no need of it. Where the source is unknown and a provider could not be
// described, that is what is wrong.
func (r *Registry) Lookup(ctx context.Context, id string) (source.Source, error) {
	r.remember()
	if chosen := r.chosen(id); chosen != "" {
		r.Describe(ctx, chosen)
	}
	if c, has := r.row(id); has {
		r.define(ctx, c)
	}
	if found, err := r.find(id); problem.CodeOf(err) != source.CodeUnknown {
		return found, err
	}
	if _, err := r.All(ctx); err != nil {
		return source.Source{}, err
	}
	found, err := r.find(id)
	if why := r.whyUndefined(id); problem.CodeOf(err) == source.CodeUnknown && why != nil {
		return found, why
	}
	if broken := r.Broken(); problem.CodeOf(err) == source.CodeUnknown && len(broken) > 0 {
		return found, broken[0]
	}
	return found, err
}

// remember takes what the cache has of the providers that were not asked yet.
func (r *Registry) remember() {
	for _, name := range r.host.Names() {
		if r.asked(name) {
			continue
		}
		if d := r.host.Remembered(name); d != nil {
			r.keep(name, d, nil)
		}
	}
}

// chosen is the provider that the config chooses for a source, if it is installed; else "".
func (r *Registry) chosen(id string) string {
	at := slices.IndexFunc(r.config, func(c config.Source) bool { return c.ID == id })
	if at < 0 || !slices.Contains(r.host.Names(), r.config[at].Provider) {
		return ""
	}
	return r.config[at].Provider
}

// find looks a source up in what is known so far.
func (r *Registry) find(id string) (source.Source, error) {
	catalog, err := r.Known()
	if err != nil {
		return source.Source{}, err
	}
	return catalog.Find(id)
}

// Settings implements [Settings]. What a provider gets is what it declares now, and not what is remembered.
func (r *Registry) Settings(ctx context.Context, id, provider string) (sdk.Settings, error) {
	found, err := r.Lookup(ctx, id)
	if err == nil && found.Provider == provider {
		found, err = r.Find(ctx, id)
	}
	if err != nil {
		return sdk.Settings{}, err
	}
	return found.ResolveFor(ctx, provider, r.environ)
}

// Warm starts the providers of sources while the caller does something else. What it does not find is left to the one who
// needs it.
func (r *Registry) Warm(ctx context.Context, ids ...string) {
	var names []string
	for _, id := range ids {
		if src, err := r.Lookup(ctx, id); err == nil && !slices.Contains(names, src.Provider) {
			names = append(names, src.Provider)
		}
	}
	r.host.Warm(names...)
}
