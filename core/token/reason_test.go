package token_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// reasonOf is the reason of a verdict that refuses a token; it has nothing of the token's secret parts and of its user.
func reasonOf(t *testing.T, c token.Checker, tok sdk.Secret) string {
	t.Helper()
	v, err := c.Check(t.Context(), tok)
	if err != nil || v.Status == event.Success || v.Reason == "" {
		t.Fatalf("got %+v, %v", v, err)
	}
	for _, part := range strings.Split(tok.Reveal(), ".") {
		if len(part) > 8 && strings.Contains(v.Reason, part) || strings.Contains(v.Reason, "secret-user") {
			t.Errorf("the reason %q gives the token away", v.Reason)
		}
	}
	return v.Reason
}

func TestReasonSaysWhatWasWantedAndFound(t *testing.T) {
	s, other := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k1")
	p := newJWTPlace(t, jwks(t, s), "EdDSA", "ES256")
	user := map[string]any{"sub": "secret-user"}
	claims := func(changes map[string]any) sdk.Secret { return s.sign(changed(good(user), changes), nil) }
	header := func(changes map[string]any) sdk.Secret { return s.sign(good(user), changes) }
	for name, c := range map[string]struct {
		token sdk.Secret
		want  []string
	}{
		"aud":                {claims(map[string]any{"aud": "else"}), []string{"aud", `"else"`, `"` + audience + `"`}},
		"aud a list":         {claims(map[string]any{"aud": []string{"a", "b"}}), []string{"aud", `["a", "b"]`, `"` + audience + `"`}},
		"no aud":             {claims(map[string]any{"aud": nil}), []string{"aud is none"}},
		"iss with a slash":   {claims(map[string]any{"iss": issuer + "/"}), []string{"iss", `"` + issuer + `/"`, `"` + issuer + `"`}},
		"no iss":             {claims(map[string]any{"iss": nil}), []string{"iss is missing"}},
		"no client_id":       {claims(map[string]any{"client_id": nil}), []string{"no client_id"}},
		"no sub":             {claims(map[string]any{"sub": nil}), []string{"no sub"}},
		"long sub":           {claims(map[string]any{"sub": strings.Repeat("a", 1025)}), []string{"sub", "1024"}},
		"no exp":             {claims(map[string]any{"exp": nil}), []string{"no exp"}},
		"exp a text":         {claims(map[string]any{"exp": "soon"}), []string{"exp is a string", "a number"}},
		"client_id a number": {claims(map[string]any{"client_id": 7}), []string{"client_id is a number", "a string"}},
		"expired":            {claims(map[string]any{"exp": noon.Add(-time.Hour).Unix()}), []string{"expired at 20"}},
		"not yet":            {claims(map[string]any{"nbf": noon.Add(time.Hour).Unix()}), []string{"nbf"}},
		"issued tomorrow":    {claims(map[string]any{"iat": noon.Add(24 * time.Hour).Unix()}), []string{"iat"}},
		"sources":            {claims(map[string]any{"sources": "withings"}), []string{"sources"}},
		"unknown kid":        {header(map[string]any{"kid": "k9"}), []string{`"k9"`, `"k1"`}},
		"jku":                {header(map[string]any{"jku": "https://evil.example.com"}), []string{"jku"}},
		"crit":               {header(map[string]any{"crit": []string{"x"}}), []string{"crit"}},
		"typ":                {header(map[string]any{"typ": "dpop+jwt"}), []string{`"dpop+jwt"`, "at+jwt"}},
		"alg":                {header(map[string]any{"alg": "HS256"}), []string{`"HS256"`, "EdDSA, ES256"}},
		"no alg":             {header(map[string]any{"alg": nil}), []string{"alg is missing"}},
		"kid a number":       {header(map[string]any{"kid": 1}), []string{"kid is a number"}},
		"another's key":      {other.sign(good(user), nil), []string{`"k1"`, "signature"}},
		"two parts":          {"a.b", []string{"2 parts", "3"}},
		"hostile issuer":     {claims(map[string]any{"iss": "x\x1b[2J" + strings.Repeat("y", 500)}), []string{"iss"}},
	} {
		t.Run(name, func(t *testing.T) {
			reason := reasonOf(t, p, c.token)
			for _, want := range c.want {
				if !strings.Contains(reason, want) {
					t.Errorf("%q is not in %q", want, reason)
				}
			}
			if strings.ContainsAny(reason, "\x1b\n") || len(reason) > 400 {
				t.Errorf("the reason is not fit to be shown: %q", reason)
			}
		})
	}
}

func TestReasonOfAnIntrospectedToken(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"inactive":     {map[string]any{"active": false}, "not active"},
		"no sub":       {map[string]any{"sub": nil}, "no sub"},
		"no client_id": {map[string]any{"client_id": nil}, "no client_id"},
		"sources":      {map[string]any{"sources": "x"}, "sources"},
		"expired":      {map[string]any{"exp": noon.Add(-time.Hour).Unix()}, "expired at"},
	} {
		t.Run(name, func(t *testing.T) {
			if reason := reasonOf(t, newIntrospectionPlace(t, says(t, c.changes)), opaque); !strings.Contains(reason, c.want) {
				t.Errorf("got %q", reason)
			}
		})
	}
}

func TestWhatWasPastedAroundATokenIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"Bearer hcs_x": "Bearer", "bearer x": "Bearer", `"hcs_x"`: "quotes", "‘hcs_x’": "quotes", `{"session_token":"hcs_x"}`: "braces",
		"hcs_ x": "blanks", "hcs\u00a0x": "blanks", "hcs\nx": "line breaks", "hcs\x07x": "control", "hcsäx": "ASCII",
		"hcs_abc-_": "", "a.b.c": "", "dG9r/ZW4+=": "",
	} {
		if got := token.Malformed(sdk.Secret(text)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestUselessAnswerNamesMemberAndKind: asking again would not help, and the operator has to find what is wrong.
func TestUselessAnswerNamesMemberAndKind(t *testing.T) {
	for text, want := range map[string]string{
		`{"active":"true"}`: "member active is a string, where true or false is expected",
		`{"active":1}`:      "member active is a number",
		`{}`:                "member active is missing",
		`{"active":true,"sub":"u","client_id":"c","exp":"1700"}`: "member exp is a string, where a number is expected",
		`{"active":true,"sub":17,"client_id":"c"}`:               "member sub is a number, where a string is expected",
		`{"active":true,"client_id":["c"]}`:                      "member client_id is an array",
		`{"active":true,"active":false}`:                         "twice",
		`[true]`:                                                 "it is an array, where an object is expected",
		`<!DOCTYPE html>`:                                        "HTML",
		``:                                                       "it is empty",
		`true {`:                                                 "not JSON",
	} {
		p := newIntrospectionPlace(t, sends([]byte(text)))
		_, err := p.Check(t.Context(), opaque)
		if problem.CodeOf(err) != "introspection_invalid" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		`{"keys":{}}`: "member keys is an object, where an array is expected", `{}`: "member keys is missing", `[]`: "it is an array",
		`{"keys":[]}`: "empty", `<html>`: "HTML", `{"keys":[1]}`: "key 1: it is a number",
		`{"keys":[{"kty":"RSA","kid":"a","n":7,"e":"AQAB"}]}`: `key 1 (kid "a"): its member n is a number, where a string is expected`,
		`{"keys":[{"kid":"a"}]}`:                              "member kty is missing",
		`{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"}]}`:    `its crv is "X25519", where Ed25519 is expected`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AA"}]}`:      "its member y is missing",
		`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`:             "shared key",
		`{"keys":[{"kty":"new"}]}`:                            `its kty is "new"`,
	} {
		j := newJWTPlace(t, []byte(text))
		_, err := j.Check(t.Context(), newSigner(t, "EdDSA", "k1").sign(good(nil), nil))
		if problem.CodeOf(err) != "jwks_invalid" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestKeysAreReadLeniently: what is unambiguous is read, so that no good token is refused.
func TestKeysAreReadLeniently(t *testing.T) {
	rs, ed := newSigner(t, "RS256", "k1"), newSigner(t, "EdDSA", "k2")
	padded := func(jwk map[string]any, member string) string {
		raw, err := base64.RawURLEncoding.DecodeString(jwk[member].(string))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	for name, c := range map[string]struct {
		s   *signer
		jwk map[string]any
	}{
		"padded modulus":          {rs, changed(rs.jwk(), map[string]any{"n": padded(rs.jwk(), "n")})},
		"padded x":                {ed, changed(ed.jwk(), map[string]any{"x": padded(ed.jwk(), "x")})},
		"x5t that does not fit":   {rs, changed(rs.jwk(), map[string]any{"x5t": "AAAA", "x5t#S256": "AAAA"})},
		"x5c that is none":        {rs, changed(rs.jwk(), map[string]any{"x5c": []string{"AAAA"}})},
		"x5u":                     {rs, changed(rs.jwk(), map[string]any{"x5u": 7})},
		"alg Ed25519 of RFC 9864": {ed, changed(ed.jwk(), map[string]any{"alg": "Ed25519"})},
	} {
		t.Run(name, func(t *testing.T) {
			verdictOf(t, newJWTPlace(t, keySetOf(t, c.jwk)), c.s.sign(good(nil), nil), event.Success, true)
		})
	}
	p := newJWTPlace(t, keySetOf(t, ed.jwk()))
	verdictOf(t, p, ed.sign(good(nil), map[string]any{"alg": "Ed25519"}), event.Success, true)
	stranger := newSigner(t, "EdDSA", "k2")
	verdictOf(t, p, stranger.sign(good(nil), map[string]any{"alg": "Ed25519"}), event.TokenInvalid, false)
	p = newJWTPlace(t, keySetOf(t, ed.jwk()), "RS256")
	verdictOf(t, p, ed.sign(good(nil), map[string]any{"alg": "Ed25519"}), event.TokenInvalid, false)
}

func TestTokenOfAnUnusableKeyIsNotJudgedAndTheKeyIsNamed(t *testing.T) {
	s, short := newSigner(t, "EdDSA", "good"), newSigner(t, "RS256-1024", "short")
	server := newKeyServer(t, sends(keySetOf(t, s.jwk(), short.jwk())))
	for name, c := range map[string]token.Checker{
		"file": newJWTPlace(t, keySetOf(t, s.jwk(), short.jwk())), "URL": newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clocktest.New(noon)}),
	} {
		_, err := c.Check(t.Context(), short.sign(good(nil), nil))
		if problem.CodeOf(err) != "jwks_invalid" || !strings.Contains(err.Error(), `key 2 (kid "short"): it is an RSA key of 1024 bits`) {
			t.Errorf("%s: %v", name, err)
		}
		verdictOf(t, c, short.sign(good(nil), map[string]any{"kid": "unknown"}), event.TokenInvalid, false)
		verdictOf(t, c, s.sign(good(nil), nil), event.Success, true)
	}
}
