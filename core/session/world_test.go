package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

// T is what a test of the standard library and one of rapid have in common.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// clientID is the client of all users of a world.
const clientID = "demo"

// World is one installation with its sources: a real store, a clock in the test's hand, and any number of front ends,
// each with a process id of its own, that may die at any commit.
type World struct {
	t     T
	dir   string
	store *sqlite.Store
	clock *clocktest.Fake
	local *token.Local
	hooks []hook.Hook
	place *place

	mu    sync.Mutex
	alive map[id.Process]bool
	// commit is held from a commit until it has been looked at.
	commit sync.Mutex
	// retries counts updates: every third runs its function twice, as a store may.
	retries int
	// came are the redirects that were accepted, by attempt.
	came map[id.Attempt][]sdk.Callback
	// checked: nothing was committed since the last check.
	checked bool

	model *model
}

// start is when worlds begin.
func start() time.Time { return time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T) *World {
	t.Helper()
	return worldIn(t, t.TempDir(), t.Cleanup)
}

// worldIn makes a world in a directory, which may hold a copy of an empty state.
func worldIn(t T, dir string, cleanup func(func())) *World {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatalf("open the state: %v", err)
	}
	w := &World{
		t: t, dir: dir, store: s, clock: clocktest.New(start()), alive: make(map[id.Process]bool),
		came: make(map[id.Attempt][]sdk.Callback),
		hooks: []hook.Hook{
			{Name: "all", On: event.Ons(), Shell: "cat"},
			{Name: "closes", On: []event.On{event.OnClose}, Shell: "cat"},
		},
	}
	w.local = token.NewLocal(s, w.clock)
	w.place = newPlace(w)
	w.model = newModel()
	cleanup(func() { _ = s.Close() })
	return w
}

