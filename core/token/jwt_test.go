package token_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/problem"
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

func newJWT(t testing.TB, o token.JWTOptions) *token.JWT {
	t.Helper()
	o.Issuer, o.Audience = issuer, audience
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

func TestGoodJWTOfEachAlgorithmTellsWhoseItIs(t *testing.T) {
	for _, alg := range []string{"EdDSA", "ES256", "RS256", "PS256"} {
		t.Run(alg, func(t *testing.T) {
			s := newSigner(t, alg, "k1")
			p := newJWTPlace(t, jwks(t, s))
			v := verdictOf(t, p, s.sign(good(nil), nil), event.Success, true)
			if v.ClientID != "demo" || v.ClientUserID != "u1" || v.Sources != nil || !v.ExpiresAt.Equal(noon.Add(time.Hour)) {
				t.Errorf("%+v", v)
			}
			others := map[string][]string{
				"EdDSA": {"ES256", "RS256", "PS256"}, "ES256": {"EdDSA", "RS256", "PS256"},
				"RS256": {"EdDSA", "ES256", "PS256"}, "PS256": {"EdDSA", "ES256", "RS256"},
			}[alg]
			p = newJWTPlace(t, jwks(t, s), others...)
			verdictOf(t, p, s.sign(good(nil), nil), event.TokenInvalid, false)
		})
	}
}

func TestClaimsThatMakeAGoodToken(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s))
	for name, changes := range map[string]map[string]any{
		"audience among others":      {"aud": []string{"x", audience}},
		"no iat, no nbf":             {"iat": nil, "nbf": nil},
		"nbf within the skew":        {"nbf": noon.Add(time.Minute).Unix()},
		"iat within the skew":        {"iat": noon.Add(time.Minute).Unix()},
		"a part of a second":         {"exp": float64(noon.Unix()) + 0.5},
		"the longest user":           {"sub": strings.Repeat("ä", 512)},
		"claims that we know not":    {"scope": "x", "jti": "1", "azp": map[string]any{"a": 1}},
		"far end":                    {"exp": 253402300799},
		"source that it may use":     {"sources": []string{"withings"}},
		"list that allows no source": {"sources": []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			v := verdictOf(t, p, s.sign(good(changes), nil), event.Success, true)
			if want, ok := changes["sources"].([]string); ok && (v.Sources == nil || strings.Join(v.Sources, ",") != strings.Join(want, ",")) {
				t.Errorf("sources %#v", v.Sources)
			}
		})
	}
	verdictOf(t, p, s.sign(good(nil), map[string]any{"typ": nil}), event.Success, true)
	verdictOf(t, p, s.sign(good(nil), map[string]any{"kid": nil}), event.Success, true)
	verdictOf(t, p, "", event.TokenMissing, false)
}

