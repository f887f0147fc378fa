package catalog

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// placeholder is a name in braces.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// Placeholders of a text, without their braces.
func Placeholders(text string) (names []string) {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
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
	out := placeholder.ReplaceAllStringFunc(text, func(name string) string {
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

// ExpandURL puts values in the place of the placeholders of an address: one at the beginning is a whole https URL, one in
// the host a DNS label, and any other one segment of the path. Whatever the values are, scheme, port and the end of the host
// are those of the address.
func ExpandURL(address string, values map[string]string) (*url.URL, error) {
	base := address
	if strings.HasPrefix(address, "{") {
		name := Placeholders(address)[0]
		whole, err := TypedURL(values[name])
		if err != nil {
			return nil, err
		}
		base = strings.TrimSuffix(whole.String(), "/") + strings.TrimPrefix(address, "{"+name+"}")
	}
	text, err := expand(base, values, url.PathEscape)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || strings.HasSuffix(u.Hostname(), ".") {
		return nil, fmt.Errorf("%s is no https URL", address)
	}
	if plain := strings.HasPrefix(address, "http://") && onLoopback(address) && u.Scheme == "http"; u.Scheme != "https" && !plain {
		return nil, fmt.Errorf("%s is no https URL", address)
	}
	_, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	if end := strings.LastIndexByte(host, '}'); end >= 0 && !strings.HasSuffix(u.Host, host[end+1:]) {
		return nil, fmt.Errorf("the host of %s is another one", address)
	}
	return u, nil
}

// separators are the characters that no input has, whatever its pattern: they would begin another part of a URL.
const separators = "/\\?#@:%&=+;, <>{}[]|^`\"'"

// label is the default pattern: one DNS label.
const label = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`

// Take checks what a person, or a setting, gives for an input.
func (i Input) Take(text string) (string, error) {
	text = strings.TrimSpace(text)
	if i.Kind == InputURL {
		u, err := TypedURL(text)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	}
	pattern := i.Pattern
	if pattern == "" {
		pattern, text = label, strings.ToLower(text)
	}
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	switch {
	case err != nil:
		return "", err
	case strings.ContainsAny(text, separators) || strings.Contains(text, "..") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, "."):
		return "", fmt.Errorf("it has a character that it cannot have")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", fmt.Errorf("it has a character that it cannot have")
	case !whole.MatchString(text):
		return "", fmt.Errorf("it is not of the form that is asked for")
	}
	return text, nil
}

// TypedURL reads a URL that a person typed: https, a host and a path, and nothing else.
func TypedURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("it is no https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return nil, fmt.Errorf("it has more than a host and a path")
	case strings.ContainsAny(text, "{}\\\"'<> ") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, fmt.Errorf("it has a character that it cannot have")
	case u.Path != "" && u.Path != "/" && strings.TrimSuffix(u.JoinPath().Path, "/") != strings.TrimSuffix(u.Path, "/"):
		return nil, fmt.Errorf("its path has a dot segment")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}
