// Package endpoint has what our providers share about addresses: what a person may type as one, how values come into the
// addresses of a catalogue, and what may be dialled. Providers import it beside sdk; it has nothing of a host.
package endpoint

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// placeholder is a name in braces.
var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`) })

// Placeholders of a text, without their braces.
func Placeholders(text string) (names []string) {
	for _, m := range placeholder().FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// Expand puts values in the place of placeholders. One that has no value is an error.
func Expand(text string, values map[string]string) (string, error) {
	return expand(text, values, func(s string) string { return s })
}

func expand(text string, values map[string]string, escape func(string) string) (string, error) {
	missing := ""
	out := placeholder().ReplaceAllStringFunc(text, func(name string) string {
		name = name[1 : len(name)-1]
		value, ok := values[name]
		if !ok || value == "" {
			missing = name
		}
		return escape(value)
	})
	if missing != "" {
		return "", fmt.Errorf("nothing is known for {%s}", missing)
	}
	return out, nil
}

// ExpandURL puts values in the place of the placeholders of an address: one at the beginning is a whole URL, one in the host
// a DNS label, and any other one segment of the path. Whatever the values are, scheme, port and the end of the host are those
// of the address.
func ExpandURL(address string, values map[string]string) (*url.URL, error) {
	return Allowed{}.ExpandURL(address, values)
}

// ExpandURL is [ExpandURL], with the exceptions for a whole URL.
func (a Allowed) ExpandURL(address string, values map[string]string) (*url.URL, error) {
	base, plain := address, false
	if strings.HasPrefix(address, "{") {
		name := Placeholders(address)[0]
		whole, err := a.TypedURL(values[name])
		if err != nil {
			return nil, err
		}
		base, plain = strings.TrimSuffix(whole.String(), "/")+strings.TrimPrefix(address, "{"+name+"}"), whole.Scheme == "http"
	}
	text, err := expand(base, values, url.PathEscape)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err == nil && strings.HasPrefix(address, "http://") { // an operator's own, on this machine
		plain = loopback.Host(u.Hostname())
	}
	if err != nil || u.Scheme != "https" && !plain || u.Host == "" || u.User != nil || u.Fragment != "" || strings.HasSuffix(u.Hostname(), ".") {
		return nil, fmt.Errorf("%s is no https URL", address)
	}
	_, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	if end := strings.LastIndexByte(host, '}'); end >= 0 && !strings.HasSuffix(u.Host, host[end+1:]) {
		return nil, fmt.Errorf("the host of %s is another one", address)
	}
	return u, nil
}

// separators are the characters that no part of an address has, whatever its pattern: they would begin another part of a URL.
const separators = "/\\?#@:%&=+;, <>{}[]|^`\"'"

// label is the default pattern: one DNS label.
const label = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`

// errCharacter is the error of a text with a character that would lead somewhere else.
var errCharacter = errors.New("it has a character that it cannot have")

// Part checks a text that becomes a part of an address: what matches the pattern, a regular expression for the whole text, and
// has no character that separates the parts of a URL. Without a pattern it is one DNS label, in lower case.
func Part(text, pattern string) (string, error) {
	text = strings.TrimSpace(text)
	if pattern == "" {
		pattern, text = label, strings.ToLower(text)
	}
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	switch {
	case err != nil:
		return "", err
	case strings.ContainsAny(text, separators) || strings.Contains(text, "..") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, "."):
		return "", errCharacter
	case strings.ContainsFunc(text, beyondASCII):
		return "", errCharacter
	case !whole.MatchString(text):
		return "", errors.New("it is not of the form that is asked for")
	}
	return text, nil
}

func beyondASCII(r rune) bool { return r <= ' ' || r >= 0x7f }

// TypedURL reads a URL that a person typed: https, a host and a path, and nothing else.
func TypedURL(text string) (*url.URL, error) { return Allowed{}.TypedURL(text) }

// TypedURL is [TypedURL], with http where that is an exception.
func (a Allowed) TypedURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && !a.Plain(u):
		return nil, errors.New("it is no https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return nil, errors.New("it has more than a host and a path")
	case strings.ContainsAny(text, "{}\\\"'<> ") || strings.ContainsFunc(text, beyondASCII):
		return nil, errCharacter
	case u.RawPath != "" || strings.Trim(u.Path, "/") != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return nil, errors.New("its path has an empty, dot or escaped segment")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}
