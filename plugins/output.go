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
	// ringSize and ringLines limit what is kept of stderr.
	ringSize  = 64 << 10
	ringLines = 2000
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
	// stop ends the process, which writes too much; nil for nothing to end.
	stop func()

	mu sync.Mutex
	// lines are the last ones as they were written.
	lines   []string
	size    int
	flood   flood
	window  time.Time
	inRate  int
	volume  int
	dropped int
}

// keep takes one line of stderr.
func (o *output) keep(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	o.size += len(line)
	if o.size > 2*ringSize || len(o.lines) > 2*ringLines {
		o.forget()
	}
	o.report(line)
}

// forget drops the oldest lines; the caller holds the lock. It makes room for many lines at once, because it moves the others.
func (o *output) forget() {
	first := max(0, len(o.lines)-ringLines)
	for _, line := range o.lines[:first] {
		o.size -= len(line)
	}
	for o.size > ringSize {
		o.size -= len(o.lines[first])
		first++
	}
	o.lines = slices.Delete(o.lines, 0, first)
}

// pass takes one line of stdout, which is no diagnostics.
func (o *output) pass(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report(line)
}

// report logs a line unless there were too many; the caller holds the lock. What is not logged is not searched for secrets either:
// that takes longer than to read it.
func (o *output) report(line string) {
	if o.log == nil {
		return
	}
	if now := o.now(); now.Sub(o.window) >= time.Second {
		o.logDropped()
		o.window, o.inRate = now, 0
	}
	if o.inRate >= logRate || o.volume+min(len(line), lineLimit) > logVolume {
		o.dropped++
		return
	}
	if line = o.secrets.shown(line, lineLimit); line == "" {
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
var errorLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(Uncaught )?\w*(Error|Exception)\b[^:]*: `)
})

// tail returns the lines that explain a crash best: those from the last panic on, or from an error above the last lines, else
// the last lines; cleared of the secrets that are known now.
func (o *output) tail() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines, starts []string
	for _, line := range o.lines {
		if start := clean(line, tailWidth); start != "" {
			lines, starts = append(lines, line), append(starts, start)
		}
	}
	first := max(0, len(lines)-tailLines)
	for i, line := range slices.Backward(starts) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			first = i
			break
		}
		if errorLine().MatchString(line) {
			first = min(first, i)
			break
		}
	}
	var out []string
	for _, line := range lines[first:min(len(lines), first+tailLines)] {
		if line = cut(o.secrets.shown(line, lineLimit), tailWidth); line != "" {
			out = append(out, line)
		}
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
	measure func([]byte) error
	mu      sync.Mutex
	pending []byte
}

var _ io.Writer = (*lineWriter)(nil)

// Write implements io.Writer; it takes everything, and keeps nothing of what is too much.
func (w *lineWriter) Write(b []byte) (int, error) {
	if w.measure(b) != nil {
		return len(b), nil
	}
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
