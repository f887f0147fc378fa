package iostreams

import (
	"io"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
)

// progressDelay is how long work runs before its progress is shown: without it short work would flicker.
const progressDelay = 80 * time.Millisecond

// Progress is one line on standard error that says what is being done, on a terminal only. Done erases it. It is safe for
// concurrent use; a nil one prints nothing.
type Progress struct {
	out   *notices
	clock clock.Clock

	mu    sync.Mutex
	text  string
	drawn bool
	// hidden counts the open calls of Hide; before is the line that this one replaces, which Done restores.
	hidden int
	before string
	// plain: nothing is redrawn; each text is printed on its own line. printed is the last one.
	plain   bool
	printed string

	done    chan struct{}
	drawing sync.WaitGroup
}

// StartProgress starts a progress line. It returns nil if standard error is not a terminal, or progress is off. The caller
// calls Done.
func (s *IO) StartProgress(text string) *Progress {
	if s.Flags.Quiet || !s.ErrTerminal || s.Dumb() || s.WantsJSON() {
		return nil
	}
	out, shared := s.Err.(*notices)
	if !shared {
		out = newNotices(s.Err)
	}
	p := &Progress{out: out, clock: s.Clock, text: text, plain: s.Plain(), done: make(chan struct{})}
	p.drawing.Go(p.wait)
	return p
}

// wait draws the line for the first time after the delay.
func (p *Progress) wait() {
	due, stop := p.clock.After(progressDelay)
	defer stop()
	select {
	case <-due:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.drawn, p.before = true, p.out.shown()
		p.draw()
	case <-p.done:
	}
}

// Set changes the text.
func (p *Progress) Set(text string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
	if p.drawn {
		p.draw()
	}
}

// Done erases the line. It is called once.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	close(p.done)
	p.drawing.Wait()
	if p.drawn && !p.plain {
		p.out.show(p.before)
	}
}

// Hide hides the line while a person types there, until show is called.
func (p *Progress) Hide() (show func()) {
	if p == nil {
		return func() {}
	}
	p.hiding(+1)
	return func() { p.hiding(-1) }
}

func (p *Progress) hiding(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden += more
	if p.drawn {
		p.draw()
	}
}

// eraseLine returns to the start of the line and clears it (ECMA-48 §8.3.41).
const eraseLine = "\r\x1b[K"

func (p *Progress) draw() {
	switch {
	case p.plain && p.hidden == 0 && p.printed != p.text:
		p.printed = p.text
		_, _ = io.WriteString(p.out, "humanconnect: "+Clean(p.text)+" …\n")
		return
	case p.plain:
		return
	case p.hidden > 0:
		p.out.show("")
		return
	}
	p.out.show(Clean(p.text) + " …")
}
