package iostreams

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stopTime limits how long restoring the terminal delays the exit: a terminal can block.
const stopTime = 500 * time.Millisecond

// fatal are the signals by which the Go runtime ends the program with a dump of its goroutines, if somebody sends them.
func fatal() []os.Signal {
	return []os.Signal{
		syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE,
	}
}

// watchFatal restores the terminal before a fatal signal ends the program. It returns the function that ends watching.
func (s *IO) watchFatal() (end func()) {
	received, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(received, fatal()...)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case got := <-received:
			s.Stop()
			signal.Reset(got)
			_ = syscall.Kill(os.Getpid(), got.(syscall.Signal)) // every os.Signal of this system is one
		case <-over:
		}
	})
	return func() {
		signal.Stop(received)
		close(over)
		watching.Wait()
	}
}

// OnStop sets the function that restores the terminal when the program stops at once; nil for none. It may be called while
// a command runs.
func (s *IO) OnStop(restore func()) {
	if end := s.unwatch.Swap(nil); end != nil {
		(*end)()
	}
	if restore == nil {
		s.restore.Store(nil)
		return
	}
	s.restore.Store(&restore)
	end := s.watchFatal()
	s.unwatch.Store(&end)
}

// Stop restores the terminal and erases the progress line, before the program exits.
func (s *IO) Stop() {
	restored := make(chan struct{})
	go func() { // it may run until the program exits
		defer close(restored)
		if restore := s.restore.Load(); restore != nil {
			(*restore)()
		}
		s.wipeProgress()
	}()
	over, stop := s.Clock.After(stopTime)
	defer stop()
	select {
	case <-restored:
	case <-over:
	}
}

// TerminalEnviron returns an environment that makes the terminal packages follow --color and NO_COLOR as this one does.
func (s *IO) TerminalEnviron(environ []string) []string {
	switch {
	case s.Flags.Colour == ColourAlways:
		return append(environ, "NO_COLOR=", "CLICOLOR_FORCE=1")
	case !s.Colour(true):
		return append(environ, "NO_COLOR=1")
	}
	return environ
}
