package textfile_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/internal/textfile"
)

func TestWhatEditorsPutAroundAValueIsNoPartOfIt(t *testing.T) {
	for text, want := range map[string][2]string{
		"\ufeffx\n": {"x", "x"}, "x\r\n": {"x", "x"}, "x\n\n": {"x", "x\n"}, " x \n": {" x ", " x "}, "": {"", ""}, "\n": {"", ""}, "x\ufeff": {"x\ufeff", "x\ufeff"},
	} {
		if all, one := string(textfile.Value([]byte(text), false)), string(textfile.Value([]byte(text), true)); all != want[0] || one != want[1] {
			t.Errorf("%q: %q and %q, want %q", text, all, one, want)
		}
	}
}

func TestBlanksAndControlCharactersAreFound(t *testing.T) {
	for value, want := range map[string]string{"x": "", "": "", "x ": "ends with a blank", " x": "begins with a blank", "x\u00a0": "ends with a blank", "a b": ""} {
		if got := textfile.Edges([]byte(value)); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
	for text, want := range map[string]rune{"a\rb": '\r', "\x1b[2J": 0x1b, "\x7f": 0x7f, "\x00": 0} {
		if got, found := textfile.Control(text); got != want || !found {
			t.Errorf("%q: %U, %v", text, got, found)
		}
	}
	if _, found := textfile.Control("äöü 漢\u009b"); found {
		t.Error("what is no ASCII is a control character")
	}
}