func TestClaimsThatMakeABadToken(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s))
	for name, changes := range map[string]map[string]any{
		"wrong aud":                   {"aud": "other"},
		"wrong aud in a list":         {"aud": []string{"other", audience + "2"}},
		"aud in capitals":             {"aud": "HUMANCONNECT"},
		"empty list of aud":           {"aud": []string{}},
		"no aud":                      {"aud": nil},
		"aud an object":               {"aud": map[string]any{audience: 1}},
		"wrong iss":                   {"iss": issuer + "/"},
		"no iss":                      {"iss": nil},
		"iss a list":                  {"iss": []string{issuer}},
		"no exp":                      {"exp": nil},
		"exp text":                    {"exp": "1795348800"},
		"exp before 1970":             {"exp": -1},
		"exp beyond all years":        {"exp": 1e300},
		"no sub":                      {"sub": nil},
		"empty sub":                   {"sub": ""},
		"sub a number":                {"sub": 5},
		"sub too long":                {"sub": strings.Repeat("a", 1025)},
		"no client_id":                {"client_id": nil},
		"empty client_id":             {"client_id": ""},
		"client_id too long":          {"client_id": strings.Repeat("a", 257)},
		"sources a word":              {"sources": "withings"},
		"sources with what is none":   {"sources": []string{"Not One"}},
		"sources with a number":       {"sources": []any{"withings", 1}},
		"nbf text":                    {"nbf": "x"},
		"names in another case":       {"sub": nil, "SUB": "u1"},
		"names in another case (exp)": {"exp": nil, "Exp": noon.Add(time.Hour).Unix()},
	} {
		t.Run(name, func(t *testing.T) {
			verdictOf(t, p, s.sign(good(changes), nil), event.TokenInvalid, false)
		})
	}
	for name, text := range map[string]string{
		"no JSON":            "hello",
		"a list":             "[]",
		"null":               "null",
		"sub twice":          `{"sub":"u2",` + string(mustJSON(t, good(nil)))[1:],
		"more after it":      string(mustJSON(t, good(nil))) + "{}",
		"not UTF-8":          strings.Replace(string(mustJSON(t, good(nil))), "u1", "u\xff", 1),
		"half a pair":        strings.Replace(string(mustJSON(t, good(nil))), "u1", `u\ud800`, 1),
		"sources null":       strings.Replace(string(mustJSON(t, good(nil))), "{", `{"sources":null,`, 1),
		"exp null":           strings.Replace(string(mustJSON(t, good(map[string]any{"exp": nil}))), "{", `{"exp":null,`, 1),
		"exp too big to be":  strings.Replace(string(mustJSON(t, good(map[string]any{"exp": nil}))), "{", `{"exp":1e999,`, 1),
		"deep":               strings.Repeat("[", 30_000),
		"empty but a header": "",
	} {
		t.Run(name, func(t *testing.T) { verdictOf(t, p, s.sign(text, nil), event.TokenInvalid, false) })
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokenOfTheFutureIsInvalid(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s))
	for _, claim := range []string{"nbf", "iat"} {
		tok := s.sign(good(map[string]any{claim: noon.Add(61 * time.Second).Unix()}), nil)
		v, err := p.Check(t.Context(), tok)
		if err != nil || v.Status != event.TokenInvalid {
			t.Errorf("%s: %+v, %v", claim, v, err)
		}
		later := newJWT(t, token.JWTOptions{JWKS: p.file, Clock: clocktest.New(noon.Add(time.Second))})
		verdictOf(t, later, tok, event.Success, true)
	}
}

func TestJWTExpiresToTheMillisecondAndStaysGenuine(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s))
	tok := s.sign(good(map[string]any{"exp": noon.Unix() + 1}), nil)
	before := verdictOf(t, p, tok, event.Success, true)
	p.clock.Advance(time.Second - time.Millisecond)
	verdictOf(t, p, tok, event.Success, true)
	p.clock.Advance(time.Millisecond) // no skew is given
	v := verdictOf(t, p, tok, event.TokenExpired, true)
	if v.ClientID != "demo" || v.ClientUserID != "u1" || !bytes.Equal(v.Key, before.Key) {
		t.Errorf("%+v", v)
	}
	p.clock.Advance(1000 * time.Hour)
	verdictOf(t, p, tok, event.TokenExpired, true)
	verdictOf(t, p, s.sign(good(map[string]any{"exp": 0}), nil), event.TokenExpired, true)
}

