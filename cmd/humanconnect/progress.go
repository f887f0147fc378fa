package main

import (
	"fmt"
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
	w     io.Writer
	clock clock.Clock

	mu    sync.Mutex
	text  string
	drawn bool

	done    chan struct{}
	drawing sync.WaitGroup
}

// startProgress begins a line. It returns nil where there is no person to read it. Call Done in the end.
func (a *App) startProgress(text string) *Progress {
	if a.global.quiet || !a.Streams.ErrTerminal || a.env("TERM") == "dumb" || a.wantsJSON() {
		return nil
	}
	p := &Progress{w: a.Streams.Err, clock: a.Clock, text: text, done: make(chan struct{})}
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
		p.drawn = true
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
	if p.drawn {
		_, _ = io.WriteString(p.w, eraseLine)
	}
}

// eraseLine returns to the start of the line and clears it (ECMA-48 §8.3.41).
const eraseLine = "\r\x1b[K"

func (p *Progress) draw() { _, _ = fmt.Fprintf(p.w, "%s%s …", eraseLine, clean(p.text)) }
