package plugins

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// A provider that writes more than this within one window does nothing else, and would cost core as much. It is killed.
const (
	floodWindow = 5 * time.Second
	floodLines  = 100_000
	floodBytes  = 64 << 20
)

// flood measures what one process writes; the output's lock guards it.
type flood struct {
	began time.Time
	lines int
	bytes int
	// reason says what was too much; empty while nothing was.
	reason string
}

// measure counts bytes that a process wrote, and returns io.EOF once it has written too much: no more of it is read then.
// The first time, it calls o.stop.
func (o *output) measure(written []byte) error {
	o.mu.Lock()
	f := &o.flood
	if f.reason != "" {
		o.mu.Unlock()
		return io.EOF
	}
	if now := o.now(); now.Sub(f.began) >= floodWindow {
		*f = flood{began: now}
	}
	f.lines += bytes.Count(written, []byte("\n"))
	f.bytes += len(written)
	switch {
	case f.lines > floodLines:
		f.reason = fmt.Sprintf("more than %d lines within %s", floodLines, floodWindow)
	case f.bytes > floodBytes:
		f.reason = fmt.Sprintf("more than %d MiB within %s", floodBytes>>20, floodWindow)
	}
	over := f.reason != ""
	o.mu.Unlock()
	if !over {
		return nil
	}
	if o.stop != nil {
		o.stop()
	}
	return io.EOF
}

// tooMuch says what of the output was too much; empty if nothing was.
func (o *output) tooMuch() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.flood.reason
}

// measured reads what a process writes, until it is too much.
type measured struct {
	io.Reader
	out *output
}

// Read implements io.Reader.
func (m measured) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	if over := m.out.measure(b[:n]); over != nil {
		return 0, over
	}
	return n, err
}