func TestForgedJWTs(t *testing.T) {
	s := newSigner(t, "RS256", "k1")
	es := newSigner(t, "ES256", "k2")
	stranger := newSigner(t, "RS256", "k1")
	p := newJWTPlace(t, jwks(t, s, es))
	tok := s.sign(good(nil), nil).Reveal()
	verdictOf(t, p, sdk.Secret(tok), event.Success, true)
	parts := strings.Split(tok, ".")
	pem := s.openssl(nil, "pkey", "-in", "key.pem", "-pubout")
	der := s.openssl(nil, "pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
	hmac := func(key []byte) sdk.Secret {
		input := encode(t, s.header(map[string]any{"alg": "HS256"})) + "." + encode(t, good(nil))
		mac := s.openssl([]byte(input), "dgst", "-sha256", "-mac", "HMAC", "-macopt", fmt.Sprintf("hexkey:%x", key), "-binary")
		return sdk.Secret(input + "." + b64(mac))
	}
	unsigned := func(alg any) sdk.Secret {
		return sdk.Secret(encode(t, s.header(map[string]any{"alg": alg})) + "." + encode(t, good(nil)) + ".")
	}
	cert := func() string {
		stranger.openssl(nil, "req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=x", "-outform", "DER", "-out", "cert.der")
		text, err := os.ReadFile(filepath.Join(stranger.dir, "cert.der"))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(text)
	}()
	for name, bad := range map[string]sdk.Secret{
		"none":                             unsigned("none"),
		"nOnE":                             unsigned("nOnE"),
		"no alg":                           unsigned(nil),
		"none with a signature":            s.sign(good(nil), map[string]any{"alg": "none"}),
		"HMAC with the public key as PEM":  hmac(pem),
		"HMAC with the public key as DER":  hmac(der),
		"HMAC with nothing":                hmac([]byte{0}),
		"another key of this id":           stranger.sign(good(nil), nil),
		"another key of no id":             stranger.sign(good(nil), map[string]any{"kid": nil}),
		"another key of an unknown id":     stranger.sign(good(nil), map[string]any{"kid": "k9"}),
		"the key of another id":            s.sign(good(nil), map[string]any{"kid": "k2"}),
		"signed by one, called another":    es.sign(good(nil), map[string]any{"alg": "RS256", "kid": "k1"}),
		"embedded key":                     stranger.sign(good(nil), map[string]any{"jwk": stranger.jwk(), "kid": nil}),
		"embedded key of its own":          s.sign(good(nil), map[string]any{"jwk": s.jwk()}),
		"address of a key":                 s.sign(good(nil), map[string]any{"jku": "https://evil.example.com/jwks"}),
		"address of a certificate":         s.sign(good(nil), map[string]any{"x5u": "https://evil.example.com/cert"}),
		"certificate":                      stranger.sign(good(nil), map[string]any{"x5c": []string{cert}, "kid": nil}),
		"certificate beside the right key": s.sign(good(nil), map[string]any{"x5c": []string{cert}}),
		"unknown crit":                     s.sign(good(nil), map[string]any{"crit": []string{"x"}, "x": 1}),
		"crit of b64":                      s.sign(good(nil), map[string]any{"crit": []string{"b64"}, "b64": true}),
		"crit that is empty":               s.sign(good(nil), map[string]any{"crit": []string{}}),
		"b64 without crit":                 s.sign(good(nil), map[string]any{"b64": false}),
		"kid a number":                     s.sign(good(nil), map[string]any{"kid": 1}),
		"alg twice":                        s.signRaw(encode(t, `{"alg":"none","alg":"RS256","kid":"k1"}`), encode(t, good(nil))),
		"header a list":                    s.signRaw(encode(t, "[]"), encode(t, good(nil))),
		"header no JSON":                   s.signRaw(encode(t, "x"), encode(t, good(nil))),
		"another payload":                  sdk.Secret(parts[0] + "." + encode(t, good(map[string]any{"sub": "u2"})) + "." + parts[2]),
		"no signature":                     sdk.Secret(parts[0] + "." + parts[1] + "."),
		"two parts":                        sdk.Secret(parts[0] + "." + parts[1]),
		"four parts":                       sdk.Secret(tok + "." + parts[2]),
		"five parts":                       sdk.Secret(tok + ".a.b"),
		"JSON form":                        sdk.Secret(`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`),
		"padded":                           sdk.Secret(tok + "="),
		"padded payload":                   sdk.Secret(parts[0] + "." + parts[1] + "=." + parts[2]),
		"line break inside":                sdk.Secret(tok[:len(tok)-9] + "\n" + tok[len(tok)-9:]),
		"line break in the header":         sdk.Secret(tok[:3] + "\r\n" + tok[3:]),
		"space after it":                   sdk.Secret(tok + " "),
		"standard base64":                  sdk.Secret(parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "+/"),
		"Bearer":                           sdk.Secret("Bearer " + tok),
		"garbage":                          "garbage",
		"dots":                             "..",
		"huge":                             sdk.Secret(tok + strings.Repeat("A", 65<<10)),
		"a local token":                    "hcs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"ES256 of no length":               sdk.Secret(strings.Join(strings.Split(es.sign(good(nil), nil).Reveal(), ".")[:2], ".") + "." + b64(make([]byte, 64))),
		"ES256 of DER":                     sdk.Secret(strings.Join(strings.Split(es.sign(good(nil), nil).Reveal(), ".")[:2], ".") + "." + b64(es.openssl([]byte("x"), "dgst", "-sha256", "-sign", "key.pem"))),
	} {
		t.Run(name, func(t *testing.T) { verdictOf(t, p, bad, event.TokenInvalid, false) })
	}
}

func TestAnotherSpellingOfASignatureIsNoOtherSession(t *testing.T) {
	s := newSigner(t, "ES256", "k1")
	p := newJWTPlace(t, jwks(t, s))
	tok := s.sign(good(nil), nil).Reveal()
	first := verdictOf(t, p, sdk.Secret(tok), event.Success, true)

	at := strings.LastIndexByte(tok, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(tok[at:])
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	mirrored := new(big.Int).Sub(n, new(big.Int).SetBytes(signature[32:]))
	mirrored.FillBytes(signature[32:])
	other := verdictOf(t, p, sdk.Secret(tok[:at]+b64(signature)), event.Success, true)
	again := verdictOf(t, p, s.sign(good(nil), nil), event.Success, true) // another nonce
	if !bytes.Equal(first.Key, other.Key) || !bytes.Equal(first.Key, again.Key) {
		t.Error("one token has several keys")
	}
	another := verdictOf(t, p, s.sign(good(map[string]any{"jti": "2"}), nil), event.Success, true)
	if bytes.Equal(first.Key, another.Key) || len(first.Key) != 32 {
		t.Error("two tokens have one key")
	}
}

func TestNoOtherSpellingOfAJWTIsGood(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s))
	text := s.sign(good(nil), nil).Reveal()
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(rt, "place")
		b := []byte(text)
		b[i] = rapid.Byte().Draw(rt, "byte")
		if string(b) == text {
			rt.Skip("unchanged")
		}
		if v, err := p.Check(context.Background(), sdk.Secret(b)); err != nil || v.Status != event.TokenInvalid || v.Genuine() {
			rt.Errorf("%+v, %v", v, err)
		}
	})
	// The last character of each part has bits that mean nothing.
	for i := range text {
		if i+1 < len(text) && text[i+1] != '.' || text[i] == '.' {
			continue
		}
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if other := text[:i] + string(c) + text[i+1:]; other != text {
				verdictOf(t, p, sdk.Secret(other), event.TokenInvalid, false)
			}
		}
	}
}

