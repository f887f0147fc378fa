package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// A source with a definition in the config is what its provider answers to that definition:
//
//	which provider ─▶ its schema for definitions of this source ─▶ the definition is checked ─▶ the source as it is then
//
// The provider gets the definition with each request for that source, and none of another source.

// defined is what came of one definition.
type defined struct {
	source.Defined
	provider string
	// live: the running provider has answered, and not the cache.
	live bool
	// err is why there is no answer: the provider's fault.
	err error
}

// row returns what the config says of a source that it defines.
func (r *Registry) row(id string) (config.Source, bool) {
	i := slices.IndexFunc(r.config, func(c config.Source) bool { return c.ID == id && c.Definition != nil })
	if i < 0 {
		return config.Source{}, false
	}
	return r.config[i], true
}

// define gets the answers to the definitions of these sources, those that may be cached; all at once.
func (r *Registry) define(ctx context.Context, rows ...config.Source) {
	var wg sync.WaitGroup
	for _, c := range rows {
		if name := r.definer(c); name != "" {
			wg.Go(func() { r.defineOne(ctx, name, c, false) })
		}
	}
	wg.Wait()
}

// definer is the provider that gets a definition of the config; "" where the source has none, or nobody is known who could.
func (r *Registry) definer(c config.Source) string {
	if c.Definition == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := source.Definer(c, r.list(""))
	if r.broken[name] != nil {
		return ""
	}
	return name
}

// defineOne gets the answer of a provider to one definition, unless it is there.
func (r *Registry) defineOne(ctx context.Context, name string, c config.Source, live bool) {
	r.mu.Lock()
	last, answered := r.answers[c.ID]
	r.mu.Unlock()
	if answered && last.provider == name && (last.live || !live) {
		return
	}
	checked := answered && last.provider == name && last.err == nil && len(last.Problems) == 0
	answer := r.askToDefine(ctx, name, c, live, checked)
	if ctx.Err() != nil {
		return // a call that was cut says nothing of the provider
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.answers[c.ID]; live || !last.live || last.provider != name {
		r.answers[c.ID] = answer
	}
}

// askToDefine checks a definition, and asks its provider what the source is.
func (r *Registry) askToDefine(ctx context.Context, name string, c config.Source, live, checked bool) defined {
	answer := defined{provider: name, live: live}
	describe := r.host.DescribeSourceCached
	if live {
		describe = r.host.DescribeSource
	}
	if !checked {
		if answer.Problems, answer.err = checkDefinition(ctx, name, c, describe); answer.err != nil || len(answer.Problems) > 0 {
			answer.Broken = answer.err != nil
			return answer
		}
	}
	done := r.observe("source described", "provider", r.host.Label(name, c.ID))
	d, err := describe(ctx, name, &sdk.DescribeRequest{Source: c.ID, Definition: c.Definition.Sent()})
	done(err)
	said := (*sdk.Error)(nil)
	switch {
	case errors.As(err, &said):
		answer.Problems = source.RefusedDefinition(c, said)
	case err != nil:
		answer.err, answer.Broken = err, true
	default:
		answer.Description = *d
	}
	return answer
}

// checkDefinition holds a definition against the provider's schema for this source.
func checkDefinition(ctx context.Context, name string, c config.Source, describe describeSource) ([]string, error) {
	d, err := describe(ctx, name, &sdk.DescribeRequest{Source: c.ID})
	if err != nil {
		return nil, err
	}
	return source.CheckDefinition(c, name, d.DefinitionSchema)
}

// describeSource is [Host.DescribeSource] or [Host.DescribeSourceCached].
type describeSource func(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error)

// defineLive asks the process of a source what the source is by its definition.
func (r *Registry) defineLive(ctx context.Context, name string, c config.Source) error {
	r.defineOne(ctx, name, c, true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.answers[c.ID].err; err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// answersOf are the answers of a provider. The caller holds the lock.
func (r *Registry) answersOf(name string) map[string]source.Defined {
	out := make(map[string]source.Defined)
	for id, a := range r.answers {
		if a.provider == name {
			out[id] = a.Defined
		}
	}
	return out
}

// whyUndefined is why the definition of a source has no answer, or nil.
func (r *Registry) whyUndefined(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answers[id].err
}

// defining gives a provider the definition of the source with each request.
type defining struct {
	sdk.Provider
	name     string
	registry *Registry
}

var (
	_ sdk.Provider  = (*defining)(nil)
	_ sdk.Refresher = (*defining)(nil)
	_ sdk.Checker   = (*defining)(nil)
)

// withDefinitions leaves a provider alone where the config defines no source.
func (r *Registry) withDefinitions(p sdk.Provider, name string) sdk.Provider {
	if !slices.ContainsFunc(r.config, func(c config.Source) bool { return c.Definition != nil }) {
		return p
	}
	return &defining{p, name, r}
}

// definition is that of a source, for a provider; nil where it has none, or is another provider's by now. It has been checked. A
// provider is not asked without a definition that there is: its endpoints may be those that a credential must not go to.
func (d *defining) definition(ctx context.Context, id string) (*sdk.Definition, error) {
	if _, has := d.registry.row(id); !has {
		return nil, nil
	}
	found, err := d.registry.Find(ctx, id)
	if err != nil || found.Provider != d.name {
		return nil, err
	}
	return found.Definition().Sent(), nil
}

// Connect implements [sdk.Provider].
func (d *defining) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	definition, err := d.definition(ctx, req.Source)
	if err != nil {
		return nil, err
	}
	with := *req
	with.Definition = definition
	return d.Provider.Connect(ctx, &with)
}

func (d *defining) with(ctx context.Context, req *sdk.CredentialRequest) (*sdk.CredentialRequest, error) {
	definition, err := d.definition(ctx, req.Source)
	with := *req
	with.Definition = definition
	return &with, err
}

// Disconnect implements [sdk.Provider].
func (d *defining) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	with, err := d.with(ctx, req)
	if err != nil {
		return err
	}
	return d.Provider.Disconnect(ctx, with)
}

// Refresh implements [sdk.Refresher], as the providers of the host do.
func (d *defining) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	with, err := d.with(ctx, req)
	if err != nil {
		return nil, err
	}
	return refresh(ctx, d.Provider, with)
}

// Check implements [sdk.Checker], as the providers of the host do.
func (d *defining) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	with, err := d.with(ctx, req)
	if err != nil {
		return err
	}
	return check(ctx, d.Provider, with)
}

func refresh(ctx context.Context, p sdk.Provider, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	refresher, ok := p.(sdk.Refresher)
	if !ok {
		return nil, fmt.Errorf("a %T does not refresh", p)
	}
	return refresher.Refresh(ctx, req)
}

func check(ctx context.Context, p sdk.Provider, req *sdk.CredentialRequest) error {
	checker, ok := p.(sdk.Checker)
	if !ok {
		return fmt.Errorf("a %T does not check", p)
	}
	return checker.Check(ctx, req)
}

// silent is an observer that sees nothing.
func silent(string, ...any) func(error, ...any) { return func(error, ...any) {} }
