package host_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk/host"
)

func TestCleanTextShowsOneHonestLine(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"Dr. Müller 漢字 🙂", 99, "Dr. Müller 漢字 🙂"},
		{"two\nlines\ttab\u2028end\u00a0", 99, "two lines tab end "},
		{"\x1b[31mred\x1b]0;title\x07", 99, "[31mred]0;title"},
		{"\u009b31mC1", 99, "31mC1"},
		{"safe\u202egpj.exe\u2066x\u2069", 99, "safegpj.exex"},
		{"ad\u200bm\u200di\ufeffn\U000E0041", 99, "admin"},
		{"bad\xffbyte", 99, "badbyte"},
		{"a real \uFFFD", 99, "a real \uFFFD"},
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abcde…"},
		{"äöüßäöü", 3, "äö…"},
		{"abc\x1b\x1b", 3, "abc"},
		{"ab", 1, "…"},
		{"ab", 0, ""},
		{"", 5, ""},
	} {
		if got := host.CleanText(c.in, c.limit); got != c.want {
			t.Errorf("CleanText(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("two\nlines \x1b[31m\u202e\xff\u200b", 7)
	f.Fuzz(func(t *testing.T, in string, limit int) {
		limit %= 1000
		out := host.CleanText(in, limit)
		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		if n := utf8.RuneCountInString(out); n > max(limit, 0) {
			t.Fatalf("%d runes, limit %d", n, limit)
		}
		if i := strings.IndexFunc(out, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) && r != ' '
		}); i >= 0 {
			t.Fatalf("%q still holds %q", out, out[i:])
		}
		if again := host.CleanText(out, limit); again != out {
			t.Fatalf("cleaning twice gave %q, then %q", out, again)
		}
	})
}
