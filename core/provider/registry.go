package provider

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
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
	// live has what the processes of sources said of them.
	live map[key]sdk.Description
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
		described: make(map[string]sdk.Description), live: make(map[key]sdk.Description), broken: make(map[string]error),
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
func (r *Registry) Provider(ctx context.Context, name, id string) (sdk.Provider, error) {
	began, label := r.clock.Now(), r.host.Label(name, id)
	done := r.observe("provider started", "provider", label)
	p, err := r.host.Provider(ctx, name, id)
	if err != nil || r.clock.Now().After(began) { // one that runs is there at once
		done(err)
	}
	if err != nil {
		return nil, err
	}
	return &observed{Provider: r.withDefinitions(p, name), label: label, source: id, observe: r.observe, find: r.find}, nil
}

// All returns what is offered, by descriptions that may be cached. A provider that cannot be described is left out
// and kept for [Registry.Broken].
func (r *Registry) All(ctx context.Context) (*source.Catalog, error) {
	r.complete(ctx)
	r.Describe(ctx, r.host.Names()...)
	r.define(ctx, r.config...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.Known()
}

// Offered is All that does not ask the providers whose pins have no sources: one that hangs would hold up what has no need of it.
func (r *Registry) Offered(ctx context.Context) (*source.Catalog, error) {
	r.complete(ctx)
	r.Describe(ctx, slices.DeleteFunc(slices.Clone(r.host.Names()), r.claimsNothing)...)
	r.define(ctx, r.config...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.Known()
}

func (r *Registry) claimsNothing(name string) bool {
	claims, known := r.host.Claims(name)
	return known && len(claims) == 0
}

// complete asks the running providers whose claims are not known: all of them at once, because a claim that is not known could
// be on any source. One that does not answer has no claims.
func (r *Registry) complete(ctx context.Context) {
	var unknown []string
	for _, name := range r.host.Names() {
		if _, known := r.host.Claims(name); !known {
			unknown = append(unknown, name)
		}
	}
	r.ask(ctx, r.host.Describe, unknown...)
}

// Describe asks the providers at once, but for those that have answered already, or failed to.
func (r *Registry) Describe(ctx context.Context, names ...string) {
	r.ask(ctx, r.host.DescribeCached, names...)
}

func (r *Registry) ask(ctx context.Context, describe func(context.Context, string) (*sdk.Description, error), names ...string) {
	var wg sync.WaitGroup
	for _, name := range names {
		if r.asked(name) {
			continue
		}
		wg.Go(func() {
			done := r.observe("provider described", "provider", name)
			d, err := describe(ctx, name)
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

// keep takes an answer that may be cached: one that is there stays.
func (r *Registry) keep(name string, d *sdk.Description, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, described := r.described[name]
	switch {
	case described:
	case err != nil:
		r.broken[name] = err
	default:
		r.described[name] = *d
	}
}

// Broken returns why providers could not be described, in the order of their names.
func (r *Registry) Broken() []error {
	out := r.brokenOf(r.host.Names())
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.config {
		if err := r.answers[c.ID].err; err != nil {
			out = append(out, err)
		}
	}
	return out
}

func (r *Registry) brokenOf(names []string) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []error
	for _, name := range names {
		if err := r.broken[name]; err != nil {
			out = append(out, err)
		}
	}
	return out
}

// Known returns the catalogue of what is known so far. It asks no provider.
func (r *Registry) Known() (*source.Catalog, error) { return r.load(r.config, "") }

// load makes the catalogue of what is known. Of the source it takes what its own process said, if it did.
func (r *Registry) load(chosen []config.Source, id string) (*source.Catalog, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return source.Load(chosen, r.list(id))
}

// list has what is known of each provider. The caller holds the lock.
func (r *Registry) list(id string) (list []source.Described) {
	for _, name := range r.host.Names() {
		d, ok := r.live[key{name, id}]
		if !ok {
			d, ok = r.described[name]
		}
		claims, known := r.host.Claims(name)
		// One that was not asked about a source since it claims others is not what is wrong with it.
		another := id != "" && known && len(claims) > 0 && !slices.Contains(claims, id)
		list = append(list, source.Described{Provider: name, Description: d, Claims: claims, Broken: !ok && !another, Defined: r.answersOf(name)})
	}
	return list
}

// Conflicts lists the sources that are refused because several providers claim them, as far as claims are known.
func (r *Registry) Conflicts() []source.Conflict {
	claims := make(map[string][]string)
	for _, name := range r.host.Names() {
		claims[name], _ = r.host.Claims(name)
	}
	return source.Conflicts(r.config, claims)
}

// Find implements session.Sources: the source as its own process describes it, which is started if need be.
func (r *Registry) Find(ctx context.Context, id string) (source.Source, error) {
	name, err := r.claimant(ctx, id)
	if err != nil {
		return source.Source{}, err
	}
	if c, has := r.row(id); has {
		err = r.defineLive(ctx, name, c)
	} else {
		err = r.describeSource(ctx, name, id)
	}
	if err != nil {
		return source.Source{}, err
	}
	return r.find(id)
}

// describeSource asks the process of a source, unless it has answered in this run.
func (r *Registry) describeSource(ctx context.Context, name, id string) error {
	if r.isLive(name, id) {
		return nil
	}
	done := r.observe("provider described", "provider", r.host.Label(name, id))
	d, err := r.host.DescribeSource(ctx, name, &sdk.DescribeRequest{Source: id})
	done(err)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[key{name, id}] = *d
	return nil
}

func (r *Registry) isLive(name, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, live := r.live[key{name, id}]
	return live
}

// DescribeLive asks a provider what it offers, in a process that only describes. The answer counts from now on.
func (r *Registry) DescribeLive(ctx context.Context, name string) (*sdk.Description, error) {
	done := r.observe("provider described", "provider", name)
	d, err := r.host.Describe(ctx, name)
	done(err)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.described[name] = *d
	delete(r.broken, name)
	return d, nil
}

// Lookup finds a source, by a description that may be cached. It asks the provider whose source it is, and none besides: one
// that hangs must not hold up a session that has no need of it.
func (r *Registry) Lookup(ctx context.Context, id string) (source.Source, error) {
	name, err := r.claimant(ctx, id)
	if err != nil {
		return source.Source{}, err
	}
	if c, has := r.row(id); has {
		r.defineOne(ctx, name, c, false)
		if why := r.whyUndefined(id); why != nil || ctx.Err() != nil {
			return source.Source{}, cmp.Or(why, context.Cause(ctx))
		}
		return r.find(id)
	}
	if r.isLive(name, id) {
		return r.find(id)
	}
	r.Describe(ctx, name)
	if ctx.Err() != nil {
		return source.Source{}, context.Cause(ctx)
	}
	if broken := r.brokenOf([]string{name}); len(broken) > 0 {
		return source.Source{}, broken[0]
	}
	return r.find(id)
}

// claimant returns the provider of a source: the one that the config chooses, else the only one that claims it. Nothing else
// decides it: no cache, and not who answers.
func (r *Registry) claimant(ctx context.Context, id string) (string, error) {
	if of := r.configOf(id); len(of) > 0 && of[0].Provider != "" {
		if !slices.Contains(r.host.Names(), of[0].Provider) {
			_, err := r.find(id)
			return "", err
		}
		return of[0].Provider, nil
	}
	r.complete(ctx)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	switch names := r.claimants(id); len(names) {
	case 0:
		return "", r.unclaimed(ctx, id)
	case 1:
		return names[0], nil
	}
	_, err := r.find(id)
	return "", err
}

func (r *Registry) claimants(id string) []string {
	return slices.DeleteFunc(slices.Clone(r.host.Names()), func(name string) bool {
		claims, _ := r.host.Claims(name)
		return !slices.Contains(claims, id)
	})
}

// unclaimed is the problem of a source that nobody claims. A provider without claims may be the one that should: it is asked, and
// where it does not answer, that is what is wrong.
func (r *Registry) unclaimed(ctx context.Context, id string) error {
	names := slices.DeleteFunc(slices.Clone(r.host.Names()), func(name string) bool {
		claims, _ := r.host.Claims(name)
		return len(claims) > 0
	})
	r.ask(ctx, r.host.Describe, names...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if broken := r.brokenOf(names); len(broken) > 0 {
		return broken[0]
	}
	_, err := r.find(id)
	return err
}

// configOf is what the config says of a source.
func (r *Registry) configOf(id string) []config.Source {
	at := slices.IndexFunc(r.config, func(c config.Source) bool { return c.ID == id })
	if at < 0 {
		return nil
	}
	return r.config[at : at+1]
}

// find looks a source up in what is known so far. What the config says of other sources does not matter here.
func (r *Registry) find(id string) (source.Source, error) {
	catalog, err := r.load(r.configOf(id), id)
	if err != nil {
		return source.Source{}, err
	}
	return catalog.Find(id)
}

// Settings implements [Settings]. What a provider gets is what it declares now, and not what is remembered.
func (r *Registry) Settings(ctx context.Context, id, provider string) (sdk.Settings, error) {
	name, err := r.claimant(ctx, id)
	if err != nil || name != provider {
		return sdk.Settings{}, err
	}
	found, err := r.Find(ctx, id)
	if err != nil {
		return sdk.Settings{}, err
	}
	return found.ResolveFor(ctx, provider, r.environ)
}

// Warm starts the processes of sources while the caller does something else. What it does not find is left to the one who needs
// it; its error is that of the first.
func (r *Registry) Warm(ctx context.Context, ids ...string) error {
	var first error
	for _, id := range ids {
		name, err := r.claimant(ctx, id)
		if err == nil {
			r.host.Warm(name, id)
		}
		first = cmp.Or(first, err)
	}
	return first
}
