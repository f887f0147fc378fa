package plugins

import (
	"context"
	"errors"
	"os"
	"sync"
)

// supervisor starts, shares and stops the process of one source, or the one that describes a provider. It counts its crashes and
// knows its secrets.
type supervisor struct {
	host    *Host
	spec    Spec
	label   string
	secrets redactor

	mu      sync.Mutex
	current *future
	running map[*instance]bool
	crashes int
	last    *Error
}

// future is a start, shared by all callers that wait for it. The last of them that gives up cancels it.
type future struct {
	done    chan struct{}
	cancel  context.CancelCauseFunc
	waiters int
	// inst and err are set before done is closed.
	inst *instance
	err  error
}

// acquire returns the running process with a call begun on it; the caller ends that with endCall.
func (s *supervisor) acquire(ctx context.Context) (*instance, error) {
	for {
		f, err := s.join()
		if err != nil {
			return nil, err
		}
		if err := s.await(ctx, f); err != nil {
			return nil, err
		}
		if f.inst.beginCall() {
			return f.inst, nil
		}
		// It has ended or been retired since. Crashes are limited, so this loop ends.
	}
}

// join returns the start to wait for, a new one if the last process takes no more calls.
func (s *supervisor) join() (*future, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.isDone() && !s.current.inst.usable() {
		s.count(s.current.inst, "between two calls")
		s.current = nil
	}
	if s.current != nil {
		s.current.waiters++
		return s.current, nil
	}
	if s.crashes >= maxCrashes {
		return nil, s.tooManyCrashes()
	}
	if !s.host.begin() {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancelCause(s.host.life)
	f := &future{done: make(chan struct{}), cancel: cancel, waiters: 1}
	s.current = f
	go s.start(ctx, f)
	return f, nil
}

func (f *future) isDone() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// await waits for a start as long as ctx lets it.
func (s *supervisor) await(ctx context.Context, f *future) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters == 0 && !f.isDone() {
		f.cancel(context.Canceled)
		if s.current == f {
			s.current = nil
		}
	}
	return context.Cause(ctx)
}

// start starts the process, and then watches it until it ends.
func (s *supervisor) start(ctx context.Context, f *future) {
	defer s.host.work.Done()
	defer f.cancel(nil)
	inst, err := s.launchInRoom(ctx)
	s.mu.Lock()
	f.inst, f.err = inst, err
	if err != nil {
		if s.current == f {
			s.current = nil
		}
	} else {
		s.running[inst] = true
	}
	close(f.done)
	orphaned := err == nil && f.waiters == 0
	s.mu.Unlock()
	if err != nil {
		return
	}
	if orphaned || s.host.life.Err() != nil {
		inst.kill()
	}
	<-inst.launch.process().done
	s.mu.Lock()
	s.count(inst, "between two calls")
	delete(s.running, inst)
	s.mu.Unlock()
	inst.clear()
	s.host.room.leave(inst)
}

// launchInRoom waits for a place, which the process keeps until it is gone, and launches it.
func (s *supervisor) launchInRoom(ctx context.Context) (*instance, error) {
	if err := s.host.room.enter(ctx, s.host.stopSoon); err != nil {
		return nil, err
	}
	inst, err := s.launchWithRetry(ctx)
	if err != nil {
		s.host.room.leave(nil)
		return nil, err
	}
	s.host.room.started(inst)
	if s.host.options.Started != nil {
		s.host.options.Started(s.label, inst.launch.process().cmd.Process.Pid)
	}
	return inst, nil
}

// launchWithRetry is launch that retries once, within the same limit, if the provider crashed: no call was made yet, so none
// is repeated.
func (s *supervisor) launchWithRetry(ctx context.Context) (*instance, error) {
	started, err := s.host.options.Admit(ctx)
	if err != nil {
		return nil, err
	}
	defer started()
	ctx, cancel := context.WithTimeoutCause(ctx, s.host.limits.Start, errStartLimit)
	defer cancel()
	inst, err := s.launch(ctx)
	if s.countStart(err) {
		inst, err = s.launch(ctx)
		s.countStart(err)
	}
	return inst, err
}

