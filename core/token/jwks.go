package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
}

// keySet is what a service published at one time. Nobody changes it.
type keySet struct {
	keys   []jose.JSONWebKey
	readAt time.Time
}

// readKeySet reads a JWK Set (RFC 7517 §5). Keys that cannot verify a session token are left out, as §5 asks for: of other
// kinds, for encryption, too short, shared, or private. A set without any key that can is an error: of a service that
// publishes none, nothing is known of any token.
func readKeySet(text []byte, at time.Time) (*keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if !utf8.Valid(text) || json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil, errors.New("it is no JWK Set")
	}
	out := &keySet{readAt: at}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && forSignatures(key.Use, raw) && algorithmOf(key) != "" {
			out.keys = append(out.keys, key)
		}
	}
	if len(out.keys) == 0 {
		return nil, errors.New("it has no public key that could verify a session token")
	}
	return out, nil
}

// forSignatures says whether a key is published to verify signatures with, as far as it says (RFC 7517 §4.2, §4.3).
func forSignatures(use string, raw []byte) bool {
	var key struct {
		Operations json.RawMessage `json:"key_ops"`
	}
	if json.Unmarshal(raw, &key) != nil || use != "" && use != "sig" {
		return false
	}
	if key.Operations == nil {
		return true
	}
	var operations []string
	return json.Unmarshal(key.Operations, &operations) == nil && slices.Contains(operations, "verify")
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
		if _, err := t.jws.Verify(key.Key); err == nil {
			return true
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

func (f *keyFile) problem(err error) error {
	return problem.New(CodeJWKS, "the keys of session tokens in %s cannot be used", f.path).Because(err).
		Hint("correct the file, or token.jwks in the config")
}
