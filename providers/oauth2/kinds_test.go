package main

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/sdk"
)

// These are answers of the kinds that the catalogue has, of sources that it does not have: a source that is added, or one of an
// operator's own, must be read as well as the known ones.

// kind is what all sources of this test have.
const kind = `id: kind
name: Kind
group: Test
programme: {status: open}
confidence: high
authorization_endpoint: https://kind.example/authorize
token_endpoint: https://kind.example/token
token_endpoint_auth_method: client_secret_post
scopes: {default: [one, two]}
`

// tokenAccount takes the account from the token response.
const tokenAccount = "account: {from: token_response, id: user}\n"

func TestRetiredVariantIsRefusedBeforeItAsksForAnything(t *testing.T) {
	_, c := offering(t, kind+tokenAccount+`inputs: [{id: practice, label: Practice}]
variants:
  v1: {description: Version 1, programme: {status: retired, text: Version 1 has ended.}}
  v2: {description: Version 2}
`)
	for variant, want := range map[string]sdk.Code{"v1": sdk.NotSupported, "v2": "", "": ""} {
		step, err := starts(t, c, "kind", map[string]string{"client_id": clientID, settingVariant: variant}, nil)
		if _, form := step.(sdk.Form); codeOf(err) != want || form != (want == "") {
			t.Errorf("variant %q: %+v, %v", variant, step, err)
		}
	}
}