// launch checks the executable and starts it.
func (s *supervisor) launch(ctx context.Context) (*instance, error) {
	exe, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := s.host.processDir()
	if err != nil {
		closeFiles(exe.file)
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		if e := exhausted(s.spec.Name, err); e != nil {
			return nil, e
		}
		return nil, noRunDir(s.spec.Name, err)
	}
	l := &launch{
		spec: exe.spec, file: exe.file, path: exe.path, dir: dir, environ: s.host.options.Environ,
		out: &output{secrets: &s.secrets, log: s.logger(), now: s.host.options.Now},
	}
	inst, err := l.startInstance(ctx, s.host)
	s.host.sweepRuns()
	if e := (*Error)(nil); errors.As(err, &e) && e.Code() == CodeProtocol && s.host.isAdopted(s.spec.Name) {
		return nil, beingReplaced(s.spec.Name, err) // it is for a newer program
	}
	return inst, err
}

func (s *supervisor) logger() func(string) {
	log := s.host.options.Log
	if log == nil {
		return nil
	}
	return func(line string) { log(s.label, line) }
}

// executableFile is an opened executable that may run, with the pin that says so.
type executableFile struct {
	spec Spec
	file *os.File
	path string
}

// open opens the executable and makes the checks before it runs: its owner and mode, and its digest.
func (s *supervisor) open(ctx context.Context) (executableFile, error) {
	spec, err := s.host.spec(s.spec.Name)
	if err == nil {
		err = s.host.mayRun(spec)
	}
	if err != nil {
		return executableFile{}, err
	}
	file, path, err := s.host.openPinned(spec)
	if err == nil {
		return executableFile{spec, file, path}, nil
	}
	if spec.Dev {
		return executableFile{}, err
	}
	return s.openReplaced(ctx, spec, err)
}

// openPinned opens the executable at the path of a provider, if it is trusted and the pinned one.
func (h *Host) openPinned(spec Spec) (*os.File, string, error) {
	file, path, err := openTrusted(spec.Path())
	if err != nil {
		return nil, "", openFailure(spec, err)
	}
	if spec.Dev {
		return file, path, nil
	}
	digest, err := h.digests.of(file, path)
	if err == nil && digest == spec.SHA256 {
		return file, path, nil
	}
	closeFiles(file)
	if err != nil {
		return nil, "", newError(CodeUnavailable, spec.Name, "cannot be read").because(err)
	}
	return nil, "", checksumMismatch(spec, digest)
}

// count counts a crash, once for each process. The caller holds the lock.
func (s *supervisor) count(inst *instance, doing string) {
	if inst.crashed() {
		s.crashes++
		s.last = inst.crash(doing)
	}
}

// countStart counts a crash before the handshake, and says whether the start may be retried.
func (s *supervisor) countStart(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Code() != CodeCrashed && e.Code() != CodeFlood {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashes++
	s.last = e
	return s.crashes < maxCrashes && e.Code() == CodeCrashed
}

// crashedIn is the error of a call in which the process crashed.
func (s *supervisor) crashedIn(inst *instance, doing string) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(inst, doing)
	e := inst.crash(doing)
	e.died = e.Code() == CodeCrashed
	e.gaveUp = s.crashes >= maxCrashes
	return e
}

// tooManyCrashes is the error of a process that is not started again. The caller holds the lock.
func (s *supervisor) tooManyCrashes() *Error {
	e := newError(CodeCrashed, s.spec.Name, "crashed %d times in this run and is not started again", s.crashes)
	e.gaveUp = true
	e.Problem = e.Fact("last crash: %s", s.last.Message()).WithHints(s.last.Hints()...)
	e.Problem = e.WithFacts(append(e.Facts(), s.last.Facts()...)...)
	return e
}

// stopIdle stops the processes that no call needs.
func (s *supervisor) stopIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for inst := range s.running {
		if inst.retireIdle() {
			s.host.stopSoon(inst)
		}
	}
}

// stop stops all processes, each on a goroutine that begun owns.
func (s *supervisor) stop(begun func(func())) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for inst := range s.running {
		begun(inst.stop)
	}
}
