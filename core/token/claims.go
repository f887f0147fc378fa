package token

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// skew is how far the clocks of this machine and of another service may be apart, for "not before" and "issued at"
// alone: an expiry time counts as it stands.
const skew = 60 * time.Second

// latest is the last second that an expiry may name: the end of the year 9999.
const latest = 253402300799

// claims are what another service says of a token: the claims of a JWT (RFC 7519 §4) or the members of an introspection
// response (RFC 7662 §2.2).
//
// They are read by go-jose's JSON, which tells upper from lower case and refuses a name that is there twice: two readers
// of one token must not see two users.
type claims struct {
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	Subject  string          `json:"sub"`
	ClientID string          `json:"client_id"`
	Expires  *float64        `json:"exp"`
	Starts   *float64        `json:"nbf"`
	Issued   *float64        `json:"iat"`
	Sources  json.RawMessage `json:"sources"`
}

// readClaims reads a JSON object; false if it is none, or a claim has another type than it should.
func readClaims(text []byte, into any) bool {
	return utf8.Valid(text) && json.Unmarshal(text, into) == nil && !halfPair(text)
}

// halfPair says whether valid JSON escapes half a surrogate pair (RFC 8259 §8.2). A decoder puts U+FFFD in the place of any
// of them, so that two names would become one.
func halfPair(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		r := escaped(text[i:])
		switch {
		case !utf16.IsSurrogate(r):
			i++ // what is escaped, such as another backslash
		case utf16.DecodeRune(r, escaped(text[min(i+6, len(text)):])) == utf8.RuneError:
			return true
		default:
			i += 11
		}
	}
	return false
}

// escaped returns the rune of an escape such as \ud83d at the start of a text, or -1.
func escaped(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	r, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(r)
}

// named says whether a name can be one.
func named(s string, most int) bool { return s != "" && len(s) <= most }

// sources returns the sources that the token may connect or disconnect, nil for all; false if the claim is malformed.
// An empty list allows none.
func (c *claims) sources() ([]string, bool) {
	if c.Sources == nil {
		return nil, true
	}
	var list []string
	if json.Unmarshal(c.Sources, &list) != nil || list == nil {
		return nil, false
	}
	for _, s := range list {
		if !host.ValidID(s) {
			return nil, false
		}
	}
	return list, true
}

// meantFor says whether the audience, one string or a list of them, has a name.
func (c *claims) meantFor(name string) bool {
	var one string
	if json.Unmarshal(c.Audience, &one) == nil {
		return one == name
	}
	var list []string
	return json.Unmarshal(c.Audience, &list) == nil && slices.Contains(list, name)
}

// notYet says why the token may not be used yet, or "".
func (c *claims) notYet(now time.Time) string {
	for _, claim := range []struct {
		name  string
		value *float64
	}{{"nbf", c.Starts}, {"iat", c.Issued}} {
		if claim.value == nil {
			continue
		}
		at, ok := numericDate(*claim.value)
		switch {
		case !ok:
			return fmt.Sprintf("its %s is no time between 1970 and 9999", claim.name)
		case at.After(now.Add(skew)):
			return fmt.Sprintf("its %s is %s, and here it is %s", claim.name, event.Time(at), event.Time(now))
		}
	}
	return ""
}

// verdict of a genuine token that names its owner and expires at a given time.
func (c *claims) verdict(key []byte, sources []string, expires, now time.Time) Verdict {
	v := Verdict{
		Status: event.Success, Key: key, ClientID: c.ClientID, ClientUserID: c.Subject, Sources: sources, ExpiresAt: expires,
	}
	switch wrong := c.notYet(now); {
	case wrong != "":
		v.Status, v.Reason = event.TokenInvalid, wrong
	case !now.Before(expires):
		v.Status, v.Reason = event.TokenExpired, expiredAt(expires)
	}
	return v
}

func expiredAt(at time.Time) string { return fmt.Sprintf("it expired at %s", event.Time(at)) }

// numericDate reads seconds since 1970, to the millisecond below (RFC 7519 §2).
func numericDate(seconds float64) (time.Time, bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > latest {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Floor(seconds * 1000))).UTC(), true
}

// digest names texts, in their order, for a purpose.
func digest(purpose string, texts ...string) []byte {
	h := sha256.New()
	for _, text := range append([]string{purpose}, texts...) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		_, _ = h.Write(length[:]) // a hash takes all
		_, _ = h.Write([]byte(text))
	}
	return h.Sum(nil)
}
