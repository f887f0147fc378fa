package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
)

// state is what a command that touches the state works with. Close it.
type state struct {
	app     *App
	config  *config.Config
	store   *sqlite.Store
	process *process.Process
	sources *sources
	engine  *session.Engine
	// tokens are those of this installation; the engine's may be another service's.
	tokens     *token.Local
	hooks      []hook.Hook
	dispatcher *hook.Dispatcher
	noHooks    bool
	// read is the config file as it was found before it was read; own, the deliveries that this call tells of.
	read os.FileInfo
	own  audience
}

type stateOptions struct {
	// noHooks keeps what this call does from the hooks of the config, and this call from telling them anything.
	noHooks bool
}

// settleTime is how long a command that is not open waits for the hooks that it caused to be told.
const settleTime = 30 * time.Second

// openState opens config, state and providers, and closes the sessions whose end has passed. Providers are found, and
// none is started.
func (a *App) openState(ctx context.Context, o stateOptions) (*state, error) {
	st, err := a.prepare()
	if err != nil {
		return nil, err
	}
	if err := st.open(ctx, o); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// prepare reads the config and finds the providers; the state is not opened yet.
func (a *App) prepare() (*state, error) {
	before := a.configFile()
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	st, err := a.prepareWith(cfg, cacheDir(cfg))
	if err == nil {
		st.read = before
	}
	return st, err
}

// cacheDir is where is kept what can be asked again. It is "" where there cannot be a state; whoever opens one is told why.
func cacheDir(cfg *config.Config) string {
	if cfg.StateDir == "" || sqlite.Prepare(cfg.StateDir) != nil {
		return ""
	}
	return filepath.Join(cfg.StateDir, "cache")
}

func (a *App) prepareWith(cfg *config.Config, cacheDir string) (*state, error) {
	srcs, err := a.openSources(cfg, cacheDir)
	if err != nil {
		return nil, err
	}
	return &state{app: a, config: cfg, sources: srcs}, nil
}

// open opens the state of a prepared one.
func (st *state) open(ctx context.Context, o stateOptions) (err error) {
	done := stopwatch(st.app.logger(), st.app.Clock, "state opened")
	st.store, err = st.app.openStore(ctx, st.config)
	done(err)
	if err != nil {
		return err
	}
	st.hooks = st.app.hooksOf(st.config)
	st.noHooks = o.noHooks
	if err := st.assemble(st.configured()); err != nil {
		return err
	}
	return st.engine.CloseOverdue(ctx)
}

func (a *App) openStore(ctx context.Context, cfg *config.Config) (*sqlite.Store, error) {
	return sqlite.Open(ctx, a.storeOptions(cfg))
}

func (a *App) storeOptions(cfg *config.Config) sqlite.Options {
	o := sqlite.Options{Dir: cfg.StateDir}
	if cfg.Store.Key != nil {
		o.Key = a.masterKey(cfg.Store.Key)
	}
	return o
}

func (st *state) assemble(configured hook.Configured) error {
	place, err := st.app.place()
	if err != nil {
		return err
	}
	if st.process, err = process.Register(st.config.StateDir); err != nil {
		return problem.New("store_path", "this process cannot be made known to others").Because(err).
			Hint("see that you may write to the directory %s, or remove it", filepath.Join(st.config.StateDir, "run"))
	}
	st.app.logger().Debug("known to others", "process", st.process.Self())
	st.tokens = token.NewLocal(st.store, st.app.Clock)
	checker, err := st.checker(st.store, cacheDir(st.config))
	if err != nil {
		return err
	}
	st.dispatcher = hook.New(hook.Options{
		Store: st.store, Hooks: configured, Liveness: st.process, Clock: st.app.Clock,
		Sender: st.app.sender(st.secret), FlagHooks: true, UID: place.UID, Host: place.Host, Report: st.reportHook,
	})
	told := st.hooks
	if st.noHooks {
		told = nil
	}
	st.engine, err = session.New(session.Options{
		Store: st.store, Checker: checker, Sources: st.sources, Providers: st.sources, Liveness: process.Patient{Process: st.process},
		Clock: st.app.Clock, Hooks: told, Wake: st.dispatcher.Wake,
	})
	return err
}

// Close stops the providers and, at the same time, releases the state. What was acknowledged is on the disk already, so
// nothing that goes wrong here is the caller's business.
func (st *state) Close() {
	var stopping sync.WaitGroup
	stopping.Go(st.sources.close)
	defer stopping.Wait()
	if st.process != nil {
		_ = st.process.Close()
	}
	if st.store != nil {
		_ = st.store.Close()
	}
}

// view runs a read-only transaction on the state of this command.
func (a *App) view(ctx context.Context, f func(store.Tx) error) error {
	st, err := a.openState(ctx, stateOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	return st.store.View(ctx, f)
}

// settle tells the hooks what a command just caused, in a scope, unless it failed, and returns what it failed with. What
// comes of the telling is no failure: what the command did is done, and what is left to tell is kept.
func (st *state) settle(ctx context.Context, caused hook.Scope, err error) error {
	if err != nil {
		return err
	}
	st.own.listen(caused)
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tally, err := st.tell(ctx, caused)
	if err != nil {
		st.app.warn("the hooks were not told: %s; they are by: humanconnect delivery run", err)
	}
	st.app.sayPending(tally)
	return nil
}

func (st *state) tell(ctx context.Context, caused hook.Scope) (hook.Tally, error) {
	defer st.app.startProgress("telling the hooks").Done()
	return st.dispatcher.Once(ctx, caused)
}

// chores are the work that open does beside its session: deliveries, and revocations that are due.
type chores struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// choresDelay is how long a call lasts before it begins with the work that is nobody's own. A shorter one would be over
// before any of it is: it would only be held up, and a try that is cut is one in vain.
const choresDelay = 50 * time.Millisecond

// startChores sweeps up after dead processes, and begins the work if the call lasts long enough. What fails of it is tried
// again by whoever comes next. own are the deliveries that the call tells of.
func (st *state) startChores(own hook.Scope) *chores {
	st.own.listen(own)
	ctx, cancel := context.WithCancel(st.app.Signals.Stopping())
	b := &chores{cancel: cancel}
	scope := hook.Scope{}
	if st.noHooks {
		scope = own
	}
	begun, stop := st.app.Clock.After(choresDelay)
	b.wg.Go(func() {
		defer stop()
		if _, err := process.Sweep(st.config.StateDir); err != nil {
			st.app.logger().Debug("files of dead processes", "error", err)
		}
		select {
		case <-begun:
		case <-ctx.Done():
			return
		}
		b.wg.Go(func() {
			if err := st.dispatcher.Run(ctx, scope); err != nil {
				st.app.warn("the hooks are told no more before the end: %s", err)
			}
		})
		if _, err := st.engine.RevokeDue(ctx); err != nil && ctx.Err() == nil {
			st.app.logger().Debug("revocations that are due", "error", err)
		}
	})
	return b
}

// stop ends the work and waits for it; a delivery that is under way is stopped and tried again by whoever comes next.
func (b *chores) stop() {
	b.cancel()
	b.wg.Wait()
}

// masterKey resolves the reference to the key of the state.
func (a *App) masterKey(ref *config.SecretRef) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		s, err := ref.Resolve(ctx, a.Environ())
		if err != nil {
			return nil, err
		}
		return decodeKey(s.Reveal())
	}
}
