package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/humanconnect/humanconnect/core/admission"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/replay"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
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

	mu sync.Mutex
	// told are the warnings that were given; each is given once.
	told map[string]bool
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

// PrepareWith finds the providers of a config. Their descriptions are cached for the next process, and pins without sources
// completed, unless keep is false.
func (a *App) PrepareWith(cfg *config.Config, keep bool) (*Installation, error) {
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
	hosting, queue := a.HostOptions(specs), ""
	if keep {
		hosting.CacheDir, hosting.UserLock = cacheDir(cfg), o.UserLock
	}
	hosting.FindAgain = func() ([]plugins.Spec, error) {
		specs, _, err := plugins.Find(o)
		return specs, err
	}
	if hosting.CacheDir != "" {
		queue = filepath.Join(cfg.StateDir, "run", "start.queue")
	}
	gate := admission.New(queue)
	hosting.Admit = gate.Admit
	host := plugins.New(hosting)
	host.Hold()
	registry := provider.New(provider.Options{
		Host: host, Sources: cfg.Sources, Environ: a.Environ(), Clock: a.Clock, Observe: gate.Observe(a.IO.Stopwatch),
	})
	return &Installation{Config: cfg, Providers: registry, Specs: specs, app: a, gate: gate, told: make(map[string]bool)}, nil
}

// HostOptions say how this program runs providers. Nothing of them is kept.
func (a *App) HostOptions(specs []plugins.Spec) plugins.Options {
	log := a.IO.Logger()
	return plugins.Options{
		Specs: specs, RefuseDev: a.InCI(), RuntimeDir: a.Variable("XDG_RUNTIME_DIR"), TempDir: a.Variable("TMPDIR"), Environ: a.Environ(),
		Log:     func(process, line string) { log.Debug("provider", "name", process, "line", line) },
		Started: func(process string, pid int) { log.Debug("provider process", "name", process, "pid", pid) },
	}
}

func (a *App) findOptions(cfg *config.Config) (plugins.FindOptions, error) {
	o := plugins.FindOptions{}
	for _, p := range cfg.Providers {
		o.Configured = append(o.Configured, plugins.Spec{Name: p.Name, Command: p.Command, SHA256: p.SHA256, Dev: p.Dev})
	}
	// Without HOME, or with one that this user cannot look into, nobody has installed providers there.
	if data, err := a.dataDir(); err == nil {
		o.UserDir = reachable(filepath.Join(data, "providers"))
	}
	if lock, err := a.UserLock(); err == nil {
		o.UserLock = reachable(lock)
	}
	var err error
	o.CoreDir, err = a.coreDir()
	return o, err
}

// reachable returns a path, or "" if a directory on the way to it is none, or is closed to this user, or the directory itself is.
func reachable(path string) string {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		_, err = os.ReadDir(path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return ""
	}
	return path
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

// RequiredSecrets returns an error if the secret of a required hook cannot be read: what must be delivered could not be.
func (i *Installation) RequiredSecrets(ctx context.Context) error {
	for _, h := range i.Config.Hooks {
		if !h.Required || h.Secret == nil {
			continue
		}
		if _, err := h.Secret.Resolve(ctx, i.app.Environ()); err != nil {
			return err
		}
	}
	return nil
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

// Offered returns the sources to choose from, with progress. It warns of what was left out.
func (i *Installation) Offered(ctx context.Context) (*source.Catalog, error) {
	progress := i.app.IO.StartProgress(describingProviders)
	catalog, err := i.Providers.Offered(ctx)
	progress.Done()
	if err == nil {
		i.WarnOfSkipped()
		i.WarnOfConflicts(catalog.Conflicts())
	}
	return catalog, err
}

// Lookup finds a source in the catalogue, with progress. It warns of what was left out.
func (i *Installation) Lookup(ctx context.Context, id string) (source.Source, error) {
	progress := i.app.IO.StartProgress(describingProviders)
	found, err := i.Providers.Lookup(ctx, id)
	progress.Done()
	if err == nil {
		i.WarnOfSkipped()
	}
	return found, err
}

// FindLive reads a source from its running provider, with progress. It warns of what was left out.
func (i *Installation) FindLive(ctx context.Context, id string) (source.Source, error) {
	progress := i.app.IO.StartProgress(describingProviders)
	found, err := i.Providers.Find(ctx, id)
	progress.Done()
	if err == nil {
		i.WarnOfSkipped()
	}
	return found, err
}

// WarnOfSkipped warns, once of each, of the providers that could not be asked so far. One that was left out of the installation is
// not missed until a source of it is needed.
func (i *Installation) WarnOfSkipped() {
	for _, broken := range i.Providers.Broken() {
		if problem.Is(broken, plugins.CodeMissing) {
			continue
		}
		i.warnOnce(fmt.Sprintf("skipped: %s [%s]", broken, problem.CodeOf(broken)), hintOf(broken))
	}
}

// shownConflicts is how many conflicts are listed.
const shownConflicts = 10

// WarnOfConflicts warns of the sources that are refused because several providers claim them.
func (i *Installation) WarnOfConflicts(conflicts []source.Conflict) {
	for n, c := range conflicts {
		if n == shownConflicts {
			i.warnOnce(fmt.Sprintf("skipped: %d more sources that several providers offer", len(conflicts)-n), "")
			return
		}
		i.warnOnce(fmt.Sprintf("skipped: %s [%s]", c.Text(), source.CodeConflict), c.Hint())
	}
}

func (i *Installation) warnOnce(text, hint string) {
	i.mu.Lock()
	told := i.told[text]
	i.told[text] = true
	i.mu.Unlock()
	if !told {
		i.app.IO.Warn("%s", text)
		i.app.IO.Hint(hint)
	}
}

// hintOf is the first hint of an error, or "".
func hintOf(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) && len(p.Hints()) > 0 {
		return p.Hints()[0]
	}
	return ""
}

const describingProviders = "reading the provider descriptions"

// Closed are the tokens whose sessions are known to be closed: a call with one needs no provider.
func (i *Installation) Closed() replay.Closed { return replay.In(i.Config.StateDir) }

// Warm starts the providers of a script in the background. It warns of what was left out.
func (i *Installation) Warm(ctx context.Context, script session.Script) {
	var ids []string
	for _, a := range script.Actions {
		if a.Kind == store.ActionConnect && host.ValidID(a.Target) {
			ids = append(ids, a.Target)
		}
	}
	progress := i.app.IO.StartProgress(describingProviders)
	err := i.Providers.Warm(ctx, ids...)
	progress.Done()
	if err == nil {
		i.WarnOfSkipped()
	}
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
		a := session.Action{
			Kind: store.ActionConnect, Target: p.Target, Answers: make(map[string]sdk.Secret),
			At: problem.Place{File: p.At.File, Line: p.At.Line, Column: p.At.Column, Key: p.Key},
		}
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
