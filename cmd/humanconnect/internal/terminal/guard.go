package terminal

import (
	"bytes"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Guarded is a terminal that can be given back at any moment, whatever is being drawn or typed on it then. It is safe for
// concurrent use.
type Guarded struct {
	File
	was *term.State

	mu sync.Mutex
	// screens says that the alternate screen is shown; back that nothing is written any more.
	screens, back bool
}

// Guard remembers how a terminal is set.
func Guard(f File) *Guarded {
	g := &Guarded{File: f}
	if was, err := term.GetState(int(f.Fd())); err == nil {
		g.was = was
	}
	return g
}

// Write implements [io.Writer]. After GiveBack nothing is written.
func (g *Guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.back {
		return 0, os.ErrClosed
	}
	to := bytes.LastIndex(p, []byte(ansi.SetModeAltScreenSaveCursor))
	from := bytes.LastIndex(p, []byte(ansi.ResetModeAltScreenSaveCursor))
	if to != from {
		g.screens = to > from
	}
	return g.File.Write(p)
}

// GiveBack leaves the screens, sets the terminal as it was, and drops what is written from now on. Whoever ends the
// program without waiting for those who use the terminal calls it.
func (g *Guarded) GiveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.screens && !g.back {
		// All that the screens may have switched on; ending what is off does nothing.
		_, _ = g.File.Write([]byte(ansi.ResetModeSynchronizedOutput + ansi.ResetModifyOtherKeys + ansi.PopKittyKeyboard(1) +
			ansi.ResetModeAltScreenSaveCursor + ansi.SetModeTextCursorEnable + ansi.ResetModeBracketedPaste +
			ansi.SetWindowTitle("") + ansi.ResetStyle))
	}
	if g.screens {
		flushInput(g.Fd()) // what the terminal answers to the screens is not for the shell
	}
	g.back = true
	if g.was != nil {
		_ = term.Restore(int(g.Fd()), g.was)
	}
}
