package plugins

import (
	"strings"
	"unicode"
)

// clean makes text of a provider fit to show on one line: no control and no format characters (which turn the writing
// direction or hide text), no line breaks, valid UTF-8, at most limit characters.
func clean(text string, limit int) string {
	return cut(strings.Map(func(r rune) rune {
		if isUnsafe(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")), limit)
}

// cleanText is clean for a paragraph: it keeps line feeds.
func cleanText(text string, limit int) string {
	return cut(strings.Map(func(r rune) rune {
		if r != '\n' && isUnsafe(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")), limit)
}

func isUnsafe(r rune) bool {
	// A zero-width joiner belongs to the spelling of some languages, and to emoji.
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

func cut(text string, limit int) string {
	text = strings.TrimSpace(text)
	count := 0
	for at := range text {
		if count == limit {
			return text[:at] + "…"
		}
		count++
	}
	return text
}
