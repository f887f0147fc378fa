package hook

import (
	"strings"
	"unicode"
)

// outputCap is how much of what a hook writes is kept.
const outputCap = 64 << 10

// tail keeps the last outputCap bytes that are written to it.
type tail struct{ kept []byte }

// Write implements io.Writer. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*outputCap {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-outputCap:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte { return t.kept[max(0, len(t.kept)-outputCap):] }

// lines cuts output into lines that are safe on a terminal.
func lines(output []byte) []string {
	text := strings.TrimRight(strings.ToValidUTF8(string(output), "\uFFFD"), "\r\n")
	if text == "" {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, strings.Map(visible, line))
	}
	return out
}

// At puts where a hook leads, if that is a URL, before what was said of a try. The two are stored apart.
func At(origin, said string) string {
	if origin == "" || said == "" {
		return said
	}
	return origin + ": " + said
}

// visible drops control characters, and those that change the direction or the look of the text around them.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
		return -1
	}
	return r
}
