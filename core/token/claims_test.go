package token_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
)

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
	for user, text := range map[string]string{
		"u\ufffd": `u\ufffd`, "\ufffd": "\ufffd", "\U0001f600": `\ud83d\uDE00`, `\ud83d`: `\\ud83d`, `\😀`: `\\\ud83d\ude00`, "\"é\x00": `\"\u00e9\u0000`,
	} {
		tok := s.sign(strings.Replace(string(mustJSON(t, good(nil))), "u1", text, 1), nil)
		if v := verdictOf(t, p, tok, event.Success, true); v.ClientUserID != user {
			t.Errorf("the user is %q, not %q", v.ClientUserID, user)
		}
	}
	for _, typ := range []any{nil, "JWT", "jwt", "at+jwt", "AT+JWT", "application/jwt", "application/at+jwt"} {
		verdictOf(t, p, s.sign(good(nil), map[string]any{"typ": typ}), event.Success, true)
	}
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
		"half a pair":        strings.Replace(string(mustJSON(t, good(nil))), "u1", `u\ud83d`, 1),
		"half a pair, low":   strings.Replace(string(mustJSON(t, good(nil))), "u1", `\uDE00u`, 1),
		"a pair reversed":    strings.Replace(string(mustJSON(t, good(nil))), "u1", `\ude00\ud83d`, 1),
		"a half and a pair":  strings.Replace(string(mustJSON(t, good(nil))), "u1", `\ud83d\ud83d\ude00`, 1),
		"a half and U+FFFD":  strings.Replace(string(mustJSON(t, good(nil))), "u1", `\ud83d\ufffd`, 1),
		"after a backslash":  strings.Replace(string(mustJSON(t, good(nil))), "u1", `\\\ud83d`, 1),
		"sources null":       strings.Replace(string(mustJSON(t, good(nil))), "{", `{"sources":null,`, 1),
		"exp null":           strings.Replace(string(mustJSON(t, good(map[string]any{"exp": nil}))), "{", `{"exp":null,`, 1),
		"exp too big to be":  strings.Replace(string(mustJSON(t, good(map[string]any{"exp": nil}))), "{", `{"exp":1e999,`, 1),
		"deep":               strings.Repeat("[", 30_000),
		"empty but a header": "",
	} {
		t.Run(name, func(t *testing.T) { verdictOf(t, p, s.sign(text, nil), event.TokenInvalid, false) })
	}
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
