package tty

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// filter bounds what a terminal sends before the library of the screens parses it: whoever controls the text of a paste, or
// what a terminal answers, controls these bytes.
//
//   - A control sequence has at most maxParameters parameters and maxParameterBytes bytes of them; the rest is dropped. The
//     library has room for 32 and panics beyond.
//   - Bytes that are not UTF-8 become a control character, which no field takes: the 8-bit controls (ECMA-48 §5.3) begin
//     sequences too.
//   - In a paste nothing but its end mark is a sequence: an escape becomes a control character, so that the paste is refused
//     instead of changed.
//
// It belongs to one goroutine.
type filter struct {
	state filterState
	// kept are bytes that wait for the rest of a character or of the mark that ends a paste.
	kept []byte
	// parameters of the current sequence: their number of separators, and the bytes.
	separators int
	parameters []byte
	last       time.Time
}

type filterState int

const (
	inText filterState = iota
	afterEscape
	inParameters
	inString
	inPaste
)

const (
	maxParameters     = 30
	maxParameterBytes = 256
	// replaced stands for what is not text: FS, which is no key of a screen.
	replaced = 0x1c
	// sequenceTime is after how much silence a sequence is over. The library waits for less.
	sequenceTime = 500 * time.Millisecond
	cancel       = 0x18
	substitute   = 0x1a
	escape       = 0x1b
	// pasteEnds is the mark that ends a paste.
	pasteEnds = "\x1b[201~"
	bell      = 0x07
)

// next filters the bytes of one read, which came at a time.
func (f *filter) next(read []byte, now time.Time) []byte {
	if f.state != inPaste && now.Sub(f.last) > sequenceTime {
		f.state, f.kept = inText, nil
	}
	f.last = now
	in := append(f.kept, read...)
	f.kept = nil
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		n := f.unit(in)
		if n == 0 {
			f.kept = bytes.Clone(in)
			break
		}
		out = f.pass(out, in[:n])
		in = in[n:]
	}
	return out
}

// unit is the length of what belongs together at the start of in: a character, or the mark that ends a paste. It is 0 if
// the rest has not arrived.
func (f *filter) unit(in []byte) int {
	switch {
	case f.state == inPaste && in[0] == escape:
		switch {
		case bytes.HasPrefix(in, []byte(pasteEnds)):
			return len(pasteEnds)
		case bytes.HasPrefix([]byte(pasteEnds), in):
			return 0
		}
		return 1
	case !utf8.FullRune(in):
		return 0
	}
	_, size := utf8.DecodeRune(in)
	return size
}

// pass adds a unit to out, as the state allows.
func (f *filter) pass(out, unit []byte) []byte {
	c := unit[0]
	r, size := utf8.DecodeRune(unit)
	switch {
	case f.state == inPaste && len(unit) == len(pasteEnds):
		f.state = inText
		return append(out, unit...)
	case r == utf8.RuneError && size == 1, f.state == inPaste && c == escape:
		return append(out, replaced)
	case f.state == inPaste:
		return append(out, unit...)
	case c == escape:
		f.state = afterEscape
		return append(out, c)
	case c == cancel || c == substitute:
		f.state = inText
		return append(out, c)
	}
	switch f.state {
	case afterEscape:
		f.begin(c)
	case inParameters:
		return f.parameter(out, unit)
	case inString:
		if c == bell {
			f.state = inText
		} else if len(unit) > 1 { // a byte of it may be an 8-bit control to the library
			return append(out, '?')
		}
	}
	return append(out, unit...)
}

// begin sets the state after an escape and the byte behind it.
func (f *filter) begin(c byte) {
	f.separators, f.parameters = 0, nil
	switch c {
	case '[':
		f.state = inParameters
	case 'P':
		f.state = inParameters
		f.parameters = []byte{c}
	case ']', '_', '^', 'X':
		f.state = inString
	default:
		f.state = inText
	}
}

// parameter passes on a byte of the parameters of a sequence, unless there are too many, and detects its end.
func (f *filter) parameter(out, unit []byte) []byte {
	c := unit[0]
	if c < 0x20 || c > 0x3f {
		device := len(f.parameters) > 0 && f.parameters[0] == 'P'
		switch {
		case string(f.parameters) == "200" && c == '~':
			f.state = inPaste
		case device:
			f.state = inString
		default:
			f.state = inText
		}
		return append(out, unit...)
	}
	if c == ';' || c == ':' {
		f.separators++
	}
	if f.separators >= maxParameters || len(f.parameters) >= maxParameterBytes {
		return out
	}
	f.parameters = append(f.parameters, c)
	return append(out, c)
}

// Filtered returns a terminal whose input is filtered: what it sends is bounded, before a library parses it.
func Filtered(g *Guarded) File { return &filtered{Guarded: g} }

type filtered struct {
	*Guarded
	filter filter
	// ready are filtered bytes that no read has taken yet.
	ready []byte
}

// Read implements [io.Reader]. It may return 0 bytes without an error, where the rest of a character has not arrived.
func (t *filtered) Read(p []byte) (int, error) {
	if len(t.ready) == 0 {
		n, err := t.Guarded.Read(p)
		t.ready = t.filter.next(p[:n], time.Now())
		if err != nil {
			return t.take(p), err
		}
	}
	return t.take(p), nil
}

func (t *filtered) take(p []byte) int {
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n
}

// noDescriptor is no file descriptor.
const noDescriptor = ^uintptr(0)

// Fd is the file descriptor. While another program has the terminal it is none, so that the library does not change its
// settings.
func (t *filtered) Fd() uintptr {
	if t.isAway() {
		return noDescriptor
	}
	return t.Guarded.Fd()
}
