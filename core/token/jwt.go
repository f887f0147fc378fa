package token

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// maxJWT is the longest JWT that is looked at, in bytes.
const maxJWT = 64 << 10

// JWTOptions says which JWTs are good.
type JWTOptions struct {
	// JWKS is where the keys are (RFC 7517 §5): a file, or an https URL; plain http is for this machine alone.
	JWKS string
	// Issuer and Audience that a token must name.
	Issuer   string
	Audience string
	// Algorithms that a token may be signed with, of EdDSA, ES256, RS256 and PS256.
	Algorithms []string
	// UID is the user that runs the program: a file of keys belongs to it or to root.
	UID   int
	Clock clock.Clock
	// Store remembers which tokens have opened a session. Making and probing a JWT need none.
	Store store.Store
	// CacheDir is where the keys of a URL are kept for the next process; "" keeps them in this one alone.
	CacheDir string
	// Timeout of a request; 0 means 10 s.
	Timeout time.Duration
}

// JWT judges tokens that another service signs (RFC 7519, with RFC 8725 as the checklist): sub is the user, client_id the
// client, exp the end, and sources, where it is there, lists the only sources. It implements [Checker], and is safe for
// concurrent use.
//
// A token is named by issuer and signing input and not by its signature, which can be rewritten for ES256: each spelling
// would open a session of its own. One that has opened a session is genuine ever after, whatever becomes of the keys.
type JWT struct {
	issuer     string
	audience   string
	algorithms []jose.SignatureAlgorithm
	keys       keySource
	clock      clock.Clock
	store      store.Store
}

var _ Checker = (*JWT)(nil)

// NewJWT makes a JWT. It reads no key yet. An error is of options that cannot be.
func NewJWT(o JWTOptions) (*JWT, error) {
	j := &JWT{issuer: o.Issuer, audience: o.Audience, clock: o.Clock, store: o.Store}
	for _, name := range o.Algorithms {
		if !slices.Contains(algorithms(), jose.SignatureAlgorithm(name)) {
			return nil, fmt.Errorf("no algorithm of session tokens: %q", name)
		}
		j.algorithms = append(j.algorithms, jose.SignatureAlgorithm(name))
	}
	if o.Issuer == "" || o.Audience == "" || len(j.algorithms) == 0 {
		return nil, fmt.Errorf("a JWT needs issuer, audience and algorithms")
	}
	if !strings.Contains(o.JWKS, "://") {
		j.keys = &keyFile{path: o.JWKS, uid: o.UID, clock: o.Clock}
		return j, nil
	}
	address, err := url.Parse(o.JWKS)
	if err != nil {
		return nil, fmt.Errorf("the URL of the JWKS is invalid")
	}
	j.keys = newKeyService(address, o)
	return j, nil
}

// algorithms are all that a signature may have: each with a public key, none with a shared one.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256, jose.PS256}
}

// Check implements [Checker]. It reads the keys where it must; an error that they could not be read is a problem with
// code network or, for a file, jwks_invalid.
func (j *JWT) Check(ctx context.Context, token sdk.Secret) (Verdict, error) {
	if token == "" {
		return Verdict{Status: event.TokenMissing}, nil
	}
	invalid := Verdict{Status: event.TokenInvalid}
	t, ok := j.parse(token.Reveal())
	if !ok {
		return invalid, nil
	}
	genuine, err := j.verify(ctx, t)
	if err != nil {
		return Verdict{}, err
	}
	if !genuine {
		return invalid, nil
	}
	var c claims
	if !readClaims(t.payload, &c) || c.Issuer != j.issuer || !c.meantFor(j.audience) || !c.owner() || c.Expires == nil {
		return invalid, nil
	}
	expires, known := numericDate(*c.Expires)
	sources, allowed := c.sources()
	if !known || !allowed {
		return invalid, nil
	}
	v := c.verdict(j.key(t), sources, expires, j.clock.Now())
	v.verified = j.row(t)
	return v, nil
}

// key names the session of a token.
func (j *JWT) key(t parsed) []byte { return digest("jwt", j.issuer, t.input) }

// Probe reads the keys, to see whether that works; the error is that of Check.
func (j *JWT) Probe(ctx context.Context) error {
	_, _, err := j.keys.get(ctx)
	return err
}

// parsed is a token in the compact form (RFC 7515 §3.1) whose signature nobody has looked at.
type parsed struct {
	text string
	jws  *jose.JSONWebSignature
	alg  jose.SignatureAlgorithm
	// kid names the key, "" where the token names none.
	kid string
	// input is what the signature is of.
	input   string
	payload []byte
}

// header has the members that count. A token that brings a key of its own, demands an extension, or was made for another
// purpose, is refused.
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Type      *string         `json:"typ"`
	Critical  json.RawMessage `json:"crit"`
	Unencoded json.RawMessage `json:"b64"`
	Key       json.RawMessage `json:"jwk"`
	KeyURL    json.RawMessage `json:"jku"`
	CertURL   json.RawMessage `json:"x5u"`
	CertChain json.RawMessage `json:"x5c"`
}

func (h *header) plain() bool {
	for _, member := range []json.RawMessage{h.Critical, h.Unencoded, h.Key, h.KeyURL, h.CertURL, h.CertChain} {
		if member != nil {
			return false
		}
	}
	return h.Type == nil || sessionType(*h.Type)
}

// sessionType says whether a type (RFC 7515 §4.1.9) can be a session token's: a JWT (RFC 7519 §5.1) or an access token
// (RFC 9068 §2.1). A service that signs logout tokens or proofs with the same key gives them types of their own (RFC 8725
// §3.11).
func sessionType(name string) bool {
	return slices.Contains([]string{"jwt", "at+jwt"}, strings.TrimPrefix(strings.ToLower(name), "application/"))
}

func (j *JWT) parse(text string) (parsed, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(text) > maxJWT {
		return parsed{}, false
	}
	var decoded [3][]byte
	for i, part := range parts {
		raw, ok := decodeStrictly(part)
		if !ok || len(raw) == 0 {
			return parsed{}, false
		}
		decoded[i] = raw
	}
	var h header
	if !readClaims(decoded[0], &h) || !h.plain() || !slices.Contains(j.algorithms, jose.SignatureAlgorithm(h.Algorithm)) {
		return parsed{}, false
	}
	jws, err := jose.ParseSignedCompact(text, j.algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return parsed{}, false
	}
	return parsed{
		text: text, jws: jws, alg: jose.SignatureAlgorithm(h.Algorithm), kid: h.KeyID,
		input: parts[0] + "." + parts[1], payload: decoded[1],
	}, true
}

// decodeStrictly decodes base64url without padding, in its one spelling: no line breaks, no left-over bits.
func decodeStrictly(part string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return raw, err == nil && !strings.ContainsAny(part, "\r\n")
}

// verify says whether the service signed the token. Where no key says so that is known, one that has opened a session was
// verified then; for another, a key that is not known is looked for once more.
func (j *JWT) verify(ctx context.Context, t parsed) (bool, error) {
	set, fresh, err := j.keys.get(ctx)
	if err == nil && set.verifies(t) {
		return true, nil
	}
	opened, failure := j.opened(ctx, t)
	switch {
	case opened:
		return true, nil
	case err != nil:
		return false, err
	case failure != nil:
		return false, failure
	case set.has(t.kid):
		return false, nil
	}
	newer, err := j.keys.renew(ctx, set, fresh)
	if err != nil {
		return false, err
	}
	return newer != set && newer.verifies(t), nil
}
