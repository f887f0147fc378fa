package iostreams

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// notices is standard error: permanent lines, and below them one line of progress. It can be held back while the screens
// use the terminal. It is safe for concurrent use.
type notices struct {
	mu   sync.Mutex
	w    io.Writer
	line string
	// held: nothing is written now; kept is the text held back, and lost how much of it was dropped, in bytes.
	held bool
	kept []byte
	lost int
}

func newNotices(w io.Writer) *notices { return &notices{w: w} }

// HoldNotices holds back standard error while screens use the same terminal: it would corrupt the screens, and vanish with
// them. ReleaseNotices writes it.
func (s *IO) HoldNotices() {
	if n, ok := s.Err.(*notices); ok && s.ErrTerminal {
		n.hold()
	}
}

// ReleaseNotices writes what was held back, and ends holding. It may be called more than once.
func (s *IO) ReleaseNotices() {
	if n, ok := s.Err.(*notices); ok {
		n.release()
	}
}

// wipeProgress erases the progress line before the program exits.
func (s *IO) wipeProgress() {
	if n, ok := s.Err.(*notices); ok {
		n.wipe()
	}
}

// maxKept is how much is held back, in bytes; the oldest lines are dropped first.
const maxKept = 256 << 10

// hold holds back everything written from now on, until release.
func (n *notices) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = true
}

// release writes what was held back. It may be called again.
func (n *notices) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.held {
		return
	}
	n.held = false
	n.trim()
	if n.lost > 0 {
		_, _ = fmt.Fprintf(n.w, "humanconnect: the first %d bytes of the following output were dropped\n", n.lost)
	}
	_, _ = n.w.Write(n.kept)
	n.kept, n.lost = nil, 0
	if n.line != "" {
		_, _ = io.WriteString(n.w, eraseLine+n.line)
	}
}

// wipe erases the progress line for good.
func (n *notices) wipe() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.line != "" {
		_, _ = io.WriteString(n.w, eraseLine)
	}
	n.line = ""
}

// keep appends p, and trims at twice the limit only, since each trim copies.
func (n *notices) keep(p []byte) {
	n.kept = append(n.kept, p...)
	if len(n.kept) > 2*maxKept {
		n.trim()
	}
}

// trim drops whole lines from the start down to the limit.
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

// shown returns the progress line, or "".
func (n *notices) shown() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.line
}

// show replaces the progress line; "" erases it. Where there is none, nothing is erased: a prompt may stand on that line.
func (n *notices) show(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.line
	n.line = line
	if n.held || before == "" && line == "" {
		return
	}
	_, _ = io.WriteString(n.w, eraseLine+line)
}
