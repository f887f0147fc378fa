package plugins

import (
	"context"
	"errors"
	"os"
	"sync"
)

// slot is the place of one provider in a host: its process, or the start of one, and how often it crashed.
type slot struct {
	host    *Host
	spec    Spec
	secrets redactor

	mu      sync.Mutex
	current *future
	running map[*live]bool
	crashes int
	last    *Error
}

// future is a start, shared by all who wait for it. The last of them who leaves early cancels it.
type future struct {
	done    chan struct{}
	cancel  context.CancelCauseFunc
	waiters int
	// v and err are set before done is closed.
	v   *live
	err error
}

// acquire returns the running process with a call begun on it; the caller ends that with leave.
func (s *slot) acquire(ctx context.Context) (*live, error) {
	for {
		f, err := s.join()
		if err != nil {
			return nil, err
		}
		if err := s.await(ctx, f); err != nil {
			return nil, err
		}
		if f.v.enter() {
			return f.v, nil
		}
		// It ended, or was retired, since. Each of that counts, so this comes to an end.
	}
}

// join returns the start to wait for, a new one if the last process is of no use any more.
func (s *slot) join() (*future, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.isDone() && !s.current.v.usable() {
		s.count(s.current.v, "between two calls")
		s.current = nil
	}
	if s.current != nil {
		s.current.waiters++
		return s.current, nil
	}
	if s.crashes >= maxCrashes {
		return nil, s.givenUp()
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
func (s *slot) await(ctx context.Context, f *future) error {
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

// start runs a start to its end, and then watches the process to its own.
func (s *slot) start(ctx context.Context, f *future) {
	defer s.host.work.Done()
	defer f.cancel(nil)
	v, err := s.launchTwice(ctx)
	s.mu.Lock()
	f.v, f.err = v, err
	if err != nil {
		if s.current == f {
			s.current = nil
		}
	} else {
		s.running[v] = true
	}
	close(f.done)
	orphaned := err == nil && f.waiters == 0
	s.mu.Unlock()
	if err != nil {
		return
	}
	if orphaned || s.host.life.Err() != nil {
		v.kill()
	}
	<-v.launch.process().done
	s.mu.Lock()
	s.count(v, "between two calls")
	delete(s.running, v)
	s.mu.Unlock()
	v.clear()
}

// launchTwice is launch that starts a provider once more, within the same limit, if it crashed: nothing was asked of it yet,
// so that nothing is repeated.
func (s *slot) launchTwice(ctx context.Context) (*live, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.host.limits.Start, errStartLimit)
	defer cancel()
	v, err := s.launch(ctx)
	if s.countStart(err) {
		v, err = s.launch(ctx)
		s.countStart(err)
	}
	return v, err
}

// launch checks the executable and starts it.
func (s *slot) launch(ctx context.Context) (*live, error) {
	file, path, err := s.open()
	if err != nil {
		return nil, err
	}
	dir, err := s.host.processDir()
	if err != nil {
		closeFiles(file)
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		return nil, newError(CodeUnavailable, s.spec.Name, "has no runtime directory").because(err)
	}
	l := &launch{
		spec: s.spec, file: file, path: path, dir: dir, environ: s.host.options.Environ,
		out: &output{secrets: &s.secrets, log: s.logger(), now: s.host.options.Now},
	}
	return l.begin(ctx, s.host.limits.Start)
}

func (s *slot) logger() func(string) {
	log := s.host.options.Log
	if log == nil {
		return nil
	}
	return func(line string) { log(s.spec.Name, line) }
}

// open opens the executable and checks all that is to be checked before it runs: whose it is, and its digest.
func (s *slot) open() (*os.File, string, error) {
	if err := s.admitted(); err != nil {
		return nil, "", err
	}
	file, path, err := openTrusted(s.spec.Path())
	if err != nil {
		return nil, "", openFailure(s.spec, err)
	}
	if s.spec.Dev {
		return file, path, nil
	}
	digest, err := s.host.digests.of(file, path)
	if err == nil && digest == s.spec.SHA256 {
		return file, path, nil
	}
	closeFiles(file)
	if err != nil {
		return nil, "", newError(CodeUnavailable, s.spec.Name, "cannot be read").because(err)
	}
	return nil, "", changed(s.spec, digest)
}

// admitted says whether the provider may run at all.
func (s *slot) admitted() error {
	switch {
	case s.spec.Dev && s.host.options.RefuseDev:
		return newError(CodeDevRefused, s.spec.Name, "runs without a pin (dev: true), which is refused here").
			hint("pin it with: humanconnect provider lock %s, and remove dev: true from the config", s.spec.Name)
	case !s.spec.Dev && s.spec.SHA256 == "":
		return newError(CodeUnpinned, s.spec.Name, "is not pinned").fact("file: %s", s.spec.Path()).
			hint("if you trust this file: humanconnect provider lock %s", s.spec.Name)
	}
	return nil
}

// count takes note of a crash, once for each process. The caller holds the lock.
func (s *slot) count(v *live, doing string) {
	if v.crashed() {
		s.crashes++
		s.last = v.crash(doing)
	}
}

// countStart takes note of a crash before the handshake, and says whether the provider may be started once more.
func (s *slot) countStart(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Code() != CodeCrashed {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashes++
	s.last = e
	return s.crashes < maxCrashes
}

// crashedIn is the error of a call that the process did not survive.
func (s *slot) crashedIn(v *live, doing string) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(v, doing)
	e := v.crash(doing)
	e.died = true
	e.forGood = s.crashes >= maxCrashes
	return e
}

// givenUp is the error of a provider that crashed too often. The caller holds the lock.
func (s *slot) givenUp() *Error {
	e := newError(CodeCrashed, s.spec.Name, "crashed %d times in this run and is not started again", s.crashes)
	e.forGood = true
	e.Problem = e.Fact("last crash: %s", s.last.Message()).WithHints(s.last.Hints()...)
	e.Problem = e.WithFacts(append(e.Facts(), s.last.Facts()...)...)
	return e
}

// stop stops all processes of the slot, each on a goroutine that begun owns.
func (s *slot) stop(begun func(func())) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.running {
		begun(v.stop)
	}
}
