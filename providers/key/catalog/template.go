package catalog

import (
	"crypto/sha1" //nolint:gosec // some sources take a secret as its SHA-1 alone
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"sync"
)

// placeholder is an input in braces, with a function: {api_secret}, {api_secret|sha1}.
var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([a-z][a-z0-9_]*)(?:\|([a-z0-9]+))?\}`) })

// function is a function of a placeholder, or nil.
func function(name string) func(string) string {
	switch name {
	case "":
		return func(s string) string { return s }
	case "sha1":
		return func(s string) string {
			sum := sha1.Sum([]byte(s)) //nolint:gosec // as the source wants it
			return hex.EncodeToString(sum[:])
		}
	case "sha256":
		return func(s string) string {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:])
		}
	case "base64":
		return func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	}
	return nil
}

// Expand puts values in the place of placeholders. One that has no value is an error, which has no value in it.
func Expand(template string, values map[string]string) (string, error) {
	var err error
	out := placeholder().ReplaceAllStringFunc(template, func(written string) string {
		m := placeholder().FindStringSubmatch(written)
		value, f := values[m[1]], function(m[2])
		if value == "" || f == nil {
			err = fmt.Errorf("nothing is known for %s", written)
			return ""
		}
		return f(value)
	})
	return out, err
}
