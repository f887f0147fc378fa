package terminal

import (
	"bytes"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Guarded is a terminal that can be restored at any moment, even while it is in use. It is safe for concurrent use.
type Guarded struct {
	File
	was *term.State

	mu sync.Mutex
	// screens: the alternate screen is shown; restored: writes are dropped.
	screens, restored bool
}

// Guard saves the settings of a terminal.
func Guard(f File) *Guarded {
	g := &Guarded{File: f}
	if was, err := term.GetState(int(f.Fd())); err == nil {
		g.was = was
	}
	return g
}

// Write implements [io.Writer]. After Restore nothing is written.
func (g *Guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.restored {
		return 0, os.ErrClosed
	}
	to := bytes.LastIndex(p, []byte(ansi.SetModeAltScreenSaveCursor))
	from := bytes.LastIndex(p, []byte(ansi.ResetModeAltScreenSaveCursor))
	if to != from {
		g.screens = to > from
	}
	return g.File.Write(p)
}

// Restore leaves the alternate screen, restores the settings of the terminal, and drops later writes. It is called when the
// program exits without waiting for the goroutines that use the terminal.
func (g *Guarded) Restore() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.screens && !g.restored {
		// All that the screens may have switched on; ending what is off does nothing.
		_, _ = g.File.Write([]byte(ansi.ResetModeSynchronizedOutput + ansi.ResetModifyOtherKeys + ansi.PopKittyKeyboard(1) +
			ansi.ResetModeAltScreenSaveCursor + ansi.SetModeTextCursorEnable + ansi.ResetModeBracketedPaste +
			ansi.SetWindowTitle("") + ansi.ResetStyle))
	}
	if g.screens {
		flushInput(g.Fd()) // what the terminal answers to the screens is not for the shell
	}
	g.restored = true
	if g.was != nil {
		_ = term.Restore(int(g.Fd()), g.was)
	}
}