func TestAnswersOfKnownKindsAreReadWhateverTheirSource(t *testing.T) {
	gives := func(members string) recorded {
		return recorded{At: "exchange", Status: 200, ContentType: "application/json", Body: `{"access_token": "AT-1", "user": "u", ` + members + `}`}
	}
	of := func(user string) recorded {
		return recorded{At: "exchange", Status: 200, ContentType: "application/json", Body: `{"access_token": "AT-1", "user": ` + user + `}`}
	}
	refused := func(at string, status int, body string) recorded {
		return recorded{At: at, Status: status, ContentType: "application/json", Body: body}
	}
	for name, c := range map[string]struct {
		source string
		answer recorded
		want   reading
	}{
		"expiry as text":                    {tokenAccount, gives(`"expires_in": "3600"`), reading{AccessToken: "AT-1", ExpiresIn: 3600}},
		"expiry as a fraction":              {tokenAccount, gives(`"expires_in": 3600.9`), reading{AccessToken: "AT-1", ExpiresIn: 3600}},
		"no expiry":                         {tokenAccount, gives(`"scope": "one"`), reading{AccessToken: "AT-1", Scopes: []string{"one"}}},
		"an expiry that has passed":         {tokenAccount + "token_response: {expires_at: end}\n", gives(`"end": 1600000000`), reading{AccessToken: "AT-1", ExpiresIn: 1}},
		"a large account number":            {tokenAccount, of(`12345678901234567890`), reading{AccessToken: "AT-1", Account: "12345678901234567890"}},
		"an account number with a fraction": {tokenAccount, of(`12345678.0`), reading{AccessToken: "AT-1", Account: "12345678"}},
		"an account number with an exponent": {
			tokenAccount, of(`1.2345678E7`), reading{AccessToken: "AT-1", Account: "12345678"},
		},
		"an account text that looks like a number": {tokenAccount, of(`"0012.50"`), reading{AccessToken: "AT-1", Account: "0012.50"}},
		"scopes as a list": {
			tokenAccount, gives(`"scope": ["one", "two"]`), reading{AccessToken: "AT-1", Scopes: []string{"one", "two"}},
		},
		"scopes under another name": {
			tokenAccount + "token_response: {members: {scope: [granted]}}\n", gives(`"granted": "two,one"`),
			reading{AccessToken: "AT-1", Scopes: []string{"two", "one"}},
		},
		"a refresh token that expires": {
			tokenAccount, gives(`"refresh_token": "RT-1", "expires_in": 60, "refresh_token_expires_in": "86400"`),
			reading{AccessToken: "AT-1", RefreshToken: "RT-1", ExpiresIn: 60, ReconnectIn: 86400},
		},
		"a refresh token that expires, by another name": {
			tokenAccount + "token_response: {refresh_token_expires_in: refresh_expires_in}\n",
			gives(`"refresh_token": "RT-1", "expires_in": 60, "refresh_expires_in": 86400`),
			reading{AccessToken: "AT-1", RefreshToken: "RT-1", ExpiresIn: 60, ReconnectIn: 86400},
		},
		"a consent that ends on a day": {
			tokenAccount + "token_response: {consent_expires_at: consent.until}\n", gives(`"consent": {"until": "2099-05-01"}`),
			reading{AccessToken: "AT-1", ReconnectBy: "2099-05-01T00:00:00Z"},
		},
		"a consent that ends in milliseconds": {
			tokenAccount + "token_response: {consent_expires_at: consent.until}\n", gives(`"consent": {"until": 4081276800000}`),
			reading{AccessToken: "AT-1", ReconnectBy: "2099-05-01T00:00:00Z"},
		},
		"an envelope in an envelope": {
			"account: {from: token_response, id: person.id}\ntoken_response: {root: data.0, success: {meta.ok: 'true'}}\n",
			recorded{At: "exchange", Status: 200, Body: `{"meta": {"ok": true}, "data": [{"access_token": "AT-1", "person": {"id": 7}}]}`},
			reading{AccessToken: "AT-1", Account: "7"},
		},
		"an error in an envelope": {
			tokenAccount + "token_response: {root: data, success: {meta.ok: 'true'}}\nerror_code: [meta.reason]\n",
			refused("exchange", 200, `{"meta": {"ok": false, "reason": 12}, "data": null}`),
			reading{Code: sdk.SourceError},
		},
		"a nested error that ends the grant": {
			tokenAccount + "errors: [{at: [refresh], where: {error.type: expired_grant}, code: revoked}]\n",
			refused("refresh", 400, `{"error": {"type": "expired_grant", "token": "eyJ0.RT-1"}}`),
			reading{Code: sdk.Revoked},
		},
		"a numeric error that passes": {
			tokenAccount + "errors: [{where: {error: '429001'}, code: source_unavailable}]\n",
			refused("refresh", 400, `{"error": 429001}`),
			reading{Code: sdk.SourceUnavailable},
		},
		"a numeric error that nothing is known of": {tokenAccount, refused("refresh", 400, `{"error": 7}`), reading{Code: sdk.SourceError}},
		"no error member":                          {tokenAccount, refused("refresh", 400, `{"title": "Bad Request"}`), reading{Code: sdk.SourceError}},
		"an error that is a sentence":              {tokenAccount, refused("refresh", 400, `{"error": "Too many unrevoked tokens"}`), reading{Code: sdk.SourceError}},
		"a wrong client": {
			tokenAccount, refused("refresh", 401, `{"error": "invalid_client"}`), reading{Code: sdk.BadConfiguration, Setting: "client_secret"},
		},
		"a grant that has ended, in 403": {tokenAccount, refused("refresh", 403, `{"error": "invalid_grant"}`), reading{Code: sdk.Revoked}},
		"invalid_grant of a proxy":       {tokenAccount, refused("refresh", 503, `{"error": "invalid_grant"}`), reading{Code: sdk.SourceUnavailable}},
		"a check in HTTP 200 that fails": {
			tokenAccount + "check: {url: 'https://api.kind.example/state', success: {data.bound: '1'}}\n",
			refused("check", 200, `{"data": {"bound": 0}}`),
			reading{Code: sdk.Revoked},
		},
		"a check in HTTP 200 that is fine": {
			tokenAccount + "check: {url: 'https://api.kind.example/state', success: {data.bound: '1'}}\n",
			refused("check", 200, `{"data": {"bound": 1}}`),
			reading{},
		},
		"a revocation of what is gone": {
			tokenAccount + "revocation: {method: DELETE, url: 'https://api.kind.example/me', done: [204, 404, 410]}\n",
			refused("revoke", 410, ``),
			reading{},
		},
		"a revocation in HTTP 200 that fails": {
			tokenAccount + "revocation: {method: POST, url: 'https://api.kind.example/off', success: {ok: 'true'}}\n",
			refused("revoke", 200, `{"ok": false}`),
			reading{Code: sdk.SourceError},
		},
		"an account in a list": {
			"account: {from: endpoint, url: 'https://api.kind.example/me', id: data.0.id, label: ['{data.0.nick}', '{data.0.mail}']}\n",
			refused("account", 200, `{"data": [{"id": "p-1", "nick": "  ", "mail": "ann@example.org"}]}`),
			reading{Account: "p-1", Label: "ann@example.org"},
		},
		"granted scopes in an object": {
			"account: {from: nothing}\ngranted_scopes: {from: endpoint, url: 'https://api.kind.example/grants', paths: [data.scopes]}\n",
			refused("granted_scopes", 200, `{"data": {"scopes": ["one"]}}`),
			reading{Scopes: []string{"one"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := kind + c.source
			var f facts
			if err := yaml.Unmarshal([]byte(text), &f); err != nil {
				t.Fatal(err)
			}
			_, client := offering(t, text)
			v := newVendor(t, f, nil)
			j := newJourney(t, client, v, "kind", "")
			a := answered{Source: "kind", recorded: c.answer, Want: c.want}
			connected, err := j.replays(a)
			if err != nil || c.want.Code != "" {
				c.want.refused(t, err, a.Body)
				return
			}
			if connected != nil {
				c.want.connected(t, v, *connected, a)
			}
			for _, problem := range v.problems {
				t.Error(problem)
			}
		})
	}
}
