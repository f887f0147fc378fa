package plugins

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	ringSize  = 64 << 10
	lineLimit = 16 << 10
	// lineBuffer is longer than lineLimit, so that a secret across the limit is found before the cut.
	lineBuffer = 64 << 10
	// logRate and logVolume limit what one process writes into the log.
	logRate   = 200
	logVolume = 10 << 20
	// tailLines and tailWidth limit what an error shows.
	tailLines = 12
	tailWidth = 400
)

// output collects what a process writes: the last lines of its stderr for diagnostics, and all lines, within a rate
// and a volume, for the log. Safe for concurrent use.
type output struct {
	secrets *redactor
	log     func(line string)
	now     func() time.Time

	mu      sync.Mutex
	lines   []string
	size    int
	window  time.Time
	inRate  int
	volume  int
	dropped int
}

// keep takes one line of stderr.
func (o *output) keep(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line = o.fit(line)
	if line == "" {
		return
	}
	o.lines = append(o.lines, line)
	o.size += len(line)
	first := 0
	for o.size > ringSize {
		o.size -= len(o.lines[first])
		first++
	}
	o.lines = slices.Delete(o.lines, 0, first)
	o.report(line)
}

// pass takes one line of stdout, which is no diagnostics.
func (o *output) pass(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if line = o.fit(line); line != "" {
		o.report(line)
	}
}

func (o *output) fit(line string) string { return o.secrets.shown(line, lineLimit) }

// report logs a line unless there were too many; the caller holds the lock.
func (o *output) report(line string) {
	if o.log == nil {
		return
	}
	if now := o.now(); now.Sub(o.window) >= time.Second {
		o.logDropped()
		o.window, o.inRate = now, 0
	}
	if o.inRate >= logRate || o.volume+len(line) > logVolume {
		o.dropped++
		return
	}
	o.inRate++
	o.volume += len(line)
	o.log(line)
}

// logDropped logs how many lines were left out; the caller holds the lock.
func (o *output) logDropped() {
	if o.dropped > 0 && o.log != nil {
		o.log(fmt.Sprintf("%d lines dropped", o.dropped))
	}
	o.dropped = 0
}

// close logs what is left to say; no more lines come.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.logDropped()
}

// errorLine matches how runtimes of other languages begin an error report, before a trace that may be long.
var errorLine = regexp.MustCompile(`^(Uncaught )?\w*(Error|Exception)\b[^:]*: `)

// tail returns the lines that explain a crash best: those from the last panic on, or from an error above the last lines, else
// the last lines; cleared again of the secrets that were added after they were written.
func (o *output) tail() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := max(0, len(o.lines)-tailLines)
	for i, line := range slices.Backward(o.lines) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			first = i
			break
		}
		if errorLine.MatchString(line) {
			first = min(first, i)
			break
		}
	}
	var out []string
	for _, line := range o.lines[first:min(len(o.lines), first+tailLines)] {
		out = append(out, cut(o.secrets.clear(line), tailWidth))
	}
	return out
}

// eachLine calls take with each line of r until its end. What a line has beyond lineBuffer is discarded.
func eachLine(r *bufio.Reader, take func(string)) {
	for {
		line, err := readLine(r)
		if line != "" {
			take(line)
		}
		if err != nil {
			return
		}
	}
}

// readLine reads to the next line feed and returns as much of the line as the reader's buffer holds.
func readLine(r *bufio.Reader) (string, error) {
	chunk, err := r.ReadSlice('\n')
	line := strings.TrimRight(string(chunk), "\r\n")
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return line, err
}

// lineWriter makes lines of what is written to it.
type lineWriter struct {
	take    func(string)
	mu      sync.Mutex
	pending []byte
}

var _ io.Writer = (*lineWriter)(nil)

// Write implements io.Writer; it takes everything.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range bytes.Lines(b) {
		w.pending = append(w.pending, line[:min(len(line), lineBuffer-len(w.pending))]...)
		if line[len(line)-1] == '\n' {
			w.take(strings.TrimRight(string(w.pending), "\r\n"))
			w.pending = w.pending[:0]
		}
	}
	return len(b), nil
}

// flush takes the last line, which has no line feed yet.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 {
		w.take(string(w.pending))
		w.pending = nil
	}
}
