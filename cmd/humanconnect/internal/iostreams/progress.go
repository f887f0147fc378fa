package iostreams

import (
	"io"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
)

// progressDelay is how long work lasts before it says so: shorter work would only flicker, longer work seems to hang.
const progressDelay = 80 * time.Millisecond

// Progress is one line on standard error that says what is being done, on a terminal only. It erases itself.
// It is safe for concurrent use; a nil one is silent.
type Progress struct {
	out   *notices
	clock clock.Clock

	mu    sync.Mutex
	text  string
	drawn bool
	// hidden counts those for whom the line is away; before is what it stands in place of, which comes back with Done.
	hidden int
	before string
	// plain says that nothing is drawn over: what is done is said in lines of its own.
	plain bool
	said  string

	done    chan struct{}
	drawing sync.WaitGroup
}

// StartProgress begins a line. It returns nil where there is no person to read it. Call Done in the end.
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

// wait draws the line for the first time when the work has lasted long enough.
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

// Hide takes the line away, while a person types where it stands, until show is called.
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
	case p.plain && p.hidden == 0 && p.said != p.text:
		p.said = p.text
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
