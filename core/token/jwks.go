package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/internal/filetrust"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// minRSA is the shortest RSA key in bits (RFC 7518 §3.3).
const minRSA = 2048

// keySource has the keys of a service. It is safe for concurrent use.
type keySource interface {
	// get returns the keys to verify with. Fresh says that they were read for this very call.
	get(ctx context.Context) (set *keySet, fresh bool, err error)
	// renew reads the keys once more, because a token names one that is not in a set; at most once a minute. It returns
	// that set itself where there is nothing newer.
	renew(ctx context.Context, old *keySet, fresh bool) (*keySet, error)
	// blame returns the problem of keys that are there and of no use.
	blame(why error) error
}

// keySet is what a service published at one time. Nobody changes it.
type keySet struct {
	keys []jose.JSONWebKey
	// unusable are the keys that verify no session token.
	unusable []unusableKey
	readAt   time.Time
}

// unusableKey is a key that verifies no session token.
type unusableKey struct {
	// number counts from 1, in the order of the set.
	number   int
	kid, why string
}

func (k unusableKey) String() string {
	if k.kid == "" {
		return fmt.Sprintf("key %d: %s", k.number, k.why)
	}
	return fmt.Sprintf("key %d (kid %s): %s", k.number, shown(k.kid), k.why)
}

// readKeySet reads a JWK Set (RFC 7517 §5). Keys that cannot verify a session token are set apart, as §5 asks for: of other
// kinds, for encryption, too short, shared, or private. A set without any key that can is an error, which names each: of a
// service that publishes none, nothing is known of any token.
func readKeySet(text []byte, at time.Time) (*keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if !utf8.Valid(text) || json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil, noKeySet(text)
	}
	out := &keySet{readAt: at}
	for i, raw := range set.Keys {
		key, why := readKey(raw)
		if why == "" {
			out.keys = append(out.keys, key)
			continue
		}
		out.unusable = append(out.unusable, unusableKey{i + 1, key.KeyID, why})
	}
	switch {
	case len(set.Keys) == 0:
		return nil, errors.New("its keys are an empty array")
	case len(out.keys) == 0:
		return nil, fmt.Errorf("it has no public key that could verify a session token: %s", out.whyUnusable())
	}
	return out, nil
}

// noKeySet says why a text is no JWK Set.
func noKeySet(text []byte) error {
	var object map[string]json.RawMessage
	if why := noObject(text); why != "" {
		return fmt.Errorf("it is no JWK Set: %s", why)
	}
	_ = json.Unmarshal(text, &object) // an object
	keys, there := object["keys"]
	switch {
	case !there:
		return errors.New("it is no JWK Set: its member keys is missing")
	case kindOf(keys) != kindList:
		return fmt.Errorf("it is no JWK Set: its member keys is %s, where %s is expected", kindOf(keys), kindList)
	}
	return errors.New("it is no JWK Set: it has a member twice")
}

