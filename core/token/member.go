package token

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// kind is a type of a JSON value (RFC 8259 §3), as a person reads it.
type kind string

const (
	kindText    kind = "a string"
	kindNumber  kind = "a number"
	kindBoolean kind = "true or false"
	kindList    kind = "an array"
	kindObject  kind = "an object"
	kindNull    kind = "null"
)

// kindOf is the kind of a value of valid JSON.
func kindOf(value []byte) kind {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return "nothing"
	}
	switch value[0] {
	case '"':
		return kindText
	case '{':
		return kindObject
	case '[':
		return kindList
	case 't', 'f':
		return kindBoolean
	case 'n':
		return kindNull
	}
	return kindNumber
}

// member is a member of a JSON object that has a kind; null counts as a member that is not there.
type member struct {
	name string
	kind kind
}

// claimMembers are those of [claims] that have one kind.
func claimMembers() []member {
	return []member{
		{"iss", kindText}, {"sub", kindText}, {"client_id", kindText}, {"exp", kindNumber}, {"nbf", kindNumber}, {"iat", kindNumber},
	}
}

// wrongMember says why a text that [readClaims] refuses is no JSON object with the given members: it names the member and its
// kind, never its value.
func wrongMember(text []byte, members []member) string {
	if why := noObject(text); why != "" {
		return why
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return "it has a member twice"
	}
	for _, m := range members {
		if value, there := object[m.name]; there && kindOf(value) != m.kind && kindOf(value) != kindNull {
			return fmt.Sprintf("its member %s is %s, where %s is expected", m.name, kindOf(value), m.kind)
		}
	}
	return "it has half a surrogate pair in a string, or a number that is too large"
}

// noObject says why a text is no JSON object, or "".
func noObject(text []byte) string {
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0:
		return "it is empty"
	case bytes.HasPrefix(trimmed, []byte("<")):
		return "it is HTML or XML, not JSON"
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		return "it is PEM, not JSON"
	case !utf8.Valid(text):
		return "it is not UTF-8"
	}
	var any json.RawMessage
	if err := json.Unmarshal(text, &any); err != nil && !strings.Contains(err.Error(), "duplicate") {
		return "it is not JSON"
	}
	if k := kindOf(trimmed); k != kindObject {
		return fmt.Sprintf("it is %s, where an object is expected", k)
	}
	return ""
}