// emptyState makes a state to copy, which is quicker than to make each anew.
func emptyState(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyState copies an empty state.
func copyState(from, to string) error {
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.IsDir() {
			continue // what is running is no part of the state
		}
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, f.Name()), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// FrontEnd is one process with an engine of its own.
type FrontEnd struct {
	*session.Engine
	w   *World
	pid id.Process
	// store is the world's store as this process has it.
	store *mortalStore
	// can is what it can do; redirects is nil where it has no browser.
	can       sdk.FrontEnd
	redirects session.Redirects
	// woken is called after a commit that wrote deliveries.
	woken func()
	// user of its session.
	user id.Human
	// busy counts calls of its engine that wait at a gate.
	busy atomic.Int32
}

func (w *World) frontEnd() *FrontEnd {
	fe := &FrontEnd{w: w, pid: id.New[id.Process](), woken: func() {}, can: sdk.FrontEnd{Form: true, Code: true}}
	w.mu.Lock()
	w.alive[fe.pid] = true
	w.mu.Unlock()
	fe.store = &mortalStore{Store: w.store, fe: fe, left: -1}
	fe.Engine = fe.engineWith(func(*session.Options) {})
	return fe
}

// engineWith makes an engine of this process, with a change.
func (fe *FrontEnd) engineWith(change func(*session.Options)) *session.Engine {
	w := fe.w
	w.t.Helper()
	o := session.Options{
		Store: fe.store, Checker: token.NewLocal(fe.store, w.clock), Sources: w.place, Providers: &providers{w.place, fe},
		Liveness: liveness{fe}, Clock: w.clock, Hooks: w.hooks, Wake: func() { fe.woken() },
	}
	change(&o)
	e, err := session.New(o)
	if err != nil {
		w.t.Fatalf("make an engine: %v", err)
	}
	return e
}

// kill ends the process: from now on nothing that it does reaches the store or a source.
func (fe *FrontEnd) kill() {
	fe.w.mu.Lock()
	defer fe.w.mu.Unlock()
	fe.w.alive[fe.pid] = false
}

func (fe *FrontEnd) dead() bool {
	fe.w.mu.Lock()
	defer fe.w.mu.Unlock()
	return !fe.w.alive[fe.pid]
}

type liveness struct{ fe *FrontEnd }

func (l liveness) Self() id.Process { return l.fe.pid }

func (l liveness) Alive(p id.Process) (bool, error) {
	l.fe.w.mu.Lock()
	defer l.fe.w.mu.Unlock()
	return l.fe.w.alive[p], nil
}

// errDead is what the engine of a dead process gets: a real one would not run at all.
var errDead = errors.New("this process is dead")

// errAgain rolls back the first run of an update that is to run twice.
var errAgain = errors.New("run it again")

// mortalStore is the store as one process has it. After a number of committed updates the process dies, before it can
// begin the next one, or before it learns that the last one committed.
type mortalStore struct {
	store.Store
	fe *FrontEnd

	mu   sync.Mutex
	left int // committed updates until death; -1 means none
	// unseen: the last commit happens, and the process dies before it sees that.
	unseen bool
	// full is what every update ends with, as on a full disk, if it is not nil.
	full error
	// unknown: the next updates end with [store.ErrCommitUnknown]; each holds, or does not.
	unknown []bool
}

// failCommits lets the commits of the next updates fail; each holds all the same, or does not.
func (m *mortalStore) failCommits(holds ...bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unknown = holds
}

// fill lets every further update fail.
func (m *mortalStore) fill(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = err
}

// dieAfter lets the process die: after n further updates, the next never happens; or, unseen, it happens and is never
// seen.
func (m *mortalStore) dieAfter(n int, unseen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.unseen = n, unseen
}

func (m *mortalStore) Close() error { return nil }

func (m *mortalStore) View(ctx context.Context, f func(store.Tx) error) error {
	if m.fe.dead() {
		return errDead
	}
	return m.Store.View(ctx, f)
}

func (m *mortalStore) Update(ctx context.Context, f func(store.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fe.dead() {
		return errDead
	}
	if m.full != nil {
		return m.full
	}
	if len(m.unknown) > 0 {
		return m.failCommit(ctx, f)
	}
	if m.left == 0 && !m.unseen {
		m.fe.kill()
		return errDead
	}
	if err := m.commit(ctx, f); err != nil {
		return err
	}
	if m.left == 0 {
		m.fe.kill()
		return errDead
	}
	if m.left > 0 {
		m.left--
	}
	return nil
}

// failCommit makes an update whose commit fails.
func (m *mortalStore) failCommit(ctx context.Context, f func(store.Tx) error) error {
	holds := m.unknown[0]
	m.unknown = m.unknown[1:]
	var err error
	if holds {
		err = m.commit(ctx, f)
	} else {
		err = m.Store.Update(ctx, func(tx store.Tx) error { return errors.Join(f(tx), errAgain) })
	}
	if err != nil && !errors.Is(err, errAgain) {
		return err
	}
	return store.ErrCommitUnknown
}

// commit makes an update and looks at what it did before the next one can.
func (m *mortalStore) commit(ctx context.Context, f func(store.Tx) error) error {
	m.fe.w.commit.Lock()
	defer m.fe.w.commit.Unlock()
	if err := m.update(ctx, f); err != nil {
		return err
	}
	m.fe.w.observe(m.fe)
	return nil
}

// update runs f, every third time twice.
func (m *mortalStore) update(ctx context.Context, f func(store.Tx) error) error {
	m.fe.w.mu.Lock()
	m.fe.w.retries++
	twice := m.fe.w.retries%3 == 0
	m.fe.w.checked = false
	m.fe.w.mu.Unlock()
	if twice {
		err := m.Store.Update(ctx, func(tx store.Tx) error {
			if err := f(tx); err != nil {
				return err
			}
			return errAgain
		})
		if !errors.Is(err, errAgain) {
			return err
		}
	}
	return m.Store.Update(ctx, f)
}

// token makes a token for a user.
func (w *World) token(user string, ttl time.Duration, sources ...string) sdk.Secret {
	w.t.Helper()
	c, err := w.local.Create(context.Background(), token.Request{
		ClientID: clientID, ClientUserID: user, TTL: ttl, Sources: sources,
	})
	if err != nil {
		w.t.Fatalf("create a token: %v", err)
	}
	return c.Token
}

// open opens the session of a token for a script and fails the test if there is none.
func (fe *FrontEnd) open(tok sdk.Secret, actions ...session.Action) *session.Session {
	fe.w.t.Helper()
	o, err := fe.try(session.OpenRequest{Token: tok, Script: script(actions...)})
	if err != nil {
		fe.w.t.Fatalf("open: %v", err)
	}
	if o.Session == nil {
		fe.w.t.Fatalf("open gave no session but %s", o.Final.Response)
	}
	return o.Session
}

// try opens a session.
func (fe *FrontEnd) try(r session.OpenRequest) (session.Opening, error) {
	r.FrontEnd, r.Redirects = fe.can, fe.redirects
	o, err := fe.Open(context.Background(), r)
	if o.Session != nil {
		fe.user = o.Session.User.HumanID
	}
	return o, err
}

// script makes a script that answers every form of the fake sources.
func script(actions ...session.Action) session.Script {
	for i := range actions {
		if actions[i].Kind == store.ActionConnect && actions[i].Answers == nil {
			actions[i].Answers = map[string]sdk.Secret{"user": "someone"}
		}
	}
	return session.Script{Actions: actions}
}

func connectTo(target string) session.Action {
	return session.Action{Kind: store.ActionConnect, Target: target}
}

func disconnectFrom(target string) session.Action {
	return session.Action{Kind: store.ActionDisconnect, Target: target}
}

// connect connects without a script: it answers all forms and does not wait between polls.
func (fe *FrontEnd) connect(s *session.Session, target string) error {
	return fe.drive(context.Background(), s, target, -1)
}

func (fe *FrontEnd) drive(ctx context.Context, s *session.Session, target string, no int) error {
	a, err := s.Connect(ctx, target, no)
	if err != nil {
		return err
	}
	p, err := a.Next(ctx)
	for i := 0; err == nil; i++ {
		if i > 200 {
			return fmt.Errorf("the attempt has no end")
		}
		switch p.Step.(type) {
		case sdk.Connected:
			return nil
		case sdk.Form:
			p, err = a.Reply(ctx, sdk.FormValues{Values: map[string]sdk.Secret{"user": "someone"}})
		case sdk.OpenURL:
			p, err = fe.comeBack(ctx, a, p.Step.(sdk.OpenURL))
		default:
			p, err = a.Reply(ctx, sdk.TimePassed{})
		}
	}
	return err
}

// comeBack delivers the redirect of a step, and goes on with it.
func (fe *FrontEnd) comeBack(ctx context.Context, a *session.Attempt, step sdk.OpenURL) (session.Prompt, error) {
	accepted, err := fe.redirect(ctx, step.URL)
	if err != nil {
		return session.Prompt{}, err
	}
	wait := func() (sdk.Reply, error) { return a.WaitCallback(ctx, step) }
	if !accepted { // it has come before, or the engine says why nobody waits
		wait = func() (sdk.Reply, error) { return a.Browse(ctx, step, nil) }
	}
	reply, err := wait()
	if err != nil {
		return session.Prompt{}, err
	}
	return a.Reply(ctx, reply)
}

// redirect delivers the redirect of an address.
func (fe *FrontEnd) redirect(ctx context.Context, address string) (accepted bool, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return false, err
	}
	got, err := fe.deliver(ctx, callback("code", "x", "state", u.Query().Get("state")))
	return got.Outcome == session.CallbackAccepted, err
}

// deliver hands a redirect to the engine, and notes one that is accepted.
func (fe *FrontEnd) deliver(ctx context.Context, c sdk.Callback) (session.CallbackResult, error) {
	got, err := fe.Callback(ctx, c)
	if err == nil && got.Outcome == session.CallbackAccepted {
		fe.w.mu.Lock()
		defer fe.w.mu.Unlock()
		fe.w.came[got.Attempt] = append(fe.w.came[got.Attempt], c)
	}
	return got, err
}

// returning is a browser whose person comes back at once.
type returning struct{ fe *FrontEnd }

func (b returning) Open(ctx context.Context, _ *session.Attempt, address string, failed func(error)) (func(), error) {
	if accepted, err := b.fe.redirect(ctx, address); err != nil || !accepted {
		failed(errors.New("nobody waits for that"))
	}
	return func() {}, nil
}

// close closes a session and fails the test if that does not work.
func (fe *FrontEnd) close(s *session.Session) *session.Final {
	fe.w.t.Helper()
	f, err := s.Close(context.Background(), session.CutNone)
	if err != nil {
		fe.w.t.Fatalf("close: %v", err)
	}
	return f
}

// view reads the true state.
func (w *World) view(f func(store.Tx) error) {
	w.t.Helper()
	if err := w.store.View(context.Background(), f); err != nil {
		w.t.Fatalf("read the state: %v", err)
	}
}

// session reads the row of a session.
func (w *World) session(ses id.Session) (row store.Session) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { row, err = tx.Session(ses); return err })
	return row
}

