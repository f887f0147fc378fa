package main

import (
	"bytes"
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

// startProgress begins a line. It returns nil where there is no person to read it. Call Done in the end.
func (a *App) startProgress(text string) *Progress {
	if a.global.quiet || !a.Streams.ErrTerminal || a.env("TERM") == "dumb" || a.wantsJSON() {
		return nil
	}
	out, shared := a.Streams.Err.(*notices)
	if !shared {
		out = &notices{w: a.Streams.Err}
	}
	p := &Progress{out: out, clock: a.Clock, text: text, plain: a.plain(), done: make(chan struct{})}
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

// hide takes the line away, while a person types where it stands, until show is called.
func (p *Progress) hide() (show func()) {
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
		_, _ = io.WriteString(p.out, "humanconnect: "+clean(p.text)+" …\n")
		return
	case p.plain:
		return
	case p.hidden > 0:
		p.out.show("")
		return
	}
	p.out.show(clean(p.text) + " …")
}

// notices is standard error: whole lines that stay, and below them one that does not. While the screens have the terminal,
// it can be held back. It is safe for concurrent use.
type notices struct {
	mu   sync.Mutex
	w    io.Writer
	line string
	// held says that nothing is written now; kept is what was to be, and lost how much of it had no room, in bytes.
	held bool
	kept []byte
	lost int
}

// maxKept is how much is held back, in bytes; what came first goes first.
const maxKept = 256 << 10

// hold keeps what is written from now on, until release.
func (n *notices) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = true
}

// release writes what was kept, and from now on all. It may be called again.
func (n *notices) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.held {
		return
	}
	n.held = false
	n.trim()
	if n.lost > 0 {
		_, _ = fmt.Fprintf(n.w, "humanconnect: the first %d bytes of what follows are left out\n", n.lost)
	}
	_, _ = n.w.Write(n.kept)
	n.kept, n.lost = nil, 0
	if n.line != "" {
		_, _ = io.WriteString(n.w, eraseLine+n.line)
	}
}

// wipe takes the line away that does not stay, for good.
func (n *notices) wipe() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.line != "" {
		_, _ = io.WriteString(n.w, eraseLine)
	}
	n.line = ""
}

// keep takes what is new, and makes room when there is twice as much as may be kept: each time, what is kept is copied.
func (n *notices) keep(p []byte) {
	n.kept = append(n.kept, p...)
	if len(n.kept) > 2*maxKept {
		n.trim()
	}
}

// trim drops whole lines from the start until no more is left than may be kept.
func (n *notices) trim() {
	if len(n.kept) <= maxKept {
		return
	}
	drop := len(n.kept) - maxKept
	if end := bytes.IndexByte(n.kept[drop:], '\n'); end >= 0 {
		drop += end + 1
	}
	n.kept, n.lost = bytes.Clone(n.kept[drop:]), n.lost+drop
}

// Write implements [io.Writer].
func (n *notices) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held {
		n.keep(p)
		return len(p), nil
	}
	if n.line != "" {
		_, _ = io.WriteString(n.w, eraseLine)
	}
	written, err := n.w.Write(p)
	if n.line != "" {
		_, _ = io.WriteString(n.w, n.line)
	}
	return written, err
}

// shown returns the line that does not stay, or "".
func (n *notices) shown() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.line
}

// show draws the line that does not stay, in place of the last one; "" takes it away.
func (n *notices) show(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line = line
	if n.held {
		return
	}
	_, _ = io.WriteString(n.w, eraseLine+line)
}
