package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
)

const (
	goodJWT   = "token: {check: jwt, jwks: keys.json, issuer: https://i, audience: a, algorithms: [EdDSA, PS256]}\n"
	goodIntro = "token: {check: introspection, endpoint: https://i/x, clientId: c, clientSecret: {env: S}}\n"
)

func TestTokensOfOtherServicesAreRead(t *testing.T) {
	path := write(t, "version: 1\n"+goodJWT)
	got := load(t, options(path)).Token
	if got.Check != "jwt" || got.JWKS != filepath.Join(filepath.Dir(path), "keys.json") || got.Issuer != "https://i" ||
		got.Audience != "a" || !cmp.Equal(got.Algorithms, []string{"EdDSA", "PS256"}) {
		t.Errorf("%+v", got)
	}
	got = load(t, options(write(t, "version: 1\n"+goodIntro))).Token
	if got.Check != "introspection" || got.Endpoint != "https://i/x" || got.ClientID != "c" || got.ClientSecret.Env != "S" {
		t.Errorf("%+v", got)
	}
}

func TestTokensOfOtherServicesCanBeSetByVariables(t *testing.T) {
	o := options("none")
	o.Environ = config.Environment{
		"HUMANCONNECT_TOKEN_CHECK=jwt", "HUMANCONNECT_TOKEN_JWKS=https://i/jwks", "HUMANCONNECT_TOKEN_ISSUER=i",
		"HUMANCONNECT_TOKEN_AUDIENCE=a", "HUMANCONNECT_TOKEN_ALGORITHMS=ES256, RS256",
	}
	got := load(t, o).Token
	if got.JWKS != "https://i/jwks" || !cmp.Equal(got.Algorithms, []string{"ES256", "RS256"}) {
		t.Errorf("%+v", got)
	}
	o = options(write(t, "version: 1\n"+goodJWT))
	o.Environ = config.Environment{"HUMANCONNECT_TOKEN_CHECK=local"}
	if got := load(t, o).Token; got.Check != "local" {
		t.Errorf("a variable does not put the file's section aside: %+v", got)
	}
}

func TestMistakesAboutOtherServicesTokens(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"jwt without all": {"token: {check: jwt}", []string{
			"2:16 token.jwks is missing", "2:16 token.issuer is missing", "2:16 token.audience is missing", "2:16 token.algorithms is missing",
		}},
		"introspection without all": {"token: {check: introspection}", []string{
			"2:16 token.endpoint is missing", "2:16 token.clientId is missing", "2:16 token.clientSecret is missing",
		}},
		"plain http":         {strings.Replace(goodJWT, "keys.json", "http://i/jwks", 1), []string{"token.jwks is plain http"}},
		"other scheme":       {strings.Replace(goodJWT, "keys.json", "file:///x", 1), []string{"token.jwks is not a URL"}},
		"password":           {strings.Replace(goodIntro, "https://i/x", "https://u:s3cret@i/x", 1), []string{"token.endpoint has a user or password"}},
		"fragment":           {strings.Replace(goodIntro, "i/x", "i/x#y", 1), []string{"token.endpoint has a fragment"}},
		"endpoint a file":    {strings.Replace(goodIntro, "https://i/x", "x", 1), []string{"token.endpoint is not a URL"}},
		"home":               {strings.Replace(goodJWT, "keys.json", "~/keys.json", 1), []string{"token.jwks \"~/keys.json\": ~ is not expanded"}},
		"none":               {strings.Replace(goodJWT, "EdDSA", "none", 1), []string{`token.algorithms[0] "none" is none of`}},
		"HMAC":               {strings.Replace(goodJWT, "PS256", "HS256", 1), []string{`token.algorithms[1] "HS256" is none of`}},
		"algorithms a word":  {strings.Replace(goodJWT, "[EdDSA, PS256]", "EdDSA", 1), []string{"token.algorithms a single value"}},
		"no algorithm":       {strings.Replace(goodJWT, "[EdDSA, PS256]", "[]", 1), []string{"token.algorithms is empty"}},
		"plain secret":       {strings.Replace(goodIntro, "{env: S}", "s3cret", 1), []string{"token.clientSecret a secret must be a reference"}},
		"check forgotten":    {strings.Replace(goodJWT, "check: jwt, ", "", 1), []string{"token.jwks has no effect", "token.issuer has no effect", "token.audience has no effect", "token.algorithms has no effect"}},
		"keys of both kinds": {strings.Replace(goodJWT, "{", "{endpoint: https://i/x, ", 1), []string{"token.endpoint has no effect with check: jwt; it is used with check: introspection"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := problemsOf(t, "version: 1\n"+c.text)
			if len(got) != len(c.want) {
				t.Fatalf("%q", got)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) || strings.Contains(got[i], "s3cret") {
					t.Errorf("%q, not %q", got[i], c.want[i])
				}
			}
		})
	}
	for _, good := range []string{"http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x", "http://Auth.localhost./x"} {
		load(t, options(write(t, "version: 1\n"+strings.Replace(goodIntro, "https://i/x", `"`+good+`"`, 1))))
	}
}

func TestMissingKeysAreToldWhereTheKindWasChosen(t *testing.T) {
	o := options("none")
	o.Environ = config.Environment{"HUMANCONNECT_TOKEN_CHECK=introspection"}
	_, _, err := config.Load(o)
	if got := factsOf(err); len(got) != 3 || !strings.HasPrefix(got[0], "env HUMANCONNECT_TOKEN_CHECK") {
		t.Errorf("%q", got)
	}
}
