package host

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText makes text from outside fit to be shown in one line of a terminal, log or page: white space of any kind
// becomes a plain space; control characters (C0, C1, escape), everything invisible that changes what stands around it
// (bidirectional overrides and isolates, zero-width characters, tags) and bytes that are not UTF-8 are left out. More
// than limit runes are cut to limit, the last of which is then "…".
func CleanText(s string, limit int) string {
	if limit <= 0 {
		return ""
	}
	var out strings.Builder
	kept, end := 0, 0
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			continue
		}
		r, visible := cleanRune(r)
		if !visible {
			continue
		}
		if kept == limit {
			return out.String()[:end] + "…"
		}
		if kept++; kept == limit {
			end = out.Len()
		}
		out.WriteRune(r)
	}
	return out.String()
}

func cleanRune(r rune) (rune, bool) {
	switch {
	case unicode.IsSpace(r):
		return ' ', true
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Zl, unicode.Zp):
		return 0, false
	}
	return r, true
}
