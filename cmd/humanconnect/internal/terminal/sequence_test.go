package terminal

import (
	"bytes"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzKeysOfALine: whatever is typed, what is taken has no key in it that is no character, and taking it again changes
// nothing.
func FuzzKeysOfALine(f *testing.F) {
	for _, line := range []string{
		"", "abc", "a\x1b[Db", "\x1b", "\x1b\x1b", "a\x1b", "\x1b[200~x\x1b[201~", "\x1b[M !!", "\x1b]11;x\x07y", "\x1bOA", "\x1b[", "\xff\x1b", "\x1bP\x1b\\",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		text, back := stripSequences(line)
		if back && len(text) > 0 {
			t.Errorf("%q goes back and is taken", line)
		}
		if bytes.ContainsRune(text, keyEscape) || utf8.Valid(text) && bytes.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%q is taken of %q", text, line)
		}
		if again, back := stripSequences(text); back || !bytes.Equal(again, text) {
			t.Errorf("%q becomes %q, and then %q", line, text, again)
		}
		if !bytes.ContainsFunc(line, unicode.IsControl) && !bytes.Equal(text, line) {
			t.Errorf("%q becomes %q", line, text)
		}
	})
}