func TestKeysThatVerifyNothing(t *testing.T) {
	s := newSigner(t, "RS256", "k1")
	short := newSigner(t, "RS256-1024", "short")
	p384 := func() map[string]any {
		key, err := ecdsa.GenerateKey(elliptic.P384(), nil)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"kty": "EC", "crv": "P-384", "x": b64(point[1:49]), "y": b64(point[49:])}
	}()
	other := newSigner(t, "EdDSA", "ed")
	private := newSigner(t, "EdDSA", "private")
	seed := private.openssl(nil, "pkey", "-in", "key.pem", "-outform", "DER")
	shared := map[string]any{"kty": "oct", "k": b64([]byte("0123456789abcdef0123456789abcdef")), "kid": "k1"}
	useless := []any{
		changed(s.jwk(), map[string]any{"use": "enc"}),
		changed(s.jwk(), map[string]any{"alg": "RS512"}),
		changed(s.jwk(), map[string]any{"alg": "PS256"}),
		changed(s.jwk(), map[string]any{"alg": "ES256"}),
		changed(s.jwk(), map[string]any{"kid": "other"}),
		changed(s.jwk(), map[string]any{"n": "!"}),
		changed(private.jwk(), map[string]any{"d": b64(seed[len(seed)-32:])}),
		short.jwk(), p384, shared,
		map[string]any{"kty": "new"},
		map[string]any{},
	}
	p := newJWTPlace(t, keySetOf(t, append(useless, other.jwk())...))
	verdictOf(t, p, s.sign(good(nil), nil), event.TokenInvalid, false)
	verdictOf(t, p, short.sign(good(nil), nil), event.TokenInvalid, false)
	verdictOf(t, p, private.sign(good(nil), nil), event.TokenInvalid, false) // whoever reads the set could have signed it
	verdictOf(t, p, other.sign(good(nil), nil), event.Success, true)         // the rest does not spoil the set
	p = newJWTPlace(t, keySetOf(t, append(useless, changed(s.jwk(), map[string]any{"alg": nil, "use": nil, "kid": nil}))...))
	verdictOf(t, p, s.sign(good(nil), nil), event.Success, true)
}

