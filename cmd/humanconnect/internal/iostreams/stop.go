package iostreams

import "time"

// stopTime bounds how long restoring the terminal keeps a program that stops at once: a terminal can be held.
const stopTime = 500 * time.Millisecond

// OnStop sets what restores the terminal when the program stops at once; nil for nothing. Stop may read it while a command
// runs.
func (s *IO) OnStop(restore func()) {
	if restore == nil {
		s.restore.Store(nil)
		return
	}
	s.restore.Store(&restore)
}

// Stop restores the terminal where a person is asked on one, and erases the line of progress. The program ends after it.
func (s *IO) Stop() {
	restored := make(chan struct{})
	go func() { // it has no owner but the end of the program
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

// TerminalEnviron is an environment as the terminal packages read it: --color and NO_COLOR mean there what they mean here.
func (s *IO) TerminalEnviron(environ []string) []string {
	switch {
	case s.Flags.Colour == ColourAlways:
		return append(environ, "NO_COLOR=", "CLICOLOR_FORCE=1")
	case !s.Colour(true):
		return append(environ, "NO_COLOR=1")
	}
	return environ
}
