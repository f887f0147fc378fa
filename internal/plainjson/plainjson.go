// Package plainjson escapes in JSON what a terminal or a person would take for something else.
//
// It imports nothing of ours, so that core and the command line share it.
package plainjson

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Escape returns a JSON text in which DEL, the control characters U+0080 to U+009F, and the marks that change the direction of
// text or cannot be seen (Unicode category Cf) are written as \uXXXX (RFC 8259 §7). It means the same: outside of strings, JSON
// has none of them. The text itself is returned where there is nothing to escape.
func Escape(text []byte) []byte {
	if !bytes.ContainsFunc(text, hidden) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case !hidden(r):
			out = append(out, text[:size]...)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}

// hidden says whether a character is escaped. Those below U+0020 are blanks of the document: an encoder has escaped the others.
func hidden(r rune) bool {
	return r == 0x7f || r >= 0x80 && r <= 0x9f || unicode.Is(unicode.Cf, r)
}
