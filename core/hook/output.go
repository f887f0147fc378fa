package hook

import (
	"strings"
	"unicode"
)

// outputCap is how much of what a hook writes is kept.
const outputCap = 64 << 10

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
