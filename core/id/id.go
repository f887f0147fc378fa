// Package id has the typed ids of the product. An id is a prefix and a UUIDv7 (RFC 9562 §5.7) in Crockford's base32,
// lower case: it sorts by the time it was made, and tells what it names.
package id

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// The ids. Their zero value, "", names nothing.
type (
	// Session names one sitting: ses_….
	Session string
	// Connection names a lasting grant: con_….
	Connection string
	// Attempt names one try to connect a source: att_….
	Attempt string
	// Event names a fact about a session: evt_….
	Event string
	// Delivery names one event on its way to one hook: dlv_….
	Delivery string
	// Revocation names a grant that is to be revoked at its source: rev_….
	Revocation string
	// SessionHook names a hook that came as a flag and belongs to its session: hok_….
	SessionHook string
	// Process names one run of the program: prc_….
	Process string
	// Human names a (client, user): 32 lower-case hex digits, random, stable for ever.
	Human string
)

// New makes an id of the kind that the type parameter names.
func New[T Session | Connection | Attempt | Event | Delivery | Revocation | SessionHook | Process]() T {
	var zero T
	u := uuid.Must(uuid.NewV7())
	return T(prefix(zero) + encode(u))
}

// NewHuman makes a random human id.
func NewHuman() Human {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return Human(hex.EncodeToString(b[:]))
}

// Parse reads an id as a person wrote it. It says what is wrong with another.
func Parse[T Session | Connection | Attempt | Event | Delivery | Revocation | SessionHook | Process](s string) (T, error) {
	var zero T
	want := prefix(zero)
	rest, ok := strings.CutPrefix(s, want)
	if !ok {
		return zero, fmt.Errorf("an id of this kind starts with %s", want)
	}
	if len(rest) != encodedLen || strings.Trim(rest, alphabet) != "" {
		return zero, fmt.Errorf("%s is followed by %d characters of %s", want, encodedLen, alphabet)
	}
	if rest[0] > maxFirst {
		return zero, fmt.Errorf("%s is followed by more than 128 bits", want)
	}
	return T(s), nil
}

func prefix(v any) string {
	switch v.(type) {
	case Session:
		return "ses_"
	case Connection:
		return "con_"
	case Attempt:
		return "att_"
	case Event:
		return "evt_"
	case Delivery:
		return "dlv_"
	case Revocation:
		return "rev_"
	case SessionHook:
		return "hok_"
	case Process:
		return "prc_"
	}
	panic(fmt.Sprintf("id: no prefix for %T", v))
}

const (
	alphabet   = "0123456789abcdefghjkmnpqrstvwxyz"
	encodedLen = 26
	maxFirst   = '7'
)

// encode writes 128 bits as 26 characters of 5 bits, the first holding three.
func encode(u uuid.UUID) string {
	var out [encodedLen]byte
	var acc uint32
	bits, at := 2, 0 // two leading zero bits make 130
	for _, b := range u {
		acc = acc<<8 | uint32(b)
		for bits += 8; bits >= 5; bits -= 5 {
			out[at] = alphabet[acc>>(bits-5)&31]
			at++
		}
	}
	return string(out[:])
}
