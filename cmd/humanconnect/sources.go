package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// stopTime bounds how long the providers of a command that is done are stopped.
const stopTime = 3 * time.Second

// sources are what the installed providers and the config offer. It implements the Sources and Providers of core. What
// there is comes from descriptions that may be cached; what a session works with is asked of the provider itself.
type sources struct {
	host     *plugins.Host
	specs    []plugins.Spec
	warnings []plugins.Warning
	config   []config.Source
	environ  config.Environment
	log      *slog.Logger
	clock    clock.Clock

	// mu guards the rest.
	mu        sync.Mutex
	described map[string]sdk.Description
	live      map[string]bool
	// broken has the providers that could not be described. They are not asked again: each time may take its whole limit.
	broken map[string]error
}

var _ session.Sources = (*sources)(nil)

// openSources finds the providers and starts none. What they say of themselves is kept in cacheDir; "" keeps nothing.
func (a *App) openSources(cfg *config.Config, cacheDir string) (*sources, error) {
	o, err := a.findOptions(cfg)
	if err != nil {
		return nil, err
	}
	log := a.logger()
	done := stopwatch(log, a.Clock, "providers found")
	specs, warnings, err := plugins.Find(o)
	done(err, "providers", len(specs))
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		a.warn("%s", w)
	}
	return &sources{
		host: plugins.New(plugins.Options{
			Specs: specs, RefuseDev: a.inCI(), CacheDir: cacheDir,
			RuntimeDir: a.env("XDG_RUNTIME_DIR"), Environ: a.Environ(),
			Log: func(provider, line string) { log.Debug("provider", "name", provider, "line", line) },
		}),
		specs: specs, warnings: warnings, config: cfg.Sources, environ: a.Environ(), log: log, clock: a.Clock,
		described: make(map[string]sdk.Description), live: make(map[string]bool), broken: make(map[string]error),
	}, nil
}

func (a *App) findOptions(cfg *config.Config) (plugins.FindOptions, error) {
	o := plugins.FindOptions{}
	for _, p := range cfg.Providers {
		o.Configured = append(o.Configured, plugins.Spec{Name: p.Name, Command: p.Command, SHA256: p.SHA256, Dev: p.Dev})
	}
	data, err := a.dataDir()
	if err != nil {
		return o, err
	}
	o.UserDir = filepath.Join(data, "providers")
	if o.UserLock, err = a.userLock(); err != nil {
		return o, err
	}
	exe, err := a.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	o.CoreDir = filepath.Dir(exe)
	return o, nil
}

// userLock is where the user's lock of providers is.
func (a *App) userLock() (string, error) {
	dir, err := a.configDir()
	return filepath.Join(dir, plugins.LockName), err
}

// close stops the providers. A process that does not go has lost its lifeline with ours.
func (s *sources) close() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	done := stopwatch(s.log, s.clock, "providers stopped")
	done(s.host.Close(ctx))
}

// Provider implements connection.Providers.
func (s *sources) Provider(ctx context.Context, name string) (sdk.Provider, error) {
	began := s.clock.Now()
	done := stopwatch(s.log, s.clock, "provider started", "provider", name)
	p, err := s.host.Provider(ctx, name)
	if err != nil || s.clock.Now().After(began) { // one that runs is there at once
		done(err)
	}
	if err != nil {
		return nil, err
	}
	return &watched{p, name, s.log, s.clock}, nil
}

// catalog returns what is offered, by descriptions that may be cached. A provider that cannot be described is left out
// and kept in broken.
func (s *sources) catalog(ctx context.Context) (*source.Catalog, error) {
	s.describe(ctx, s.host.Names()...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return s.merge()
}

// describe asks the providers at once, but for those that have answered already, or failed to.
func (s *sources) describe(ctx context.Context, names ...string) {
	var wg sync.WaitGroup
	for _, name := range names {
		if s.asked(name) {
			continue
		}
		wg.Go(func() {
			done := stopwatch(s.log, s.clock, "provider described", "provider", name)
			d, err := s.host.DescribeCached(ctx, name)
			done(err)
			if err == nil || ctx.Err() == nil { // a call that was cut says nothing of the provider
				s.keep(name, d, err)
			}
		})
	}
	wg.Wait()
}

func (s *sources) asked(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, described := s.described[name]
	return described || s.broken[name] != nil
}

func (s *sources) keep(name string, d *sdk.Description, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.broken[name] = err
		return
	}
	s.described[name] = *d
}

// brokenOnes returns why providers could not be described, in the order of their names.
func (s *sources) brokenOnes() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []error
	for _, spec := range s.specs {
		if err := s.broken[spec.Name]; err != nil {
			out = append(out, err)
		}
	}
	return out
}

func (s *sources) merge() (*source.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []source.Described
	for _, name := range s.host.Names() {
		d, ok := s.described[name]
		list = append(list, source.Described{Provider: name, Description: d, Broken: !ok})
	}
	return source.Load(s.config, list)
}

// Find implements session.Sources: the source as its running provider describes it.
func (s *sources) Find(ctx context.Context, id string) (source.Source, error) {
	found, err := s.look(ctx, id)
	if err != nil {
		return found, err
	}
	s.mu.Lock()
	live := s.live[found.Provider]
	s.mu.Unlock()
	if live {
		return found, nil
	}
	done := stopwatch(s.log, s.clock, "provider described", "provider", found.Provider)
	d, err := s.host.Describe(ctx, found.Provider)
	done(err)
	if err != nil {
		return found, err
	}
	s.keep(found.Provider, d, nil)
	s.mu.Lock()
	s.live[found.Provider] = true
	s.mu.Unlock()
	return s.look(ctx, id)
}

