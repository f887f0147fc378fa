package app

import (
	"regexp"
	"strings"
	"sync"
)

// languageTag matches the accepted tags of BCP 47: a language, and an optional region.
var languageTag = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2}|-[0-9]{3})?$`)
})

// Locale is the user's language as a tag of BCP 47, from the variables of POSIX (XBD §8.2), or "" if they are not set.
func (a *App) Locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := a.Variable(name); value != "" {
			return tagOf(value)
		}
	}
	return ""
}

// tagOf makes a tag of a locale's name, as de_AT.UTF-8@euro is one.
func tagOf(locale string) string {
	if end := strings.IndexAny(locale, ".@"); end >= 0 {
		locale = locale[:end]
	}
	tag := strings.ReplaceAll(locale, "_", "-")
	if !languageTag().MatchString(tag) { // C and POSIX are no languages
		return ""
	}
	return tag
}
