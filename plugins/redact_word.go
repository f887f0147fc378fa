package plugins

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
)

// maxWords is how many words of a provider's own are remembered.
const maxWords = 200_000

// vocabulary has the words of labels, hosts and settings, in lower case. A password that is one of them is no secret that a
// sentence could give away.
type vocabulary map[string]bool

// add adds each text as a whole and word by word, and says whether any of it is new.
func (v *vocabulary) add(texts []string) (added bool) {
	if *v == nil {
		*v = vocabulary{}
	}
	for _, text := range texts {
		text = strings.ToLower(text)
		for _, words := range [][]string{{text}, strings.Fields(text), runsOfLetters(text)} {
			for _, word := range words {
				word = bareWord(word)
				if len(word) >= minSecret && !(*v)[word] && len(*v) < maxWords {
					(*v)[word], added = true, true
				}
			}
		}
	}
	return added
}

func (v vocabulary) has(text string) bool { return v[bareWord(strings.ToLower(text))] }

// bareWord is a word without the punctuation around it.
func bareWord(word string) string {
	return strings.TrimFunc(word, func(c rune) bool { return !isAlphanumeric(c) })
}

func isAlphanumeric(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// runsOfLetters are the parts of a text between its punctuation.
func runsOfLetters(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return !isAlphanumeric(c) })
}

func isLetters(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
}

// member is a text in a JSON object, with the name of the innermost member that it is in.
type member struct{ name, value string }

// membersOf lists the texts in a JSON object, at most maxSecrets; none if it is no JSON object.
func membersOf(text string) []member {
	var decoded map[string]any
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &decoded) != nil {
		return nil
	}
	return appendMembers(nil, "", decoded)
}

func appendMembers(list []member, name string, value any) []member {
	if len(list) >= maxSecrets {
		return list
	}
	switch v := value.(type) {
	case string:
		return append(list, member{name, v})
	case []any:
		for _, e := range v {
			list = appendMembers(list, name, e)
		}
	case map[string]any:
		for name, e := range v {
			list = appendMembers(list, name, e)
		}
	}
	return list
}

var urlStart = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
})

// tokensOf lists the parts of a value that do not look like words. Of a URL those are its password and what its query and
// fragment carry.
func tokensOf(value string) []string {
	var tokens []string
	for _, part := range strings.FieldsFunc(value, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune(`"'<>(){}[]|,;`, c)
	}) {
		switch {
		case urlStart().MatchString(part):
			tokens = append(tokens, tokensOfURL(part)...)
		case strings.ContainsAny(part, "&="):
			tokens = append(tokens, tokensOfForm(part)...)
		case !isPlain(part):
			tokens = append(tokens, part)
		}
	}
	return tokens
}

// tokensOfForm is tokensOf for parameters, or for base64 with its padding.
func tokensOfForm(text string) []string {
	var tokens []string
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == '&' || c == '=' }) {
		plain, err := url.QueryUnescape(part)
		for _, spelled := range []string{part, plain} {
			if err == nil && urlStart().MatchString(spelled) {
				tokens = append(tokens, tokensOfURL(spelled)...)
			} else if !isPlain(spelled) {
				tokens = append(tokens, spelled)
			}
		}
	}
	return tokens
}

func tokensOfURL(text string) []string {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	var tokens []string
	if password, set := u.User.Password(); set && len(password) >= minSpoken {
		tokens = append(tokens, password)
	}
	for _, query := range []string{u.RawQuery, u.Fragment} {
		values, _ := url.ParseQuery(query)
		for _, list := range values {
			for _, v := range list {
				if !strings.Contains(v, "://") && !isPlain(v) {
					tokens = append(tokens, v)
				}
			}
		}
	}
	return tokens
}

var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z]{2,12}(:[0-9]+)?$`)
})

// isPlain says whether a text is shorter than a token, or looks like words, numbers, a time, or an address.
func isPlain(text string) bool {
	if len(text) < minSpoken || hostName().MatchString(text) {
		return true
	}
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return true
	}
	for _, run := range runsOfLetters(text) {
		if !isWord(run) {
			return false
		}
	}
	return true
}

const (
	// maxWord and maxNumber are the longest words and numbers, in bytes; maxSuffix is the longest number after a word; and
	// minHump is how long the words in camelCase are on average.
	maxWord   = 24
	maxNumber = 19
	maxSuffix = 4
	minHump   = 4
)

// isWord says whether letters and digits look like a word, such as accessToken or demouser7, or like a number.
func isWord(run string) bool {
	word := strings.TrimRight(run, "0123456789")
	digits := len(run) - len(word)
	if word == "" {
		return digits <= maxNumber
	}
	if digits > maxSuffix || len(word) > maxWord || !isLetters(word) {
		return false
	}
	humps, lower := 1, false
	for _, c := range word {
		if lower && unicode.IsUpper(c) {
			humps++
		}
		lower = unicode.IsLower(c)
	}
	return humps == 1 || humps*minHump <= len(word)
}
