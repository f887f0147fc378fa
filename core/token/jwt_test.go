package token_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

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
		"logout token":                     s.sign(good(nil), map[string]any{"typ": "logout+jwt"}),
		"proof of possession":              s.sign(good(nil), map[string]any{"typ": "dpop+jwt"}),
		"event":                            s.sign(good(nil), map[string]any{"typ": "application/secevent+jwt"}),
		"type of its own":                  s.sign(good(nil), map[string]any{"typ": "JWT2"}),
		"type twice application":           s.sign(good(nil), map[string]any{"typ": "application/application/jwt"}),
		"type empty":                       s.sign(good(nil), map[string]any{"typ": ""}),
		"type a number":                    s.sign(good(nil), map[string]any{"typ": 1}),
		"kid a number":                     s.sign(good(nil), map[string]any{"kid": 1}),
		"alg twice":                        s.signRaw(encode(t, `{"alg":"none","alg":"RS256","kid":"k1"}`), encode(t, good(nil))),
		"a nonce that is no text":          s.signRaw(encode(t, `{"alg":"RS256","kid":"k1","nonce":5}`), encode(t, good(nil))),
		"a number that is too large":       s.signRaw(encode(t, `{"alg":"RS256","kid":"k1","x":[1e400]}`), encode(t, good(nil))),
		"a member of a member twice":       s.signRaw(encode(t, `{"alg":"RS256","kid":"k1","x":{"a":1,"a":2}}`), encode(t, good(nil))),
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

// cutSignature returns what was signed, and the signature.
func cutSignature(tok sdk.Secret) (input string, signature []byte, err error) {
	at := strings.LastIndexByte(tok.Reveal(), '.')
	signature, err = base64.RawURLEncoding.DecodeString(tok.Reveal()[at+1:])
	return tok.Reveal()[:at], signature, err
}

// mirrored is another signature of ES256 that is as good: its s is n - s.
func mirrored(signature []byte) []byte {
	out := slices.Clone(signature)
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:])).FillBytes(out[32:])
	return out
}

func TestAnotherSpellingOfASignatureIsNoOtherSession(t *testing.T) {
	s := newSigner(t, "ES256", "k1")
	p := newJWTPlace(t, jwks(t, s))
	tok := s.sign(good(nil), nil)
	first := verdictOf(t, p, tok, event.Success, true)
	input, signature, err := cutSignature(tok)
	if err != nil {
		t.Fatal(err)
	}
	other := verdictOf(t, p, sdk.Secret(input+"."+b64(mirrored(signature))), event.Success, true)
	again := verdictOf(t, p, s.sign(good(nil), nil), event.Success, true) // another nonce
	if !bytes.Equal(first.Key, other.Key) || !bytes.Equal(first.Key, again.Key) {
		t.Error("one token has several keys")
	}
	another := verdictOf(t, p, s.sign(good(map[string]any{"jti": "2"}), nil), event.Success, true)
	if bytes.Equal(first.Key, another.Key) || len(first.Key) != 32 {
		t.Error("two tokens have one key")
	}
}

// The key of a session stands in the state: a token keeps it over all versions of the program.
func TestSessionKeyIsOfIssuerAndSigningInput(t *testing.T) {
	s := newSigner(t, "ES256", "k1")
	p := newJWTPlace(t, jwks(t, s))
	tok := s.sign(good(nil), nil)
	v := verdictOf(t, p, tok, event.Success, true)
	want := sha256.New()
	for _, text := range []string{"jwt", issuer, tok.Reveal()[:strings.LastIndexByte(tok.Reveal(), '.')]} {
		fmt.Fprintf(want, "%s%s", binary.BigEndian.AppendUint64(nil, uint64(len(text))), text)
	}
	if !bytes.Equal(v.Key, want.Sum(nil)) {
		t.Errorf("the key is %x, not %x", v.Key, want.Sum(nil))
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
