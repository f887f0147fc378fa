package problem

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
)

var (
	// placed is a fact of a file: where, the key, and what is wrong, in columns.
	placed = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^ *(\S.*):(\d+):(\d+)(?:  +(\S.*?))?  +(\S.*)$`)
	})
	// unfiled is a fact of a flag or a variable: its name, the key, and what is wrong, in columns.
	unfiled = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^ *(\S+)  +(\S.*?)  +(\S.*)$`)
	})
	// suggestion is the end of a fact that says what was meant.
	suggestion = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`; did you mean "?([^"?]*)"?\?$`)
	})
)

// PlaceOf reads a fact that begins with a place, as those on files do: "FILE:LINE:COLUMN  KEY  what is wrong".
func PlaceOf(fact string) (Place, bool) {
	m := placed().FindStringSubmatch(fact)
	if m == nil {
		return Place{}, false
	}
	line, errLine := strconv.Atoi(m[2])
	column, errColumn := strconv.Atoi(m[3])
	return Place{File: m[1], Line: line, Column: column, Key: m[4], Message: m[5]}.suggested(), errLine == nil && errColumn == nil
}

// Unplaced returns the facts but for those that [Problem.Places] has apart.
func (p *Problem) Unplaced() []string {
	return slices.DeleteFunc(p.Facts(), func(fact string) bool {
		if _, ok := PlaceOf(fact); ok && len(p.places) > 0 {
			return true
		}
		m := unfiled().FindStringSubmatch(fact)
		return m != nil && slices.Contains(p.places, NewPlace("", 0, 0, m[2], m[1]+": "+m[3]))
	})
}

// suggested takes out of the message what was probably meant.
func (p Place) suggested() Place {
	if m := suggestion().FindStringSubmatchIndex(p.Message); m != nil {
		p.Message, p.Suggestion = p.Message[:m[0]], p.Message[m[2]:m[3]]
	}
	return p
}

// NewPlace is a place with its message, from which the suggestion is taken.
func NewPlace(file string, line, column int, key, message string) Place {
	return Place{File: file, Line: line, Column: column, Key: key, Message: message}.suggested()
}
