package app

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/background"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// State is an installation with its state open. The caller closes it.
type State struct {
	*Installation
	Store  *sqlite.Store
	Engine *session.Engine
	// Tokens are those of this installation; the engine may check those of another service.
	Tokens *token.Local
	// Hooks are those of the config as it was read.
	Hooks      []hook.Hook
	Dispatcher *hook.Dispatcher
	// Audience says which reports of hooks are printed in full.
	Audience hook.Audience

	process *process.Process
	checker token.Checker
	noHooks bool
}

// Options of an open state.
type Options struct {
	// NoHooks creates and makes no deliveries to the hooks of the config.
	NoHooks bool
	// Read: a state that cannot be written to is opened for reading, with a warning; what would change it fails.
	Read bool
}

// Open opens config, state and providers, and closes the sessions whose end has passed. No provider is started.
func (a *App) Open(ctx context.Context, o Options) (*State, error) {
	inst, err := a.Prepare()
	if err != nil {
		return nil, err
	}
	return inst.Open(ctx, o)
}

// Open opens the state of an installation, which it closes where that fails.
func (i *Installation) Open(ctx context.Context, o Options) (*State, error) {
	st := &State{Installation: i, noHooks: o.NoHooks}
	err := st.open(ctx, o)
	if err != nil && o.Read && unwritable(err) {
		if reading := st.reopen(ctx, o, err); reading == nil {
			return st, nil
		}
	}
	if err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// unwritable says whether an error of opening the state may be one of writing alone.
func unwritable(err error) bool {
	return problem.Is(err, sqlite.CodePath) || problem.Is(err, sqlite.CodeFull)
}

// reopen opens for reading a state that cannot be opened otherwise, because of refusal.
func (st *State) reopen(ctx context.Context, o Options, refusal error) (err error) {
	st.closeStore()
	st.process = nil
	so := st.StoreOptions()
	so.ReadOnly, so.Refusal = true, refusal
	if st.Store, err = sqlite.Open(ctx, so); err != nil {
		return err
	}
	st.process = process.Observe(st.Config.StateDir)
	if err := st.assemble(o); err != nil {
		return err
	}
	st.app.IO.Warn("the state is shown as it is, since it cannot be written to: %s", refusal)
	return nil
}

func (st *State) open(ctx context.Context, o Options) (err error) {
	done := st.app.IO.Stopwatch("state opened")
	st.Store, err = sqlite.Open(ctx, st.StoreOptions())
	done(err)
	if err != nil {
		return err
	}
	st.Hooks = st.app.Hooks(st.Config)
	if err := st.assemble(o); err != nil {
		return err
	}
	return st.Engine.CloseOverdue(ctx)
}

// StoreOptions say how the state is opened.
func (i *Installation) StoreOptions() sqlite.Options { return i.app.StoreOptions(i.Config) }

// StoreOptions say how the state of a config is opened.
func (a *App) StoreOptions(cfg *config.Config) sqlite.Options {
	o := sqlite.Options{Dir: cfg.StateDir}
	if cfg.Store.Key != nil {
		o.Key = a.masterKey(cfg.Store.Key)
	}
	return o
}

// assemble builds the engine, the dispatcher and the token checker on the state.
func (st *State) assemble(o Options) error {
	place, err := st.app.Place()
	if err != nil {
		return err
	}
	if st.process == nil {
		st.process, err = process.Register(st.Config.StateDir)
	}
	if err != nil {
		return sqlite.FailedPath(err, "cannot register this process",
			"make the directory "+filepath.Join(st.Config.StateDir, "run")+" writable, or remove it")
	}
	st.app.IO.Logger().Debug("process registered", "process", st.process.Self())
	st.Tokens = token.NewLocal(st.Store, st.app.Clock)
	if st.checker, err = st.app.checker(st.Config, st.Store, cacheDir(st.Config)); err != nil {
		return err
	}
	st.Dispatcher = hook.New(hook.Options{
		Store: st.Store, Hooks: st.configured(), Liveness: st.process, Clock: st.app.Clock,
		Sender: st.app.Sender(st.HookSecret), FlagHooks: true, UID: place.UID, Host: place.Host, Report: st.reportHook,
		Abort: st.app.Signals.Stopping().Done(),
	})
	hooks := st.Hooks
	if st.noHooks {
		hooks = nil
	}
	st.Engine, err = session.New(session.Options{
		Store: st.Store, Checker: st.checker, Sources: st.Providers, Providers: st.Providers, Liveness: process.Confirming{Process: st.process},
		Clock: st.app.Clock, Hooks: hooks, Expiring: st.Config.Connection.ExpiringWithin, Prepare: st.Store.Prepare, Wake: st.Dispatcher.Wake,
	})
	return err
}

// Close stops the providers and, at the same time, closes the state. All acknowledged changes are on disk already, so
// errors are ignored.
func (st *State) Close() {
	var stopping sync.WaitGroup
	stopping.Go(st.Installation.Close)
	defer stopping.Wait()
	st.closeStore()
}

// closeStore closes what [State.open] has opened.
func (st *State) closeStore() {
	if st.process != nil {
		_ = st.process.Close()
	}
	if st.Store != nil {
		_ = st.Store.Close()
	}
}

// InspectToken tells what is known of a session token, whoever issued it.
func (st *State) InspectToken(ctx context.Context, t sdk.Secret) (token.Info, error) {
	return token.InspectWith(ctx, st.checker, st.Store, t)
}

// Now is the time of the state's clock.
func (st *State) Now() time.Time { return st.app.Clock.Now() }

// DeliverFallen delivers the events of connections that this command has found to need a reconnect; see [State.Deliver].
func (st *State) DeliverFallen(ctx context.Context) {
	for _, told := range st.Engine.Fell() {
		_ = st.Deliver(ctx, hook.Scope{Event: told}, nil) // it reports by itself
	}
}

// deliveryTime is how long a command other than open waits for the deliveries of its events.
const deliveryTime = 30 * time.Second

// Deliver delivers the events that a command just caused, in a scope, unless the command failed: then it returns err. A
// failed delivery is not an error of the command: it is kept and retried later.
func (st *State) Deliver(ctx context.Context, caused hook.Scope, err error) error {
	if err != nil {
		return err
	}
	st.Audience.Own(caused)
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	line := st.app.IO.StartProgress(DeliveringToHooks)
	tally, err := st.Dispatcher.Once(ctx, caused)
	line.Done()
	if err != nil {
		st.app.IO.Warn("hook delivery failed: %s; retry with: humanconnect delivery run", err)
	}
	st.WarnUndelivered(tally)
	return nil
}

// DeliveringToHooks is the progress text during deliveries.
const DeliveringToHooks = "delivering events to hooks"

// StartBackground starts the background work during a session, whose deliveries are own. The caller stops it.
func (st *State) StartBackground(own hook.Scope) *background.Work {
	st.Audience.Own(own)
	o := background.Options{
		StateDir: st.Config.StateDir, Clock: st.app.Clock, Log: st.app.IO.Logger(),
		Deliver: st.Dispatcher.Run, Revoke: st.Engine.RevokeDue,
		DeliveryStopped: func(err error) {
			st.app.IO.Warn("stopped delivering hook events: %s; pending deliveries are kept", err)
		},
	}
	if st.noHooks {
		o.Scope = own
	}
	return background.Start(st.app.Signals.Stopping(), o)
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

// decodeKey reads a master key as raw bytes, base64 or hex.
func decodeKey(text string) ([]byte, error) {
	if len(text) == seal.KeySize {
		return []byte(text), nil
	}
	if key, err := hex.DecodeString(text); err == nil && len(key) == seal.KeySize {
		return key, nil
	}
	for _, form := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := form.DecodeString(text); err == nil && len(key) == seal.KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("the value is not %d bytes, nor their base64 or hex", seal.KeySize)
}
