package host

import "strings"

// maxID is the longest id of a source, provider, field or setting, in bytes.
const maxID = 63

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// ValidID says whether s can be the id of a source or the name of a provider: [a-z0-9][a-z0-9-]{0,62}.
func ValidID(s string) bool { return s != "" && s[0] != '-' && made(s, lower+digits+"-") }

// ValidFieldID says whether s can be the id of a field or a setting: [a-z][a-z0-9_]{0,62}.
func ValidFieldID(s string) bool {
	return s != "" && strings.IndexByte(lower, s[0]) >= 0 && made(s, lower+digits+"_")
}

func made(s, of string) bool {
	return len(s) <= maxID && strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(of, r) }) < 0
}
