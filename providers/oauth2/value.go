package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
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

// at is what a JSON value has at a path such as errors.0.code; "" is the value itself.
func at(value any, path string) any {
	if path == "" {
		return value
	}
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
		return plainInteger(v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// plainInteger writes a number that is an integer without a fraction and without an exponent, all digits kept: an id may come in either
// form. Any other number stays as it is written.
func plainInteger(number string) string {
	if len(number) > maxNumber || !strings.ContainsAny(number, ".eE") {
		return number
	}
	if _, exponent, has := strings.Cut(strings.ToLower(number), "e"); has {
		if n, err := strconv.Atoi(exponent); err != nil || n > maxNumber || n < -maxNumber {
			return number
		}
	}
	if exact, ok := new(big.Rat).SetString(number); ok && exact.IsInt() {
		return exact.Num().String()
	}
	return number
}

// maxNumber is how many digits an integer has that is written in another form.
const maxNumber = 40

// holds says whether a value meets conditions, path to text; a text that ends with * is a prefix.
func holds(value any, conditions map[string]string) bool {
	for path, want := range conditions {
		got := text(at(value, path))
		if prefix, ok := strings.CutSuffix(want, "*"); ok && strings.HasPrefix(got, prefix) && got != "" || got == want && got != "" {
			continue
		}
		return false
	}
	return true
}

// member is a path in braces.
var member = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([^{}]+)\}`) })

// labelOf fills the first template that has something to say.
func labelOf(value any, templates []string) string {
	for _, template := range templates {
		filled := member().ReplaceAllStringFunc(template, func(path string) string { return text(at(value, path[1:len(path)-1])) })
		if label := strings.Join(strings.Fields(filled), " "); label != "" {
			return label
		}
	}
	return ""
}

// claims of a JWT. Its signature is not verified: it came from the token endpoint itself.
func claims(token string) any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil
	}
	value, _ := decoded(payload).(map[string]any)
	if value == nil {
		return nil
	}
	return value
}

// scopesOf reads scopes: a list of texts, or one with blanks or commas between them.
func scopesOf(value any) []string {
	var scopes []string
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			if s := text(one); s != "" {
				scopes = append(scopes, s)
			}
		}
	case string:
		scopes = strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return slices.Compact(scopes)
}

// secondsOf reads a number of seconds; 0 where there is none.
func secondsOf(value any) int64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text(value)), 64)
	if err != nil || !(n > 0) || n > 100*365*24*60*60*100 {
		return 0
	}
	return int64(n)
}

// maxSeconds is the end of the year 9999 in Unix seconds.
const maxSeconds = 253402300799

// instantOf reads a date as sources write it: Unix seconds or milliseconds, RFC 3339, or that with a blank; nil where there is
// none.
func instantOf(value any) *time.Time {
	written := strings.TrimSpace(text(value))
	if n, err := strconv.ParseInt(written, 10, 64); err == nil {
		if n > maxSeconds {
			n /= 1000
		}
		if n <= 0 || n > maxSeconds {
			return nil
		}
		at := time.Unix(n, 0).UTC()
		return &at
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, written); err == nil && at.Year() > 1970 && at.Year() < 9999 {
			at = at.UTC()
			return &at
		}
	}
	return nil
}
