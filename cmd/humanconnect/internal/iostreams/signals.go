package iostreams

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
)

// Signals turns the signals of the process into contexts. The first SIGINT, SIGTERM or SIGHUP ends Closing:
// work is finished properly. The second ends Stopping: work stops at once.
//
//	            SIGINT SIGTERM SIGHUP          any of them
//	running ───────────────────────▶ closing ─────────────▶ stopping
//
// It is safe for concurrent use.
type Signals struct {
	closing  context.Context
	stopping context.Context
	release  func()
	typed    chan os.Signal
	// received gets the signals of the process once Watch has been called.
	received chan os.Signal
	// pipe gets SIGPIPE, which is never read.
	pipe chan os.Signal
}

// Interrupted is the cause of the contexts of [Signals]: which signal came first.
type Interrupted struct{ Signal syscall.Signal }

func (i *Interrupted) Error() string { return fmt.Sprintf("interrupted by signal %d", int(i.Signal)) }

// ExitCode is 128 plus the number of the signal, as in a shell.
func (i *Interrupted) ExitCode() int { return 128 + int(i.Signal) }

// Cut tells the engine what interrupted the session.
func (i *Interrupted) Cut() session.Cut {
	switch i.Signal {
	case syscall.SIGINT:
		return session.CutInterrupt
	case syscall.SIGHUP:
		return session.CutHangup
	}
	return session.CutTerminate
}

// DuplicateTime is how soon a second equal signal counts as the same one: timeout(1) and some supervisors signal the process
// and then its group.
const DuplicateTime = 100 * time.Millisecond

// NewSignals returns signals that come from [Signals.Interrupt] alone until [Signals.Watch]. It listens until Release, or
// the end of parent. A second equal signal within duplicate is ignored.
func NewSignals(parent context.Context, duplicate time.Duration) *Signals {
	stopping, stop := context.WithCancelCause(parent)
	closing, closeNow := context.WithCancelCause(stopping)
	s := &Signals{
		closing: closing, stopping: stopping, typed: make(chan os.Signal, 2), received: make(chan os.Signal, 2),
		pipe: make(chan os.Signal, 1),
	}
	var listening sync.WaitGroup
	listening.Go(func() { s.listen(duplicate, closeNow, stop) })
	s.release = func() { stop(nil); listening.Wait() }
	return s
}

// Watch starts to catch the signals of the process. Until then they have their default effect. A signal that is ignored at
// the start, as by nohup, stays ignored. It takes about 2 ms, which --help saves.
//
// SIGPIPE is caught, so that a write to a closed pipe is an error and does not end the program. It is not ignored, so that
// child processes keep its default effect. SIGTTIN and SIGTTOU are ignored: no use of a terminal stops the program, which
// then could not hear the others. A read in the background fails instead.
func (s *Signals) Watch() {
	signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	signal.Notify(s.pipe, syscall.SIGPIPE)
	for _, one := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(one) {
			signal.Notify(s.received, one)
		}
	}
}

func (s *Signals) listen(duplicate time.Duration, closeNow, stop context.CancelCauseFunc) {
	var first *Interrupted
	var came time.Time
	for {
		var got os.Signal
		typed := false
		select {
		case <-s.stopping.Done():
			return
		case got = <-s.received:
		case got = <-s.typed:
			typed = true
		}
		number, _ := got.(syscall.Signal) // every os.Signal of this system is one
		switch {
		case first == nil:
			first, came = &Interrupted{Signal: number}, time.Now()
			closeNow(first)
		case !typed && number == first.Signal && time.Since(came) < duplicate:
		default:
			stop(first)
			return
		}
	}
}

// Interrupt does what SIGINT does, for a Ctrl-C that a raw terminal passes on as a key.
func (s *Signals) Interrupt() {
	select {
	case s.typed <- syscall.SIGINT:
	default: // two are enough to stop
	}
}

// Closing ends with the first signal. The context of every command is this one.
func (s *Signals) Closing() context.Context { return s.closing }

// Stopping ends with the second signal.
func (s *Signals) Stopping() context.Context { return s.stopping }

// First returns the first signal, or nil.
func (s *Signals) First() *Interrupted {
	first, _ := context.Cause(s.closing).(*Interrupted) //nolint:errorlint // the cause is set above and never wrapped
	return first
}

// ExitCode is that of the first signal, or 0.
func (s *Signals) ExitCode() int {
	if first := s.First(); first != nil {
		return first.ExitCode()
	}
	return 0
}

// Release restores the default effect of the signals, stops listening and waits for the listener.
func (s *Signals) Release() {
	signal.Stop(s.received)
	signal.Stop(s.pipe)
	s.release()
}
