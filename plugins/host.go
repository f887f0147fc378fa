package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// maxCrashes is how many times a provider may crash in one run before it is not started again.
const maxCrashes = 3

// closeLimit bounds Close even where its context does not.
const closeLimit = 10 * time.Second

// ErrClosed is what a Host returns after Close.
var ErrClosed = errors.New("the plugin host is closed")

// Limits are the time limits of a provider. Zero means the default.
type Limits struct {
	// Start to the handshake: 10 s.
	Start time.Duration
	// Describe: 5 s.
	Describe time.Duration
	// Step of connecting: 60 s.
	Step time.Duration
	// Credential limits Disconnect, Refresh and Check: 30 s.
	Credential time.Duration
	// Idle is how long a process stays without a call: 5 min.
	Idle time.Duration
	// Replace is how long a start waits for an installation that is being replaced: 3 s.
	Replace time.Duration
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		limit *time.Duration
		def   time.Duration
	}{{&l.Start, 10 * time.Second}, {&l.Describe, 5 * time.Second}, {&l.Step, time.Minute}, {&l.Credential, 30 * time.Second}, {&l.Idle, 5 * time.Minute}, {&l.Replace, 3 * time.Second}} {
		if *f.limit <= 0 {
			*f.limit = f.def
		}
	}
	return l
}

// Options of a Host.
type Options struct {
	// Specs are the providers, as Find lists them.
	Specs []Spec
	// FindAgain lists them as they are installed now; see Hold. Nil: they stay as they are.
	FindAgain func() ([]Spec, error)
	// RefuseDev refuses providers with dev: true, as serve and CI do.
	RefuseDev bool
	// CacheDir caches descriptions and digests, if its parent exists. Empty: nothing is cached.
	CacheDir string
	// UserLock is the user's lock, in which a pin without sources is completed. Empty: it is not.
	UserLock string
	// RuntimeDir is $XDG_RUNTIME_DIR, and TempDir $TMPDIR, or empty. The sockets lie below the first that can be used, or below /tmp.
	RuntimeDir, TempDir string
	// Environ is our environment, of which a provider sees a part. Nil: os.Environ.
	Environ []string
	// Log gets each line that a provider writes, cleaned of control characters and of the secrets of this run, within
	// a rate limit. It is called by one goroutine at a time for each process, and must not block. The process is named
	// as by [Host.Label]. Nil: lines are only kept for diagnostics.
	Log func(process, line string)
	// Started is called for each process that has started, with its label and its number in the system. Nil: nobody is told.
	Started func(process string, pid int)
	Limits  Limits
	// Processes is how many may run at once: 32.
	Processes int
	// Admit waits until a provider may be started, and returns what to call when it has been. The wait is outside all limits.
	// An error is that of ctx. Nil: any time.
	Admit func(ctx context.Context) (started func(), err error)
	// Now is the clock of the log's rate and the cache. Nil: time.Now.
	Now func() time.Time
}

// Key names the process of a source: its provider and the id of the source. Without a source it is the process that only
// describes the provider, which gets no settings and no secrets, and is stopped when it has answered.
type Key struct{ Provider, Source string }

// Host starts the processes of providers when they are first needed, one for each source in use, and calls them. Each process is
// sent what is for its source alone, and has its own count of crashes. When no more of them may run, the one that is idle longest
// makes room; if none is, a start waits. All methods are safe for concurrent use. Without Close, the processes stay until ours
// exits.
type Host struct {
	options Options
	limits  Limits
	digests digests
	room    *room
	// idled counts how often a process became idle.
	idled atomic.Int64

	// life ends with Close; every start runs in it, because a start is shared by callers.
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	closed bool
	run    *runDir
	swept  bool
	number int
	specs  map[string]Spec
	// held are the executables as they were when the run began, and adopted the providers that were replaced since, by their names.
	held        map[string]held
	adopted     map[string]bool
	supervisors map[Key]*supervisor
	// claims are the ids of the sources of each provider, where they are known.
	claims map[string][]string
}

