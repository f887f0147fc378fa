package token_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	issuer   = "https://auth.example.com"
	audience = "humanconnect"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// signer signs tokens with openssl, so that no token here is of the library's making that judges it.
type signer struct {
	t   testing.TB
	dir string
	alg string
	kid string
}

// newSigner makes a key for an algorithm.
func newSigner(t testing.TB, alg, kid string) *signer {
	t.Helper()
	s := &signer{t, t.TempDir(), alg, kid}
	switch alg {
	case "EdDSA":
		s.openssl(nil, "genpkey", "-algorithm", "ed25519", "-out", "key.pem")
	case "ES256":
		s.openssl(nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem")
	case "RS256", "PS256":
		s.openssl(nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key.pem")
	case "RS256-1024":
		s.alg = "RS256"
		s.openssl(nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "key.pem")
	}
	return s
}

func (s *signer) openssl(stdin []byte, args ...string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "openssl", args...)
	c.Dir, c.Stdin = s.dir, bytes.NewReader(stdin)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("openssl %v: %v\n%s", args, err, said.String())
	}
	return out
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is the public key, taken out of what openssl writes of it.
func (s *signer) jwk() map[string]any {
	s.t.Helper()
	der := s.openssl(nil, "pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
	key := map[string]any{"kid": s.kid, "use": "sig", "alg": s.alg}
	switch s.alg {
	case "EdDSA":
		key["kty"], key["crv"], key["x"] = "OKP", "Ed25519", b64(der[len(der)-32:])
	case "ES256":
		key["kty"], key["crv"], key["x"], key["y"] = "EC", "P-256", b64(der[len(der)-64:len(der)-32]), b64(der[len(der)-32:])
	default:
		modulus := strings.TrimSpace(strings.TrimPrefix(string(s.openssl(nil, "rsa", "-in", "key.pem", "-modulus", "-noout")), "Modulus="))
		n, _ := new(big.Int).SetString(modulus, 16)
		key["kty"], key["n"], key["e"] = "RSA", b64(n.Bytes()), "AQAB"
	}
	return key
}

func (s *signer) header(changes map[string]any) map[string]any {
	return changed(map[string]any{"alg": s.alg, "typ": "JWT", "kid": s.kid}, changes)
}

// changed is a map with some members replaced, and those that are nil removed.
func changed(m, changes map[string]any) map[string]any {
	for k, v := range changes {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	return m
}

// good are the claims of a good token that lives for an hour.
func good(changes map[string]any) map[string]any {
	return changed(map[string]any{
		"iss": issuer, "aud": audience, "sub": "u1", "client_id": "demo", "exp": noon.Add(time.Hour).Unix(),
		"iat": noon.Unix(), "nbf": noon.Unix(),
	}, changes)
}

func encode(t testing.TB, v any) string {
	t.Helper()
	if text, ok := v.(string); ok {
		return b64([]byte(text))
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b64(text)
}

// sign makes a token of claims, and of the header with changes.
func (s *signer) sign(claims any, header map[string]any) sdk.Secret {
	s.t.Helper()
	return s.signRaw(encode(s.t, s.header(header)), encode(s.t, claims))
}

func (s *signer) signRaw(header, payload string) sdk.Secret {
	s.t.Helper()
	input := header + "." + payload
	return sdk.Secret(input + "." + b64(s.signature(input)))
}

func (s *signer) signature(input string) []byte {
	s.t.Helper()
	switch s.alg {
	case "EdDSA":
		if err := os.WriteFile(filepath.Join(s.dir, "input"), []byte(input), 0o600); err != nil {
			s.t.Fatal(err)
		}
		return s.openssl(nil, "pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "input")
	case "ES256":
		return rawSignature(s.t, s.openssl([]byte(input), "dgst", "-sha256", "-sign", "key.pem"))
	case "PS256":
		return s.openssl([]byte(input), "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32", "-sign", "key.pem")
	}
	return s.openssl([]byte(input), "dgst", "-sha256", "-sign", "key.pem")
}

// rawSignature turns the DER of an ECDSA signature into r and s of 32 bytes each (RFC 7518 §3.4).
func rawSignature(t testing.TB, der []byte) []byte {
	t.Helper()
	out := make([]byte, 64)
	rest := der[2:]
	for half := range 2 {
		size := int(rest[1])
		new(big.Int).SetBytes(rest[2 : 2+size]).FillBytes(out[half*32 : half*32+32])
		rest = rest[2+size:]
	}
	return out
}

func jwks(t testing.TB, signers ...*signer) []byte {
	t.Helper()
	keys := []any{}
	for _, s := range signers {
		keys = append(keys, s.jwk())
	}
	return keySetOf(t, keys...)
}

func keySetOf(t testing.TB, keys ...any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type jwtPlace struct {
	*token.JWT
	clock *clocktest.Fake
	file  string
}

// newJWTPlace judges by keys in a file.
func newJWTPlace(t testing.TB, keys []byte, algorithms ...string) *jwtPlace {
	t.Helper()
	p := &jwtPlace{clock: clocktest.New(noon), file: filepath.Join(t.TempDir(), "jwks.json")}
	if err := os.WriteFile(p.file, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	p.JWT = newJWT(t, token.JWTOptions{JWKS: p.file, Algorithms: algorithms, Clock: p.clock})
	return p
}

// emptyStore is the state before the first session.
type emptyStore struct{ store.Store }

func (emptyStore) View(_ context.Context, f func(store.Tx) error) error { return f(emptyTx{}) }

type emptyTx struct{ store.Tx }

func (emptyTx) VerifiedToken([]byte) (store.VerifiedToken, error) {
	return store.VerifiedToken{}, store.ErrNotFound
}

func newJWT(t testing.TB, o token.JWTOptions) *token.JWT {
	t.Helper()
	o.Issuer, o.Audience = issuer, audience
	if o.UID == 0 {
		o.UID = os.Getuid()
	}
	if o.Store == nil {
		o.Store = emptyStore{}
	}
	if o.Algorithms == nil {
		o.Algorithms = []string{"EdDSA", "ES256", "RS256", "PS256"}
	}
	j, err := token.NewJWT(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func verdictOf(t testing.TB, c token.Checker, tok sdk.Secret, want event.Status, genuine bool) token.Verdict {
	t.Helper()
	v, err := c.Check(context.Background(), tok)
	if err != nil || v.Status != want || v.Genuine() != genuine {
		t.Errorf("the verdict is %+v (genuine: %t), %v, not %s (genuine: %t)", v, v.Genuine(), err, want, genuine)
	}
	return v
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
