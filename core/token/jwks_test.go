package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"os"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/problem"
)

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
		changed(s.jwk(), map[string]any{"key_ops": []string{"sign"}}),
		changed(s.jwk(), map[string]any{"use": nil, "key_ops": []string{"encrypt", "wrapKey"}}),
		changed(s.jwk(), map[string]any{"key_ops": []string{}}),
		changed(s.jwk(), map[string]any{"key_ops": "verify"}),
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
	for _, changes := range []map[string]any{
		{"alg": nil, "use": nil, "kid": nil}, {"key_ops": []string{"sign", "verify"}}, {"use": nil, "key_ops": []string{"verify"}},
	} {
		p = newJWTPlace(t, keySetOf(t, append(useless, changed(s.jwk(), changes))...))
		verdictOf(t, p, s.sign(good(nil), nil), event.Success, true)
	}
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
