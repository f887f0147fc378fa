package token

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// maxShown is how much of a value of a token is shown, in characters.
const maxShown = 80

// shown quotes a value that a token, or its service, names: an issuer, an audience, a key. It is hostile text.
func shown(value string) string { return strconv.Quote(host.CleanText(value, maxShown)) }

// shownList quotes the values of a list, up to ten of them.
func shownList(values []string) string {
	const most = 10
	quoted := make([]string, 0, most)
	for _, v := range values[:min(len(values), most)] {
		quoted = append(quoted, shown(v))
	}
	if len(values) > most {
		quoted = append(quoted, fmt.Sprintf("and %d more", len(values)-most))
	}
	return strings.Join(quoted, ", ")
}

// shownAudience is the audience of a token: one string, or a list of them.
func shownAudience(raw json.RawMessage) string {
	var one string
	var list []string
	switch {
	case raw == nil || kindOf(raw) == kindNull:
		return "none"
	case json.Unmarshal(raw, &one) == nil:
		return shown(one)
	case json.Unmarshal(raw, &list) == nil:
		return "[" + shownList(list) + "]"
	}
	return string(kindOf(raw))
}

// Malformed says what stands in a token that no token has, as what was pasted around it, or "". It repeats nothing of it.
func Malformed(token sdk.Secret) string {
	text := token.Reveal()
	switch scheme, _, found := strings.Cut(text, " "); {
	case found && strings.EqualFold(scheme, "bearer"):
		return `it begins with "Bearer "; leave that word out`
	case strings.ContainsAny(text, "{}"):
		return "it has braces, as a JSON document has; take the value of session_token alone"
	case strings.ContainsAny(text, "\"'`‘’“”"):
		return "it has quotes, which are no part of a token"
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "it has blanks or line breaks in it, which no token has"
	case strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }):
		return "it has a character that no token has: a control character, or one that is not ASCII"
	}
	return ""
}

// wrongHeader says why the header of a JWT is refused, or "".
func (h *header) wrong() string {
	for _, m := range []struct {
		name  string
		value json.RawMessage
	}{{"crit", h.Critical}, {"b64", h.Unencoded}, {"jwk", h.Key}, {"jku", h.KeyURL}, {"x5u", h.CertURL}, {"x5c", h.CertChain}} {
		if m.value != nil {
			return fmt.Sprintf("its header has %s, which no session token may have", m.name)
		}
	}
	if h.Type != nil && !sessionType(*h.Type) {
		return fmt.Sprintf("its typ is %s, where JWT or at+jwt is expected", shown(*h.Type))
	}
	return ""
}

// wrongClaims says which rule the claims of a token with a good signature break, or "".
func (j *JWT) wrongClaims(c *claims) string {
	switch {
	case c.Issuer != j.issuer:
		return fmt.Sprintf("its iss is %s, where token.issuer is %s", orNone(c.Issuer), shown(j.issuer))
	case !c.meantFor(j.audience):
		return fmt.Sprintf("its aud is %s, where token.audience is %s", shownAudience(c.Audience), shown(j.audience))
	case c.Expires == nil:
		return "it has no exp"
	}
	return c.wrongOwner()
}

func orNone(value string) string {
	if value == "" {
		return "missing"
	}
	return shown(value)
}

// wrongOwner says why claims name no client and user, or "". It never shows a user.
func (c *claims) wrongOwner() string {
	for _, m := range []struct {
		name, value string
		most        int
	}{{"sub", c.Subject, MaxUserID}, {"client_id", c.ClientID, MaxClientID}} {
		switch {
		case m.value == "":
			return "it has no " + m.name
		case !named(m.value, m.most):
			return fmt.Sprintf("its %s is longer than %d bytes", m.name, m.most)
		}
	}
	return ""
}

const (
	wrongSources = "its sources are not an array of ids of sources"
	wrongExpiry  = "its exp is no time between 1970 and 9999"
)

// kids lists the ids of the keys of a set.
func (s *keySet) kids() string {
	var ids []string
	for _, key := range s.keys {
		if key.KeyID != "" && !slices.Contains(ids, key.KeyID) {
			ids = append(ids, key.KeyID)
		}
	}
	if len(ids) == 0 {
		return "no key with an id"
	}
	return "the keys " + shownList(ids)
}
