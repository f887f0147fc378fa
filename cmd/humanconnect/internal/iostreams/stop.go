package iostreams

import "time"

// stopTime limits how long restoring the terminal delays the exit: a terminal can block.
const stopTime = 500 * time.Millisecond

// OnStop sets the function that restores the terminal when the program stops at once; nil for none. It may be called while
// a command runs.
func (s *IO) OnStop(restore func()) {
	if restore == nil {
		s.restore.Store(nil)
		return
	}
	s.restore.Store(&restore)
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
