package token

import (
	"encoding/base64"
	stdjson "encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/humanconnect/humanconnect/core/clock"
)

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func FuzzDecodeStrictly(f *testing.F) {
	for _, seed := range []string{"", "QQ", "QR", "QQ==", "Q\nQ", "-_8", "+/8", "QUJD"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, part string) {
		if raw, ok := decodeStrictly(part); ok && encoded(raw) != part {
			t.Errorf("%q is another spelling of %q", part, encoded(raw))
		}
	})
}

func FuzzParseJWT(f *testing.F) {
	j, err := NewJWT(JWTOptions{JWKS: "none", Issuer: "i", Audience: "a", Algorithms: []string{"EdDSA", "RS256"}, Clock: clock.System()})
	if err != nil {
		f.Fatal(err)
	}
	for _, header := range []string{
		`{"alg":"EdDSA"}`, `{"alg":"RS256","kid":"k","typ":"JWT"}`, `{"alg":"none"}`, `{"alg":"EdDSA","crit":["b64"],"b64":false}`,
		`{"alg":"EdDSA","jwk":{}}`, `{"alg":"EdDSA","typ":"logout+jwt"}`, `{"alg":"EdDSA","alg":"none"}`, `[]`,
		`{"alg":"EdDSA","nonce":5}`, `{"alg":"EdDSA","x":1e400}`, `{"alg":"Ed25519","nonce":null}`,
	} {
		f.Add(encoded([]byte(header)) + "." + encoded([]byte(`{"sub":"u"}`)) + "." + encoded([]byte("signature")))
	}
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		p, wrong := j.parse(text)
		if wrong != "" {
			return
		}
		if !slices.Contains(j.algorithms, p.alg) || !strings.HasPrefix(text, p.input+".") || p.text != text {
			t.Errorf("%+v", p)
		}
		parts := strings.Split(text, ".")
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{p.alg, ed25519Name})
		if err != nil {
			t.Fatalf("the library refuses what we take: %v", err)
		}
		for i, want := range [][]byte{jws.Signatures[0].Signature, p.payload} {
			if encoded(want) != parts[2-i] {
				t.Errorf("what was parsed is not what stands there: %q", text)
			}
		}
		if h := jws.Signatures[0].Header; h.JSONWebKey != nil || h.KeyID != p.kid || algorithmNamed(h.Algorithm) != p.alg {
			t.Errorf("the library sees %+v, and we %+v", h, p)
		}
	})
}

func FuzzReadClaims(f *testing.F) {
	for _, seed := range []string{
		`{"iss":"i","aud":["a"],"sub":"u","client_id":"c","exp":1,"nbf":0.5,"iat":1e9,"sources":["withings"]}`,
		`{"sub":"\ud83d\ude00","client_id":"\ufffd"}`, `{"sub":"\ud83d"}`, `{"sub":"\\ud83d"}`, `{"sub":"a","sub":"b"}`, `{"exp":1e400}`,
		`{"exp":null,"sources":null}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var c claims
		if !readClaims(text, &c) {
			return
		}
		for _, name := range []string{c.Issuer, c.Subject, c.ClientID} {
			escaped := strings.Contains(strings.ToLower(string(text)), `\ufffd`)
			if !utf8.ValidString(name) || strings.ContainsRune(name, utf8.RuneError) && !escaped && !strings.Contains(string(text), "\ufffd") {
				t.Errorf("%q became %q", text, name)
			}
		}
		if list, ok := c.sources(); ok && (list == nil) != (c.Sources == nil) {
			t.Errorf("sources %#v of %s", list, c.Sources)
		}
		c.meantFor("a")
		if c.wrongOwner() == "" && (len(c.Subject) > MaxUserID || c.Subject == "" || c.ClientID == "") {
			t.Errorf("an owner: %+v", c)
		}
		if c.Expires != nil {
			if at, ok := numericDate(*c.Expires); ok && (at.Before(time.Unix(0, 0)) || at.Year() > 9999) {
				t.Errorf("%v is %v", *c.Expires, at)
			}
		}
	})
}

func FuzzReadIntrospection(f *testing.F) {
	for _, seed := range []string{
		`{"active":false}`, `{"active":true,"sub":"u","client_id":"c","exp":1}`, `{"active":true,"sub":1}`, `{"active":false,"sub":1}`,
		`{"active":"true"}`, `{"active":null}`, `{"active":true,"active":false}`, `{}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, wrong := readIntrospection(text)
		if wrong != "" {
			return
		}
		var members map[string]stdjson.RawMessage
		if err := stdjson.Unmarshal(text, &members); err != nil || (string(members["active"]) == "true") != (c != nil) {
			t.Errorf("%s is %v, %v", text, c, err)
		}
	})
}

func FuzzReadKeySet(f *testing.F) {
	for _, seed := range []string{
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["sign"]}]}`,
		`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`,
		`{"keys":[]}`, `{"keys":null}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := readKeySet(text, time.Unix(0, 0))
		if err != nil {
			return
		}
		if len(set.keys) == 0 {
			t.Errorf("a set of nothing: %q", text)
		}
		for _, key := range set.keys {
			if !key.IsPublic() || !key.Valid() || !slices.Contains([]jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256}, algorithmOf(key)) {
				t.Errorf("a key that verifies nothing: %+v", key)
			}
		}
	})
}

func FuzzMaxAge(f *testing.F) {
	for _, seed := range []string{"", "public, max-age=600", "no-store", `max-age="60"`, "max-age=99999999999999999999", "MAX-AGE=1,no-cache", "max-age=-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cacheControl string) {
		if age := maxAge(cacheControl); age < minFresh || age > maxFresh {
			t.Errorf("%q is %v", cacheControl, age)
		}
	})
}