func TestKeyFileThatChangesIsReadAnew(t *testing.T) {
	old, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	p := newJWTPlace(t, jwks(t, old))
	verdictOf(t, p, old.sign(good(nil), nil), event.Success, true)
	replacement := p.file + ".new"
	if err := os.WriteFile(replacement, jwks(t, next), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(replacement, p.file); err != nil {
		t.Fatal(err)
	}
	verdictOf(t, p, next.sign(good(nil), nil), event.Success, true)
	verdictOf(t, p, old.sign(good(nil), nil), event.TokenInvalid, false)
}

func TestKeyFileThatCannotBeUsed(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	tok := s.sign(good(nil), nil)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"everyone can write it": {string(jwks(t, s)), 0o666},
		"no JSON":               {"x", 0o600},
		"no keys":               {"{}", 0o600},
		"empty list of keys":    {`{"keys":[]}`, 0o600},
		"PEM":                   {string(s.openssl(nil, "pkey", "-in", "key.pem", "-pubout")), 0o600},
		"larger than 1 MiB":     {string(jwks(t, s)) + strings.Repeat(" ", 1<<20), 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			p := newJWTPlace(t, []byte(c.text))
			if err := os.Chmod(p.file, c.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Check(t.Context(), tok); problem.CodeOf(err) != "jwks_invalid" {
				t.Errorf("got %v", err)
			}
		})
	}
	p := newJWTPlace(t, nil)
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), tok); problem.CodeOf(err) != "jwks_invalid" {
		t.Errorf("got %v", err)
	}
	verdictOf(t, p, "garbage", event.TokenInvalid, false) // needs no key
}

func TestJWTOptionsThatCannotBe(t *testing.T) {
	whole := token.JWTOptions{JWKS: "x", Issuer: issuer, Audience: audience, Algorithms: []string{"ES256"}}
	for name, change := range map[string]func(*token.JWTOptions){
		"none":         func(o *token.JWTOptions) { o.Algorithms = []string{"none"} },
		"HS256":        func(o *token.JWTOptions) { o.Algorithms = []string{"ES256", "HS256"} },
		"no algorithm": func(o *token.JWTOptions) { o.Algorithms = nil },
		"no issuer":    func(o *token.JWTOptions) { o.Issuer = "" },
		"no audience":  func(o *token.JWTOptions) { o.Audience = "" },
	} {
		o := whole
		if change(&o); func() error { _, err := token.NewJWT(o); return err }() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
