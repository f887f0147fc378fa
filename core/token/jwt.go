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
	t, wrong := j.parse(token.Reveal())
	if wrong != "" {
		return refused("%s", wrong), nil
	}
	wrong, err := j.verify(ctx, t)
	switch {
	case err != nil:
		return Verdict{}, err
	case wrong != "":
		return refused("%s", wrong), nil
	}
	var c claims
	if !readClaims(t.payload, &c) {
		return refused("its claims: %s", wrongMember(t.payload, claimMembers())), nil
	}
	if wrong := j.wrongClaims(&c); wrong != "" {
		return refused("%s", wrong), nil
	}
	expires, known := numericDate(*c.Expires)
	sources, allowed := c.sources()
	switch {
	case !known:
		return refused(wrongExpiry), nil
	case !allowed:
		return refused(wrongSources), nil
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
	alg  jose.SignatureAlgorithm
	// kid names the key, "" where the token names none.
	kid string
	// input is what the signature is of.
	input              string
	payload, signature []byte
}

// header has the members that count. A token that brings a key of its own, demands an extension, or was made for another
// purpose, is refused.
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Type      *string         `json:"typ"`
	Nonce     string          `json:"nonce"`
	Critical  json.RawMessage `json:"crit"`
	Unencoded json.RawMessage `json:"b64"`
	Key       json.RawMessage `json:"jwk"`
	KeyURL    json.RawMessage `json:"jku"`
	CertURL   json.RawMessage `json:"x5u"`
	CertChain json.RawMessage `json:"x5c"`
}

// sessionType says whether a type (RFC 7515 §4.1.9) can be a session token's: a JWT (RFC 7519 §5.1) or an access token
// (RFC 9068 §2.1). A service that signs logout tokens or proofs with the same key gives them types of their own (RFC 8725
// §3.11).
func sessionType(name string) bool {
	return slices.Contains([]string{"jwt", "at+jwt"}, strings.TrimPrefix(strings.ToLower(name), "application/"))
}

// readHeader reads a header whole, so that one of which any member cannot be read is refused, or says what is wrong with it.
func readHeader(raw []byte) (h header, wrong string) {
	var all map[string]any
	if !readClaims(raw, &h) || json.Unmarshal(raw, &all) != nil {
		return h, "its header: " + wrongMember(raw, []member{{"alg", kindText}, {"kid", kindText}, {"typ", kindText}, {"nonce", kindText}})
	}
	return h, h.wrong()
}

// parse takes a token apart, or says why it is none that could be good.
func (j *JWT) parse(text string) (t parsed, wrong string) {
	parts := strings.Split(text, ".")
	switch {
	case len(text) > maxJWT:
		return t, fmt.Sprintf("it is longer than %d KiB", maxJWT>>10)
	case len(parts) != 3:
		return t, fmt.Sprintf("it is no JWT: it has %d parts with dots between them, where a JWT has 3", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		raw, ok := decodeStrictly(part)
		if !ok || len(raw) == 0 {
			return t, fmt.Sprintf("its %s is not base64url without padding, or empty", [...]string{"header", "payload", "signature"}[i])
		}
		decoded[i] = raw
	}
	h, wrong := readHeader(decoded[0])
	if wrong != "" {
		return t, wrong
	}
	alg := algorithmNamed(h.Algorithm)
	if !slices.Contains(j.algorithms, alg) {
		return t, fmt.Sprintf("its alg is %s, where token.algorithms is %s", orNone(h.Algorithm), j.algorithmNames())
	}
	return parsed{
		text: text, alg: alg, kid: h.KeyID, input: parts[0] + "." + parts[1], payload: decoded[1], signature: decoded[2],
	}, ""
}

// ed25519Name is the name of EdDSA with the curve Ed25519 that says both (RFC 9864 §2.2).
const ed25519Name = "Ed25519"

// algorithmNamed is the algorithm of a name, in the spelling that the config has.
func algorithmNamed(name string) jose.SignatureAlgorithm {
	if name == ed25519Name {
		return jose.EdDSA
	}
	return jose.SignatureAlgorithm(name)
}

func (j *JWT) algorithmNames() string {
	names := make([]string, len(j.algorithms))
	for i, a := range j.algorithms {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// decodeStrictly decodes base64url without padding, in its one spelling: no line breaks, no left-over bits.
func decodeStrictly(part string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return raw, err == nil && !strings.ContainsAny(part, "\r\n")
}

// verify says why the service did not sign the token, or "". Where no key says that it did, one that has opened a session was
// verified then; for another, a key that is not known is looked for once more. A token of a key that the service has and that
// cannot be used is not judged.
func (j *JWT) verify(ctx context.Context, t parsed) (wrong string, err error) {
	set, fresh, err := j.keys.get(ctx)
	if err == nil && set.verifies(t) {
		return "", nil
	}
	opened, failure := j.opened(ctx, t)
	switch {
	case opened:
		return "", nil
	case err != nil:
		return "", err
	case failure != nil:
		return "", failure
	case set.has(t.kid):
		return fmt.Sprintf("the key %s of the key set did not make its signature", shown(t.kid)), nil
	}
	newer, err := j.keys.renew(ctx, set, fresh)
	if err != nil {
		return "", err
	}
	if newer != set && newer.verifies(t) {
		return "", nil
	}
	return j.unverified(newer, t)
}

// unverified says why no key of a set verifies a token, or returns an error if it is to be blamed on the key.
func (j *JWT) unverified(set *keySet, t parsed) (wrong string, err error) {
	useless := set.useless(t.kid)
	switch {
	case t.kid == "":
		return "it names no key (kid), and no key of the key set made its signature", nil
	case set.has(t.kid):
		return fmt.Sprintf("the key %s of the key set did not make its signature", shown(t.kid)), nil
	case useless != "":
		return "", j.keys.blame(fmt.Errorf("the token names %s", useless))
	}
	return fmt.Sprintf("it names the key %s (kid), and the key set has %s", shown(t.kid), set.kids()), nil
}