// New makes a host. It starts nothing and touches no file.
func New(options Options) *Host {
	if options.Environ == nil {
		options.Environ = os.Environ()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Admit == nil {
		options.Admit = func(context.Context) (func(), error) { return func() {}, nil }
	}
	life, end := context.WithCancel(context.Background())
	if options.Processes <= 0 {
		options.Processes = maxProcesses
	}
	h := &Host{
		options: options, limits: options.Limits.withDefaults(), specs: map[string]Spec{}, adopted: map[string]bool{}, room: newRoom(options.Processes),
		digests: digests{dir: options.CacheDir, now: options.Now}, life: life, end: end,
		supervisors: map[Key]*supervisor{}, claims: map[string][]string{},
	}
	for _, spec := range options.Specs {
		h.specs[spec.Name] = spec.clone()
		if spec.Sources != nil && !spec.Dev {
			h.claims[spec.Name] = slices.Clone(spec.Sources)
		}
	}
	return h
}

// Provider returns a provider for one of its sources, and starts the process of that source if it does not run. Callers at the
// same time share one start; it goes on until the last of them has given up. The returned provider belongs to the source, not to
// the process: a call uses the process that runs then, or starts a new one, until it has crashed three times in this run.
//
// The provider implements sdk.Refresher and sdk.Checker. Its methods return within the limits: an *sdk.Error for an error
// response of the source, an *Error where the provider failed, the error of ctx where that ended first. It retries nothing.
func (h *Host) Provider(ctx context.Context, name, source string) (sdk.Provider, error) {
	s, err := h.supervisor(Key{name, source})
	if err != nil {
		return nil, err
	}
	inst, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	inst.endCall()
	return &remote{supervisor: s, limits: h.limits}, nil
}

// Warm starts the process of a source in the background and does not wait. A start that fails is reported to the first call.
func (h *Host) Warm(name, source string) {
	s, err := h.supervisor(Key{name, source})
	if err != nil || !h.begin() {
		return
	}
	go func() {
		defer h.work.Done()
		if inst, err := s.acquire(h.life); err == nil {
			inst.endCall()
		}
	}()
}

// Label is what logs call the process of a source: its provider, and the number of the source among those of that provider that
// this run has used. It never is the name of the source, which is health data.
func (h *Host) Label(name, source string) string {
	s, err := h.supervisor(Key{name, source})
	if err != nil {
		return clean(name, 80)
	}
	return s.label
}

// Names lists the providers in the order of Options.Specs.
func (h *Host) Names() []string {
	names := make([]string, 0, len(h.options.Specs))
	for _, spec := range h.options.Specs {
		names = append(names, spec.Name)
	}
	return names
}

// Close stops all providers and removes the directory of this run. It returns when no process of theirs is left, or with an
// error when ctx ends or after ten seconds; what is left then ends with our process, by its lifeline. A closed host starts
// nothing.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.end()
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	for _, s := range h.all() {
		s.stop(h.begun)
	}
	stopped := make(chan struct{})
	go func() {
		h.work.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		return fmt.Errorf("stopping the providers: %w", ctx.Err())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.letGo()
	if h.run == nil {
		return nil
	}
	run := h.run
	h.run = nil
	return run.remove()
}

// spec returns the provider of a name.
func (h *Host) spec(name string) (Spec, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if spec, ok := h.specs[name]; ok {
		return spec, nil
	}
	return Spec{}, newError(CodeNotFound, clean(name, 80), "is not installed").
		hint("list the installed providers: humanconnect provider list")
}

// supervisor returns what starts the process of a key, and makes it when it is first asked for.
func (h *Host) supervisor(key Key) (*supervisor, error) {
	spec, err := h.spec(key.Provider)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.supervisors[key]; ok {
		return s, nil
	}
	s := &supervisor{host: h, spec: spec, label: key.Provider, running: map[*instance]bool{}}
	if key.Source != "" {
		number := 1
		for other := range h.supervisors {
			if other.Provider == key.Provider && other.Source != "" {
				number++
			}
		}
		s.label = fmt.Sprintf("%s#%d", key.Provider, number)
	}
	h.supervisors[key] = s
	return s, nil
}

func (h *Host) all() []*supervisor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.supervisors))
}

// stopSoon stops a process that takes no more calls, in the background.
func (h *Host) stopSoon(inst *instance) {
	if !h.begin() {
		return // Close stops it
	}
	go func() {
		defer h.work.Done()
		inst.stop()
	}()
}

// mayRun says whether a provider may run at all.
func (h *Host) mayRun(spec Spec) error {
	switch {
	case spec.Dev && h.options.RefuseDev:
		return newError(CodeDevRefused, spec.Name, "runs without a pin (dev: true), which is refused here").
			hint("pin it with: humanconnect provider lock %s, and remove dev: true from the config", spec.Name)
	case !spec.Dev && spec.SHA256 == "":
		return newError(CodeUnpinned, spec.Name, "is not pinned").fact("file: %s", spec.Path()).
			hint("if you trust this file: humanconnect provider lock %s", spec.Name)
	}
	return nil
}

// begin counts a goroutine of the host; false once it is closed.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.work.Add(1)
	return true
}

// begun counts a goroutine of Close itself.
func (h *Host) begun(work func()) { h.work.Go(work) }

// processDir makes the private directory of the next process.
func (h *Host) processDir() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", ErrClosed
	}
	if h.run == nil {
		run, err := openRunDir(h.options.RuntimeDir, h.options.TempDir)
		if err != nil {
			return "", err
		}
		h.run = run
	}
	h.number++
	return h.run.sub(h.number)
}
