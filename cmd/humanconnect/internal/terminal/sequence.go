package terminal

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// A key that is not a character is an escape sequence (ECMA-48 §5.4, xterm's ctlseqs):
//
//	ESC [ … final          CSI: arrows, function keys, the marks around a paste; ESC [ M and three bytes is a mouse
//	ESC O final            SS3: arrows and F1–F4 of some terminals
//	ESC ] P _ ^ X … end    strings: answers of the terminal, ended by BEL or ESC \
//	ESC any                that key with Alt
const (
	pasteBegins = "\x1b[200~"
	pasteEnds   = "\x1b[201~"
	// maxSequence is the longest sequence that is kept, in bytes.
	maxSequence = 64
)

// isComplete says whether bytes that start with an escape are a complete sequence.
func isComplete(seq []byte) bool {
	if len(seq) < 2 {
		return false
	}
	last := seq[len(seq)-1]
	switch seq[1] {
	case '[':
		if len(seq) > 2 && seq[2] == 'M' {
			return len(seq) == len("\x1b[M")+3
		}
		return len(seq) > 2 && last >= 0x40 && last <= 0x7e
	case 'O':
		return len(seq) > 2
	case ']', 'P', '_', '^', 'X':
		return last == 0x07 || len(seq) > 3 && bytes.HasSuffix(seq, []byte("\x1b\\"))
	}
	return true
}

// stripSequences removes escape sequences and control characters from a line. back: the person pressed Esc, at the start or
// the end of the line.
func stripSequences(line []byte) (text []byte, back bool) {
	for i := 0; i < len(line); i++ {
		if line[i] != keyEscape {
			text = append(text, line[i])
			continue
		}
		end := i + 1
		for end <= len(line) && !isComplete(line[i:end]) {
			end++
		}
		alone := i+1 == len(line) || line[i+1] == keyEscape
		typed := end <= len(line) && end-i == 2 // Alt and a key, or Esc and what was typed after it
		if alone || typed && i == 0 {
			return nil, true
		}
		i = end - 1
	}
	if !utf8.Valid(text) {
		return text, false
	}
	return bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text), false
}
