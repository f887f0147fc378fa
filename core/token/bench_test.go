package token_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

// BenchmarkCheck judges a good token of each kind; JWTs beside the library's own verification alone.
func BenchmarkCheck(b *testing.B) {
	b.Run("local", func(b *testing.B) {
		p := newBenchPlace(b)
		made, err := p.Create(b.Context(), token.Request{ClientID: "demo", ClientUserID: "u1", TTL: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
		checks(b, p, made.Token)
	})
	for _, alg := range []string{"EdDSA", "ES256", "RS256", "PS256"} {
		s := newSigner(b, alg, "k1")
		keys, tok := jwks(b, s), s.sign(good(nil), nil)
		b.Run(alg, func(b *testing.B) { checks(b, newJWTPlace(b, keys), tok) })
		b.Run(alg+" by the library alone", func(b *testing.B) { verifies(b, s, tok.Reveal()) })
	}
	b.Run("introspection", func(b *testing.B) { checks(b, newIntrospectionPlace(b, says(b, nil)), opaque) })
}

func newBenchPlace(b *testing.B) *token.Local {
	p := newIntrospectionPlace(b, answersWith(500))
	return token.NewLocal(p.store, p.clock)
}

func checks(b *testing.B, c token.Checker, tok sdk.Secret) {
	for b.Loop() {
		if v, err := c.Check(b.Context(), tok); err != nil || v.Status != event.Success {
			b.Fatalf("%+v, %v", v, err)
		}
	}
}

func verifies(b *testing.B, s *signer, text string) {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(mustJSON(b, s.jwk())); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg)})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := jws.Verify(key.Key); err != nil {
			b.Fatal(err)
		}
	}
}