// look finds a source in the catalogue. It starts no provider where it finds the source among what they said before: one
// that hangs must not hold up a session that has no need of it. Where the source is unknown and a provider could not be
// described, that is what is wrong.
func (s *sources) look(ctx context.Context, id string) (source.Source, error) {
	s.remember()
	if chosen := s.chosen(id); chosen != "" {
		s.describe(ctx, chosen)
	}
	if found, err := s.find(id); problem.CodeOf(err) != source.CodeUnknown {
		return found, err
	}
	if _, err := s.catalog(ctx); err != nil {
		return source.Source{}, err
	}
	found, err := s.find(id)
	if broken := s.brokenOnes(); problem.CodeOf(err) == source.CodeUnknown && len(broken) > 0 {
		return found, broken[0]
	}
	return found, err
}

// remember takes what the cache has of the providers that were not asked yet.
func (s *sources) remember() {
	for _, name := range s.host.Names() {
		if s.asked(name) {
			continue
		}
		if d := s.host.Remembered(name); d != nil {
			s.keep(name, d, nil)
		}
	}
}

// chosen is the provider that the config chooses for a source, if it is installed; else "".
func (s *sources) chosen(id string) string {
	at := slices.IndexFunc(s.config, func(c config.Source) bool { return c.ID == id })
	if at < 0 || !slices.Contains(s.host.Names(), s.config[at].Provider) {
		return ""
	}
	return s.config[at].Provider
}

// find looks a source up in what is known so far.
func (s *sources) find(id string) (source.Source, error) {
	catalog, err := s.merge()
	if err != nil {
		return source.Source{}, err
	}
	return catalog.Find(id)
}

// Settings implements connection.Settings. What a provider gets is what it declares now, and not what is remembered.
func (s *sources) Settings(ctx context.Context, id, provider string) (sdk.Settings, error) {
	found, err := s.look(ctx, id)
	if err == nil && found.Provider == provider {
		found, err = s.Find(ctx, id)
	}
	if err != nil {
		return sdk.Settings{}, err
	}
	return found.ResolveFor(ctx, provider, s.environ)
}

// catalog is that of the sources, with progress.
func (st *state) catalog(ctx context.Context) (*source.Catalog, error) {
	defer st.app.startProgress(askingProviders).Done()
	return st.sources.catalog(ctx)
}

// look finds a source in the catalogue, with progress.
func (st *state) look(ctx context.Context, id string) (source.Source, error) {
	defer st.app.startProgress(askingProviders).Done()
	return st.sources.look(ctx, id)
}

// findLive asks the provider of a source for it, with progress.
func (st *state) findLive(ctx context.Context, id string) (source.Source, error) {
	defer st.app.startProgress(askingProviders).Done()
	return st.sources.Find(ctx, id)
}

const askingProviders = "asking the providers what they offer"

// warm starts the providers of a script while the state is opened. What it does not find, whoever needs it is told of.
func (st *state) warm(ctx context.Context, script session.Script) {
	var names []string
	for _, a := range script.Actions {
		if a.Kind != actionConnect || !host.ValidID(a.Target) {
			continue
		}
		if src, err := st.look(ctx, a.Target); err == nil && !slices.Contains(names, src.Provider) {
			names = append(names, src.Provider)
		}
	}
	st.sources.host.Warm(names...)
}

// loadConfig reads the config and says its warnings.
func (a *App) loadConfig() (*config.Config, error) {
	done := stopwatch(a.logger(), a.Clock, "config read")
	cfg, warnings, err := config.Load(a.configOptions())
	if err == nil {
		done(nil, "file", orNone(cfg.File), "state", cfg.StateDir)
	}
	a.sayWarnings(warnings)
	return cfg, err
}

func (a *App) sayWarnings(warnings []config.Warning) {
	for _, w := range warnings {
		a.warn("%s", w.Message)
		if w.Hint != "" && !a.global.quiet {
			_, _ = fmt.Fprintf(a.Streams.Err, "humanconnect: hint: %s\n", clean(w.Hint))
		}
	}
}

// planned is what the plan file, else the plan of the config, says to do.
func (st *state) planned(ctx context.Context, path string) ([]session.Action, error) {
	plan := st.config.Plan
	if path != "" {
		read, warnings, err := config.ReadPlan(path, st.app.UID)
		st.app.sayWarnings(warnings)
		if err != nil {
			return nil, err
		}
		plan = read
	}
	if plan == nil {
		return nil, nil
	}
	actions := make([]session.Action, len(plan.Actions))
	for i, p := range plan.Actions {
		a := session.Action{Kind: actionConnect, Target: p.Target, Answers: make(map[string]sdk.Secret)}
		if p.Kind == config.Disconnect {
			a.Kind = actionDisconnect
		}
		for field, value := range p.Answers {
			text, err := st.resolve(ctx, value)
			if err != nil {
				return nil, err
			}
			a.Answers[field] = text
		}
		actions[i] = a
	}
	return actions, nil
}

func (st *state) resolve(ctx context.Context, v config.Value) (sdk.Secret, error) {
	if v.Ref == nil {
		return v.Text, nil
	}
	return v.Ref.Resolve(ctx, st.app.Environ())
}

// asPath is errors.As for what os says of a path.
func asPath(err error, into **os.PathError) bool {
	p, ok := err.(*os.PathError) //nolint:errorlint // os returns it unwrapped
	if ok {
		*into = p
	}
	return ok
}
