package token_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// openedPlace has a JWT that has opened a session.
type openedPlace struct {
	*jwtPlace
	t      *testing.T
	signer *signer
	store  *sqlite.Store
	token  sdk.Secret
	key    []byte
}

func newOpenedPlace(t *testing.T, alg string) *openedPlace {
	t.Helper()
	s := newSigner(t, alg, "k1")
	p := &openedPlace{jwtPlace: newJWTPlace(t, jwks(t, s)), t: t, signer: s, store: newStore(t), token: s.sign(good(nil), nil)}
	p.JWT = p.configured(nil)
	v := verdictOf(t, p, p.token, event.Success, true)
	p.key = v.Key
	err := p.store.Update(t.Context(), func(tx store.Tx) error {
		if confirmed, err := p.Confirm(tx, v); err != nil || !confirmed {
			t.Errorf("it is not confirmed: %v", err)
		}
		u, err := tx.User("demo", "u1")
		if err != nil {
			return err
		}
		return tx.InsertSession(store.Session{
			ID: "ses_1", TokenKey: v.Key, User: u.HumanID, OpenedAt: noon, EndsAt: v.ExpiresAt, EndReason: store.EndExpired,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// configured is the checker of a config, with changes.
func (p *openedPlace) configured(change func(*token.JWTOptions)) *token.JWT {
	p.t.Helper()
	o := token.JWTOptions{
		JWKS: p.file, Issuer: issuer, Audience: audience, Algorithms: []string{"EdDSA", "ES256"}, UID: os.Getuid(), Clock: p.clock,
		Store: p.store,
	}
	if change != nil {
		change(&o)
	}
	j, err := token.NewJWT(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return j
}

// rotate replaces the key by another.
func (p *openedPlace) rotate() {
	p.t.Helper()
	if err := os.WriteFile(p.file, jwks(p.t, newSigner(p.t, p.signer.alg, "another")), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func TestTokenThatHasOpenedItsSessionStaysGenuineWithoutItsKey(t *testing.T) {
	p := newOpenedPlace(t, "EdDSA")
	p.rotate()
	for range 2 {
		v := verdictOf(t, p, p.token, event.Success, true)
		if !bytes.Equal(v.Key, p.key) || v.ClientID != "demo" || v.ClientUserID != "u1" || !v.ExpiresAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v", v)
		}
		p.JWT = p.configured(nil) // another process
	}
	p.clock.Advance(time.Hour)
	verdictOf(t, p, p.token, event.TokenExpired, true)

	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	verdictOf(t, p, p.token, event.TokenExpired, true)
	if _, err := p.Check(t.Context(), p.signer.sign(good(map[string]any{"jti": "2"}), nil)); problem.CodeOf(err) != "jwks_invalid" {
		t.Errorf("got %v", err)
	}
	silent := newKeyServer(t, answersWith(500))
	verdictOf(t, p.configured(func(o *token.JWTOptions) { o.JWKS = silent.URL }), p.token, event.TokenExpired, true)

	// Longer than a token of this installation is remembered.
	p.clock.Advance(1000 * time.Hour)
	if _, err := token.NewLocal(p.store, p.clock).Create(t.Context(), token.Request{ClientID: "demo", ClientUserID: "u1", TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	verdictOf(t, p, p.token, event.TokenExpired, true)
}

func TestTokenWithASessionCausesNoSearchForItsKey(t *testing.T) {
	p := newOpenedPlace(t, "EdDSA")
	server := newKeyServer(t, sends(jwks(t, newSigner(t, "EdDSA", "another"))))
	j := p.configured(func(o *token.JWTOptions) { o.JWKS = server.URL })
	for range 3 {
		p.clock.Advance(2 * time.Minute)
		verdictOf(t, j, p.token, event.Success, true)
	}
	server.wantAsked(t, 1)
}

func TestNothingElseIsGenuineWithoutTheKey(t *testing.T) {
	p := newOpenedPlace(t, "ES256")
	other := p.signer.sign(good(map[string]any{"jti": "2"}), nil)
	verdictOf(t, p, other, event.Success, true) // but it opens nothing
	again := p.signer.sign(good(nil), nil)
	verdictOf(t, p, again, event.Success, true)
	left := p.signer.sign(good(map[string]any{"jti": "3"}), nil)
	leftVerdict := verdictOf(t, p, left, event.Success, true)
	err := p.store.Update(t.Context(), func(tx store.Tx) error {
		_, err := p.Confirm(tx, leftVerdict)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p.rotate()

	verdictOf(t, p, p.token, event.Success, true)
	input, signature, _ := cutSignature(p.token)
	stranger := newSigner(t, "ES256", "k1")
	for name, tok := range map[string]sdk.Secret{
		"a token that opened nothing":           other,
		"a token without its session":           left,
		"the same with another good signature":  again,
		"the same with its signature mirrored":  sdk.Secret(input + "." + b64(mirrored(signature))),
		"the same with a stranger's signature":  sdk.Secret(input + "." + b64(stranger.signature(input))),
		"the same with a signature of nothing":  sdk.Secret(input + "." + b64(make([]byte, 64))),
		"another payload with its signature":    sdk.Secret(strings.Split(input, ".")[0] + "." + encode(t, good(map[string]any{"sub": "u2"})) + "." + b64(signature)),
		"a stranger's token of the same claims": stranger.sign(good(nil), nil),
		"the same, padded":                      p.token + "=",
	} {
		t.Run(name, func(t *testing.T) { verdictOf(t, p, tok, event.TokenInvalid, false) })
	}
	for name, change := range map[string]func(*token.JWTOptions){
		"another issuer":                   func(o *token.JWTOptions) { o.Issuer = "https://other.example.com" },
		"another audience":                 func(o *token.JWTOptions) { o.Audience = "other" },
		"without the token's algorithm":    func(o *token.JWTOptions) { o.Algorithms = []string{"EdDSA"} },
		"of a state that knows no session": func(o *token.JWTOptions) { o.Store = emptyStore{} },
	} {
		t.Run(name, func(t *testing.T) { verdictOf(t, p.configured(change), p.token, event.TokenInvalid, false) })
	}
}
