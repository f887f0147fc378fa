package tty

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Suspender gives the terminal back when the program is to stop, and takes it again when it continues in front:
//
//	          SIGTSTP, Ctrl-Z              SIGCONT, and in front
//	in front ────────────────▶ given back ───────────────────────▶ in front, drawn anew
//	    └──────── SIGCONT after SIGSTOP ──────────▲
//
// A program that continues in the background waits until it is in front, or its context ends.
type Suspender struct {
	terminal File
	// give restores the terminal for the shell; take sets it up again and draws.
	give, take func()
	// typed has a request by Ctrl-Z, which a raw terminal passes on as a key.
	typed chan struct{}
	stops chan os.Signal
	conts chan os.Signal
}

// NewSuspender returns a suspender of a terminal. give and take are called by Run alone.
func NewSuspender(t File, give, take func()) *Suspender {
	return &Suspender{
		terminal: t, give: give, take: take, typed: make(chan struct{}, 1), stops: make(chan os.Signal, 1), conts: make(chan os.Signal, 1),
	}
}

// Request asks for a stop, as Ctrl-Z does on a terminal that is not raw.
func (s *Suspender) Request() {
	select {
	case s.typed <- struct{}{}:
	default: // one is under way
	}
}

// Run handles stops until ctx ends.
func (s *Suspender) Run(ctx context.Context) {
	ignored := signal.Ignored(syscall.SIGTSTP) // as below a shell without job control
	if !ignored {
		signal.Notify(s.stops, syscall.SIGTSTP)
	}
	signal.Notify(s.conts, syscall.SIGCONT)
	defer signal.Stop(s.stops)
	defer signal.Stop(s.conts)
	for {
		stop := func() {}
		select {
		case <-ctx.Done():
			return
		case <-s.typed:
			if ignored {
				continue
			}
			stop = func() { s.stop(ctx, true) }
		case <-s.stops:
			stop = func() { s.stop(ctx, false) }
		case <-s.conts: // after SIGSTOP, which nobody can catch
		}
		s.pass(ctx, stop)
	}
}

// pass gives the terminal back, stops, and takes it again.
func (s *Suspender) pass(ctx context.Context, stop func()) {
	s.give()
	stop()
	if s.untilFront(ctx) {
		drain(s.conts) // one that came meanwhile is done with
		s.take()
	}
}

// stopTime is how soon after SIGTSTP the process has stopped. The system stops no process group without a shell that could
// continue it (POSIX, orphaned process group): then the program goes on.
const stopTime = 200 * time.Millisecond

// stop stops this process, and the others of its group where the key was typed. It returns when this one continues.
func (s *Suspender) stop(ctx context.Context, group bool) {
	signal.Stop(s.stops)
	if group {
		signal.Ignore(syscall.SIGTSTP)
		_ = syscall.Kill(0, syscall.SIGTSTP)
	}
	drain(s.conts)
	stopSelf()
	select {
	case <-s.conts:
	case <-time.After(stopTime):
	case <-ctx.Done():
	}
	catchAgain()
	drain(s.stops)
	signal.Notify(s.stops, syscall.SIGTSTP)
}

// drain drops a signal that has come.
func drain(signals chan os.Signal) {
	select {
	case <-signals:
	default:
	}
}

// untilFront waits until the process group is in front. It returns false if ctx ends first.
func (s *Suspender) untilFront(ctx context.Context) bool {
	poll := time.NewTicker(awayPoll)
	defer poll.Stop()
	for Background(s.terminal) {
		select {
		case <-ctx.Done():
			return false
		case <-poll.C:
		case <-s.conts:
		}
	}
	return ctx.Err() == nil
}