// events reads the events of a session in their order; of "" those outside of any.
func (w *World) events(ses id.Session) []store.Event {
	w.t.Helper()
	var out []store.Event
	w.view(func(tx store.Tx) error {
		all, err := tx.Events(store.EventFilter{})
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].Session == ses {
				out = append(out, all[i])
			}
		}
		return err
	})
	return out
}

// allEvents reads every event, the oldest first.
func (w *World) allEvents() (all []store.Event) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { all, err = tx.Events(store.EventFilter{}); return err })
	slices.Reverse(all)
	return all
}

// actions reads what a session has done.
func (w *World) actions(ses id.Session) (rows []store.Action) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { rows, err = tx.Actions(ses); return err })
	return rows
}

// connections reads the current connections of a user.
func (w *World) connections(user string) (rows []store.Connection) {
	w.t.Helper()
	w.view(func(tx store.Tx) error {
		u, err := tx.User(clientID, user)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err = tx.Connections(u.HumanID)
		return err
	})
	return rows
}

// response reads the JSON of a response.
func (w *World) response(body []byte) event.Response {
	w.t.Helper()
	return parse[event.Event](w.t, body).Response
}

// yield lets other goroutines go on.
func yield() { runtime.Gosched() }

// waitForGrace waits until a step has got its grace: nobody looks after the session any more, which is done each second.
func (w *World) waitForGrace() {
	w.t.Helper()
	for limit := time.Now().Add(waitLimit); w.clock.Next() <= time.Second; yield() {
		if time.Now().After(limit) {
			w.t.Fatalf("no grace has begun; the next timer is in %s", w.clock.Next())
		}
	}
}
