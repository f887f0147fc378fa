package app

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/humanconnect/humanconnect/core/admission"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Installation is the config and the providers that were found; none is started yet. The caller closes it.
type Installation struct {
	Config *config.Config
	// Providers has their sources, and Specs where each was found and how it is pinned.
	Providers *provider.Registry
	Specs     []plugins.Spec

	app   *App
	watch *config.Watch
	gate  *admission.Gate
	stop  sync.Once
}

// Prepare reads the config and finds the providers.
func (a *App) Prepare() (*Installation, error) {
	watch := config.NewWatch(a.ConfigOptions())
	cfg, err := a.LoadConfig()
	if err != nil {
		return nil, err
	}
	inst, err := a.PrepareWith(cfg, true)
	if err == nil {
		inst.watch = watch
	}
	return inst, err
}

// PrepareWith finds the providers of a config. Their descriptions are cached for the next process, unless cache is false.
func (a *App) PrepareWith(cfg *config.Config, cache bool) (*Installation, error) {
	o, err := a.findOptions(cfg)
	if err != nil {
		return nil, err
	}
	done := a.IO.Stopwatch("providers found")
	specs, warnings, err := plugins.Find(o)
	done(err, "providers", len(specs))
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		a.IO.Warn("%s", w)
	}
	dir := ""
	if cache {
		dir = cacheDir(cfg)
	}
	queue := ""
	if dir != "" {
		queue = filepath.Join(cfg.StateDir, "run", "start.queue")
	}
	gate := admission.New(queue)
	return &Installation{Config: cfg, Providers: a.registry(cfg, specs, dir, gate), Specs: specs, app: a, gate: gate}, nil
}

func (a *App) registry(cfg *config.Config, specs []plugins.Spec, cacheDir string, gate *admission.Gate) *provider.Registry {
	log := a.IO.Logger()
	host := plugins.New(plugins.Options{
		Specs: specs, RefuseDev: a.InCI(), CacheDir: cacheDir,
		RuntimeDir: a.Variable("XDG_RUNTIME_DIR"), Environ: a.Environ(),
		Admit: gate.Admit,
		Log:   func(provider, line string) { log.Debug("provider", "name", provider, "line", line) },
	})
	return provider.New(provider.Options{
		Host: host, Sources: cfg.Sources, Environ: a.Environ(), Clock: a.Clock, Observe: gate.Observe(a.IO.Stopwatch),
	})
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
	if o.UserLock, err = a.UserLock(); err != nil {
		return o, err
	}
	o.CoreDir, err = a.coreDir()
	return o, err
}

// cacheDir is the directory of cached descriptions and keys. It is "" if there can be no state; opening the state reports why.
func cacheDir(cfg *config.Config) string {
	if cfg.StateDir == "" || sqlite.Prepare(cfg.StateDir) != nil {
		return ""
	}
	return filepath.Join(cfg.StateDir, "cache")
}

// Close stops the providers. It may be called more than once.
func (i *Installation) Close() {
	i.stop.Do(func() {
		i.Providers.Close()
		i.gate.Close()
	})
}

// Admit waits until this process may begin with work that needs providers, where many do so at once. It returns the error
// of ctx, or nil.
func (i *Installation) Admit(ctx context.Context) error {
	defer i.app.IO.StartProgress("waiting for other commands").Done()
	return i.gate.Enter(ctx)
}

// Catalog returns every source, with progress.
func (i *Installation) Catalog(ctx context.Context) (*source.Catalog, error) {
	defer i.app.IO.StartProgress(describingProviders).Done()
	return i.Providers.All(ctx)
}

// Lookup finds a source in the catalogue, with progress.
func (i *Installation) Lookup(ctx context.Context, id string) (source.Source, error) {
	defer i.app.IO.StartProgress(describingProviders).Done()
	return i.Providers.Lookup(ctx, id)
}

// FindLive reads a source from its running provider, with progress.
func (i *Installation) FindLive(ctx context.Context, id string) (source.Source, error) {
	defer i.app.IO.StartProgress(describingProviders).Done()
	return i.Providers.Find(ctx, id)
}

const describingProviders = "reading the provider descriptions"

// Warm starts the providers of a script in the background.
func (i *Installation) Warm(ctx context.Context, script session.Script) {
	var ids []string
	for _, a := range script.Actions {
		if a.Kind == store.ActionConnect && host.ValidID(a.Target) {
			ids = append(ids, a.Target)
		}
	}
	defer i.app.IO.StartProgress(describingProviders).Done()
	i.Providers.Warm(ctx, ids...)
}

// Planned returns the actions of a plan file, or of the config's plan where path is "", with the answers that it refers to.
func (i *Installation) Planned(ctx context.Context, path string) ([]session.Action, error) {
	plan := i.Config.Plan
	if path != "" {
		read, warnings, err := config.ReadPlan(path, i.app.UID)
		i.app.Warn(warnings)
		if err != nil {
			return nil, err
		}
		plan = read
	}
	if plan == nil {
		return nil, nil
	}
	actions := make([]session.Action, len(plan.Actions))
	for n, p := range plan.Actions {
		a := session.Action{Kind: store.ActionConnect, Target: p.Target, Answers: make(map[string]sdk.Secret)}
		if p.Kind == config.Disconnect {
			a.Kind = store.ActionDisconnect
		}
		for field, value := range p.Answers {
			text, err := i.resolve(ctx, value)
			if err != nil {
				return nil, err
			}
			a.Answers[field] = text
		}
		actions[n] = a
	}
	return actions, nil
}

func (i *Installation) resolve(ctx context.Context, v config.Value) (sdk.Secret, error) {
	if v.Ref == nil {
		return v.Text, nil
	}
	return v.Ref.Resolve(ctx, i.app.Environ())
}
