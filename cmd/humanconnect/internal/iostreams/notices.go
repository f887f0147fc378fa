package iostreams

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

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

func newNotices(w io.Writer) *notices { return &notices{w: w} }

// HoldNotices keeps what is written to standard error while screens are on the same terminal: it would tear the picture, and be
// gone with it. ReleaseNotices writes it.
func (s *IO) HoldNotices() {
	if n, ok := s.Err.(*notices); ok && s.ErrTerminal {
		n.hold()
	}
}

// ReleaseNotices writes what was held back, and from now on everything. It may be called more than once.
func (s *IO) ReleaseNotices() {
	if n, ok := s.Err.(*notices); ok {
		n.release()
	}
}

// wipeProgress erases the line of progress, for good: the program ends.
func (s *IO) wipeProgress() {
	if n, ok := s.Err.(*notices); ok {
		n.wipe()
	}
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
