package problem

import (
	"regexp"
	"strconv"
	"sync"
)

var (
	// placed is a fact of a file: where, the key, and what is wrong, in columns.
	placed = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^ *(\S.*):(\d+):(\d+)(?:  +(\S.*?))?  +(\S.*)$`)
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

// WithPlacedFacts returns the problem with facts, each of which begins with a place, and with those places.
func (p Problem) WithPlacedFacts(facts ...string) *Problem {
	var places []Place
	for _, fact := range facts {
		if place, ok := PlaceOf(fact); ok {
			places = append(places, place)
		}
	}
	return p.WithPlaces(places...).WithFacts(facts...)
}