// whyUnusable lists the keys that are of no use, up to ten of them.
func (s *keySet) whyUnusable() string {
	const most = 10
	var texts []string
	for _, k := range s.unusable[:min(len(s.unusable), most)] {
		texts = append(texts, k.String())
	}
	if more := len(s.unusable) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

// useless returns the key of an id that cannot be used, and why; "" if there is none.
func (s *keySet) useless(kid string) string {
	for _, k := range s.unusable {
		if kid != "" && k.kid == kid {
			return k.String()
		}
	}
	return ""
}

// readKey reads one key, or says why it verifies no session token. The id is set where the key has one.
//
// What is not needed is not looked at: a certificate beside a key (RFC 7517 §4.6 to §4.9) says nothing of it here. Padding and
// the alphabet of plain base64 do not change what a number is.
func readKey(raw []byte) (key jose.JSONWebKey, why string) {
	var object map[string]json.RawMessage
	if kindOf(raw) != kindObject {
		return key, fmt.Sprintf("it is %s, where an object is expected", kindOf(raw))
	}
	if json.Unmarshal(raw, &object) != nil {
		return key, "it has a member twice"
	}
	_ = json.Unmarshal(object["kid"], &key.KeyID) // another kind of value is told of below
	plain := make(map[string]any, len(object))
	for name, value := range object {
		var text string
		switch {
		case strings.HasPrefix(name, "x5"):
		case slices.Contains([]string{"n", "e", "x", "y"}, name) && json.Unmarshal(value, &text) == nil:
			plain[name] = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
		default:
			plain[name] = stdjson.RawMessage(value)
		}
	}
	id := key.KeyID
	text, err := stdjson.Marshal(plain)
	if err == nil {
		err = key.UnmarshalJSON(text)
	}
	if err != nil {
		return jose.JSONWebKey{KeyID: id}, wrongKey(object)
	}
	key.KeyID = id
	if key.Algorithm == ed25519Name {
		key.Algorithm = string(jose.EdDSA)
	}
	if why := notForSignatures(key.Use, object["key_ops"]); why != "" {
		return key, why
	}
	if algorithmOf(key) == "" {
		return key, noAlgorithm(key)
	}
	return key, ""
}

// wrongKey says what keeps a JWK from being read.
func wrongKey(object map[string]json.RawMessage) string {
	for _, m := range []string{"kty", "kid", "use", "alg", "crv", "n", "e", "x", "y"} {
		if value, there := object[m]; there && kindOf(value) != kindText {
			return fmt.Sprintf("its member %s is %s, where %s is expected", m, kindOf(value), kindText)
		}
	}
	var kty, crv string
	_ = json.Unmarshal(object["kty"], &kty) // a string, or missing
	_ = json.Unmarshal(object["crv"], &crv)
	members := map[string][]string{"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}[kty]
	for _, m := range members {
		if object[m] == nil {
			return fmt.Sprintf("its member %s is missing", m)
		}
	}
	switch {
	case kty == "":
		return "its member kty is missing"
	case kty == "oct":
		return sharedKey
	case members == nil:
		return fmt.Sprintf("its kty is %s, where RSA, EC or OKP is expected", shown(kty))
	case kty == "OKP" && crv != ed25519Name:
		return fmt.Sprintf("its crv is %s, where %s is expected", shown(crv), ed25519Name)
	}
	return fmt.Sprintf("%s is no %s key in base64url", strings.Join(members, ", "), kty)
}

// notForSignatures says for what else than verifying signatures a key is published (RFC 7517 §4.2, §4.3), or "".
func notForSignatures(use string, operations json.RawMessage) string {
	if use != "" && use != "sig" {
		return fmt.Sprintf("its use is %s, where sig is expected", shown(use))
	}
	if operations == nil {
		return ""
	}
	var list []string
	switch {
	case json.Unmarshal(operations, &list) != nil:
		return fmt.Sprintf("its key_ops is %s, where an array of strings is expected", kindOf(operations))
	case !slices.Contains(list, "verify"):
		return "its key_ops do not have verify"
	}
	return ""
}

const sharedKey = "it is a shared key (kty oct), where a public one is expected"

// noAlgorithm says why a key that could be read verifies no session token.
func noAlgorithm(key jose.JSONWebKey) string {
	kind := "one of another kind"
	switch k := key.Key.(type) {
	case ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey:
		return "it is a private key, which everyone can read who reads the set"
	case []byte:
		return sharedKey
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return fmt.Sprintf("its crv is %s, where P-256 is expected", k.Curve.Params().Name)
		}
		kind = "an EC key"
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA {
			return fmt.Sprintf("it is an RSA key of %d bits, where %d are the least", bits, minRSA)
		}
		kind = "an RSA key"
	case ed25519.PublicKey:
		kind = "an Ed25519 key"
	}
	return fmt.Sprintf("it is %s, and its alg is %s, which is none of EdDSA, ES256, RS256 and PS256 that fits", kind, shown(key.Algorithm))
}

// algorithmOf says what kind of signature a key verifies: for an RSA key RS256, which stands for PS256 too. It is "" for
// a key that verifies nothing here, or whose own alg is another.
func algorithmOf(key jose.JSONWebKey) jose.SignatureAlgorithm {
	var kind jose.SignatureAlgorithm
	switch k := key.Key.(type) {
	case ed25519.PublicKey:
		kind = jose.EdDSA
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			kind = jose.ES256
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			kind = jose.RS256
		}
	}
	if named := jose.SignatureAlgorithm(key.Algorithm); named != "" && named != kind && (kind != jose.RS256 || named != jose.PS256) {
		return ""
	}
	return kind
}

