// Package tty has what a program owes a terminal: it is restored whatever happens, given back when the program stops, not
// touched while another program is in front, and what it sends is bounded.
package tty

import (
	"bytes"
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// File is an open terminal.
type File interface {
	io.ReadWriter
	Fd() uintptr
	Name() string
	Close() error
}

// Guarded is a terminal that can be restored at any moment, even while it is in use. It is safe for concurrent use.
type Guarded struct {
	File
	was *term.State

	mu sync.Mutex
	// screens: the alternate screen is shown; restored: writes fail; away: another program has the terminal, so writes are
	// dropped.
	screens, restored, away bool
}

// Guard saves the settings of a terminal.
func Guard(f File) *Guarded {
	g := &Guarded{File: f}
	if was, err := term.GetState(int(f.Fd())); err == nil {
		g.was = was
	}
	return g
}

// AsGuarded guards a terminal that is not guarded yet.
func AsGuarded(f File) *Guarded {
	if g, ok := f.(*Guarded); ok {
		return g
	}
	return Guard(f)
}

// Write implements [io.Writer]. After Restore nothing is written.
func (g *Guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.restored {
		return 0, os.ErrClosed
	}
	if g.away {
		return len(p), nil
	}
	to := bytes.LastIndex(p, []byte(ansi.SetModeAltScreenSaveCursor))
	from := bytes.LastIndex(p, []byte(ansi.ResetModeAltScreenSaveCursor))
	if to != from {
		g.screens = to > from
	}
	return g.File.Write(p)
}

// Restore leaves the alternate screen, restores the settings of the terminal, and drops later writes. It is called when the
// program exits without waiting for the goroutines that use the terminal. A terminal that another process group has in front
// is left alone: it was given back before.
func (g *Guarded) Restore() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.away || Background(g.File) {
		g.restored = true
		return
	}
	if g.screens && !g.restored {
		// All that the screens may have switched on; ending what is off does nothing.
		_, _ = g.File.Write([]byte(ansi.ResetModeSynchronizedOutput + ansi.ResetModifyOtherKeys + ansi.PopKittyKeyboard(1) +
			ansi.ResetModeAltScreenSaveCursor + ansi.SetModeTextCursorEnable + ansi.ResetModeBracketedPaste +
			ansi.SetWindowTitle("") + ansi.ResetStyle))
	}
	if g.screens {
		FlushInput(g.File.Fd()) // what the terminal answers to the screens is not for the shell
	}
	g.restored, g.screens = true, false
	if g.was != nil {
		_ = term.Restore(int(g.File.Fd()), g.was)
	}
}

// SetAway says whether another program has the terminal: then writes are dropped.
func (g *Guarded) SetAway(away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = away
}

func (g *Guarded) isAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.away
}
