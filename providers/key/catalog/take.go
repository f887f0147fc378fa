package catalog

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

// maxInput is the length of an input in bytes.
const maxInput = 4096

// Take checks what a person, or a setting, gives for an input, and returns it as it is kept. No error repeats the text.
func (s *Source) Take(in Input, text string, allowed endpoint.Allowed) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", errors.New("it is empty")
	case len(text) > maxInput:
		return "", errors.New("it is too long")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", errors.New("it has a character that it cannot have")
	}
	switch in.Kind {
	case KindURL:
		return takeURL(text, allowed)
	case KindChoice:
		if !slices.ContainsFunc(in.Choices, func(c Choice) bool { return c.Value == text }) {
			return "", errors.New("it is none of the choices")
		}
		return text, nil
	}
	if s.inAddress(in.ID) {
		pattern := in.Pattern
		if pattern == "" && in.Kind == KindSecret {
			pattern = `.+`
		}
		return endpoint.Part(text, pattern)
	}
	if whole, err := regexp.Compile(`\A(?:` + in.Pattern + `)\z`); in.Pattern != "" && (err != nil || !whole.MatchString(text)) {
		return "", errors.New("it is not of the form that is asked for")
	}
	return text, nil
}

// takeURL returns a URL without a slash at its end and without the port of its scheme: it is a part of the account.
func takeURL(text string, allowed endpoint.Allowed) (string, error) {
	u, err := allowed.TypedURL(text)
	if err != nil {
		return "", err
	}
	if standard := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; strings.HasSuffix(u.Host, standard) {
		u.Host = strings.TrimSuffix(u.Host, standard)
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// inAddress says whether an input becomes a part of a URL.
func (s *Source) inAddress(id string) bool {
	return slices.ContainsFunc(s.calls(), func(c Call) bool { return slices.Contains(endpoint.Placeholders(c.URL), id) })
}

// calls are all that are made.
func (s *Source) calls() (calls []Call) {
	for _, c := range s.Credentials {
		calls = append(calls, c.Check)
		if c.Revocation != nil {
			calls = append(calls, *c.Revocation)
		}
	}
	return calls
}

// Input returns an input by its id.
func (s *Source) Input(id string) (Input, bool) {
	i := slices.IndexFunc(s.Inputs, func(in Input) bool { return in.ID == id })
	if i < 0 {
		return Input{}, false
	}
	return s.Inputs[i], true
}

// Chosen returns the first kind of credential of which all inputs are there, or nil.
func (s *Source) Chosen(values map[string]string) *Credential {
	for i, c := range s.Credentials {
		if !slices.ContainsFunc(c.Needs, func(id string) bool { return values[id] == "" }) {
			return &s.Credentials[i]
		}
	}
	return nil
}