// fits says whether a key may verify a token: the same id, where both have one, and the kind of the algorithm.
func fits(key jose.JSONWebKey, t parsed) bool {
	if t.kid != "" && key.KeyID != "" && t.kid != key.KeyID || key.Algorithm != "" && key.Algorithm != string(t.alg) {
		return false
	}
	kind := algorithmOf(key)
	return kind == t.alg || kind == jose.RS256 && t.alg == jose.PS256
}

// verifies says whether one of the keys made the signature.
func (s *keySet) verifies(t parsed) bool {
	for _, key := range s.keys {
		if !fits(key, t) {
			continue
		}
		if t.signedBy(key.Key) {
			return true
		}
	}
	return false
}

// signedBy says whether a key made the signature (RFC 7518 §3, RFC 8037 §3.1). The key fits the algorithm.
func (t parsed) signedBy(key any) bool {
	input := []byte(t.input)
	if public, ok := key.(ed25519.PublicKey); ok {
		return t.alg == jose.EdDSA && ed25519.Verify(public, input, t.signature)
	}
	hashed := sha256.Sum256(input)
	switch public := key.(type) {
	case *ecdsa.PublicKey:
		const half = 32 // of a signature with P-256
		return t.alg == jose.ES256 && public.Curve == elliptic.P256() && len(t.signature) == 2*half &&
			ecdsa.Verify(public, hashed[:], new(big.Int).SetBytes(t.signature[:half]), new(big.Int).SetBytes(t.signature[half:]))
	case *rsa.PublicKey:
		switch t.alg {
		case jose.RS256:
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, hashed[:], t.signature) == nil
		case jose.PS256:
			return rsa.VerifyPSS(public, crypto.SHA256, hashed[:], t.signature, nil) == nil
		}
	}
	return false
}

// has says whether a key of this id is there.
func (s *keySet) has(kid string) bool {
	for _, key := range s.keys {
		if kid != "" && key.KeyID == kid {
			return true
		}
	}
	return false
}

// keyFile has the keys in a file of this machine. A file that changed is read anew.
type keyFile struct {
	path  string
	uid   int
	clock clock.Clock

	// mu guards the rest.
	mu   sync.Mutex
	set  *keySet
	info os.FileInfo
}

func (f *keyFile) get(context.Context) (*keySet, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err == nil {
		err = f.trusted(info)
	}
	if err != nil {
		return nil, false, f.problem(err)
	}
	if f.set != nil && os.SameFile(info, f.info) && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return f.set, false, nil
	}
	set, info, err := f.read()
	if err != nil {
		return nil, false, f.problem(err)
	}
	f.set, f.info = set, info
	return set, true, nil
}

// renew has nothing newer: get looks at the file each time.
func (*keyFile) renew(_ context.Context, old *keySet, _ bool) (*keySet, error) { return old, nil }

// trusted refuses a file that others can write: who writes it makes tokens.
func (f *keyFile) trusted(info os.FileInfo) error {
	flaw := filetrust.Regular(info)
	if flaw == nil {
		flaw = filetrust.Keys(f.uid).Check(info)
	}
	if flaw != nil {
		return fmt.Errorf("it %w", flaw)
	}
	return nil
}

// read returns the keys, and the file that they were read from.
func (f *keyFile) read() (*keySet, os.FileInfo, error) {
	file, info, err := filetrust.Open(f.path, 0)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if err := f.trusted(info); err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxAnswer+1))
	if err != nil {
		return nil, nil, err
	}
	if len(text) > maxAnswer {
		return nil, nil, fmt.Errorf("it is larger than %d MiB", maxAnswer>>20)
	}
	set, err := readKeySet(text, f.clock.Now())
	return set, info, err
}

func (f *keyFile) blame(why error) error { return f.problem(why) }

func (f *keyFile) problem(err error) error {
	return problem.New(CodeJWKS, "the keys of session tokens in %s cannot be used", f.path).Because(err).
		Hint("correct the file, or token.jwks in the config")
}
