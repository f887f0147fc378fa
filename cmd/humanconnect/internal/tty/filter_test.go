package tty

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

func TestKeysAndTextPassTheFilterUnchanged(t *testing.T) {
	for _, text := range []string{
		"demouser", "pässwörd ❛雛❜ 👩‍⚕️", "\x1b[A\x1b[1;5C\x1bOP\x1b[15~", "\x1b", "\x1b\x1b[A", "\x1bé", "\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c",
		"\x1b]11;rgb:ffff/ffff/ffff\x07", "\x1bP1+r544e=787465726d\x1b\\", "\x1b[200~one\ntwo ❛;;;❜\x1b[201~x", "\x1b[97;5:1;97u", "\x03\r\x7f",
	} {
		for size := 1; size <= len(text); size++ {
			var f filter
			var got []byte
			for chunk := range chunks([]byte(text), size) {
				got = append(got, f.next(chunk, time.Time{}.Add(time.Hour))...)
			}
			if diff := cmp.Diff(text, string(got)); diff != "" {
				t.Fatalf("in chunks of %d (-want +got):\n%s", size, diff)
			}
		}
	}
}

func chunks(b []byte, size int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(size, len(b))
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

func TestPasteWithASequenceIsRefusedInsteadOfChanged(t *testing.T) {
	var f filter
	got := string(f.next([]byte("\x1b[200~pass\x1b[31mword\x1b[201~"), time.Time{}.Add(time.Hour)))
	if got != "\x1b[200~pass\x1c[31mword\x1b[201~" {
		t.Errorf("%q passes", got)
	}
}

func TestSequenceEndsWithSilence(t *testing.T) {
	var f filter
	f.next([]byte("\x1b]"), time.Time{}.Add(time.Hour))
	if got := string(f.next([]byte("é"), time.Time{}.Add(time.Hour).Add(time.Second))); got != "é" {
		t.Errorf("what is typed after Esc and ] is %q", got)
	}
}

// FuzzFilterBoundsWhatTheLibraryParses: the parser of the library panics beyond its bounds.
func FuzzFilterBoundsWhatTheLibraryParses(f *testing.F) {
	many := strings.Repeat("1;", 40)
	for _, seed := range []string{
		"\x1b[" + many + "m", "\x1b[200~\x1b[" + many + "m\x1b[201~", "\x1bP" + many + "r\x1b\\", "\x9b" + many, "\x1b]\xe1\x9c\x9b" + many + "\x07",
		"\xe1\x9c", "\x1b[1\x1b[" + many, "\x1b_" + many + "\x18\x90" + many,
	} {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, read []byte, size int) {
		var filter filter
		var got []byte
		for chunk := range chunks(read, max(size, 1)) {
			got = append(got, filter.next(chunk, time.Time{}.Add(time.Hour))...)
		}
		if !utf8.Valid(got) {
			t.Fatalf("%q is no UTF-8", got)
		}
		parser := ansi.NewParser()
		parser.SetParamsSize(32)
		for state := byte(0); len(got) > 0; {
			_, _, n, next := ansi.DecodeSequence(got, state, parser)
			got, state = got[n:], next
		}
		if len(filter.kept) > utf8.UTFMax+len(pasteEnds) {
			t.Fatalf("%d bytes are kept", len(filter.kept))
		}
	})
}
