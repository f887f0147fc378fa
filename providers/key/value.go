package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// decoded reads a JSON text; numbers stay as they are written, so that no id loses a digit. nil where it is none.
func decoded(body []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil
	}
	return value
}

// at is what a JSON value has at a path such as errors.0.code.
func at(value any, path string) any {
	for _, name := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// text is a JSON value as a text: a string or a number, which are one; "" for anything else.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// holds says whether a value meets conditions, path to text.
func holds(value any, conditions map[string]string) bool {
	for path, want := range conditions {
		if got := text(at(value, path)); got == "" || got != want {
			return false
		}
	}
	return true
}

// member is a path in braces.
var member = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([^{}]+)\}`) })

// labelOf fills the first template that has something to say. It has no character that writes to terminals.
func labelOf(value any, templates []string) string {
	for _, template := range templates {
		filled := member().ReplaceAllStringFunc(template, func(path string) string { return text(at(value, path[1:len(path)-1])) })
		filled = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return ' '
			}
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, filled)
		if label := strings.Join(strings.Fields(filled), " "); label != "" {
			return label
		}
	}
	return ""
}
