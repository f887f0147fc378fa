// Package textfile has what all readers of small text files agree on: what editors and shells put around a value is no part of it.
//
// It imports nothing of ours, so that core and the command line share it.
package textfile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// bom is the byte order mark that editors of other systems write at the beginning of UTF-8.
var bom = []byte("\ufeff")

// Value returns the value in a text: without a byte order mark and without the newlines at its end, or, with one, without the
// last newline alone.
func Value(text []byte, one bool) []byte {
	text = bytes.TrimPrefix(text, bom)
	if one {
		return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	}
	return bytes.TrimRight(text, "\r\n")
}

// Edges says what stands at the ends of a value that is hardly meant, fit to follow "the value": "begins with a blank", "ends
// with a blank"; "" for nothing.
func Edges(value []byte) string {
	first, _ := utf8.DecodeRune(value)
	last, _ := utf8.DecodeLastRune(value)
	switch {
	case len(value) == 0:
		return ""
	case unicode.IsSpace(last):
		return "ends with a blank"
	case unicode.IsSpace(first):
		return "begins with a blank"
	}
	return ""
}

// Control returns the first ASCII control character of a text, and whether there is one.
func Control(text string) (r rune, found bool) {
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return r, true
		}
	}
	return 0, false
}
