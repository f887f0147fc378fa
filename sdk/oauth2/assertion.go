package oauth2

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// The settings of a client that authenticates with a signed assertion: private_key_jwt of OpenID Connect Core §9, which is
// RFC 7523 §2.2.
const (
	SettingPrivateKey = "client_private_key"
	SettingKeyID      = "client_key_id"
)

// KeySettings are the settings of such a client beside its client_id, for [sdk.Source.Settings]. A client with a private key
// authenticates with it, whether or not it has a secret.
func KeySettings() []sdk.Field {
	return []sdk.Field{
		{ID: SettingPrivateKey, Label: "Private key", Kind: sdk.KindSecret, Help: "The client's own, as PEM (PKCS #8) or as a JWK."},
		{ID: SettingKeyID, Label: "Key id", Kind: sdk.KindText, Help: "By which the source knows the key: kid. That of a JWK is in the JWK."},
	}
}

// assertionType is the client_assertion_type of RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLife is how long an assertion is good for. SMART App Launch allows five minutes, by the clock of the server.
const assertionLife = 3 * time.Minute

// Assert authenticates a client in the form of a request, in place of its secret, for requests that a [Source] does not make
// itself. Each request needs an assertion of its own. algs are the algorithms that the server accepts; none means all that
// this package has: RS256, RS384, ES256, ES384, EdDSA. An error of the key is bad_configuration at client_private_key.
func Assert(form url.Values, settings sdk.Settings, tokenURL string, algs ...string) error {
	key, err := clientKey(settings, algs)
	if err != nil {
		return err
	}
	return key.assert(form, settings.Values[SettingClientID], tokenURL)
}

// assert puts client and assertion into a form. The audience is the token endpoint at each endpoint: it stands for the
// server (RFC 7523 §3).
func (k *signingKey) assert(form url.Values, clientID, tokenURL string) error {
	now := time.Now()
	header := struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid,omitempty"`
	}{k.alg, "JWT", k.id}
	claims := struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		ID       string `json:"jti"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{clientID, clientID, tokenURL, rand.Text(), now.Unix(), now.Add(assertionLife).Unix()}
	signed := encodedPart(header) + "." + encodedPart(claims)
	signature, err := k.sign([]byte(signed))
	if err != nil {
		return unusableKey("The private key cannot sign.")
	}
	form.Del("client_secret")
	form.Set("client_id", clientID)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", signed+"."+base64.RawURLEncoding.EncodeToString(signature))
	return nil
}

// encodedPart is a part of a compact JWS (RFC 7515 §3.1).
func encodedPart(v any) string {
	data, _ := json.Marshal(v) // strings and numbers
	return base64.RawURLEncoding.EncodeToString(data)
}

// clientKey is the private key of the settings, with the algorithm to sign with.
func clientKey(settings sdk.Settings, accepted []string) (*signingKey, error) {
	text := settings.Secrets[SettingPrivateKey].Reveal()
	if text == "" {
		return nil, unusableKey("The source needs a private key of the client.")
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	if id := settings.Values[SettingKeyID]; id != "" {
		key.id = id
	}
	possible := key.algorithms()
	if key.alg != "" {
		if !slices.Contains(possible, key.alg) {
			return nil, unusableKey("The private key cannot sign as its alg says.")
		}
		possible = []string{key.alg}
	}
	for _, alg := range possible {
		if len(accepted) == 0 || slices.Contains(accepted, alg) {
			key.alg = alg
			return key, nil
		}
	}
	if len(possible) == 0 {
		return nil, unusableKey("The private key is of a kind that cannot be used: it must be RSA of 2048 bits or more, P-256, P-384 or Ed25519.")
	}
	return nil, unusableKey("The source does not accept the signatures that the private key makes.")
}

// unusableKey is what is wrong with a key. Nothing of the key itself is in it.
func unusableKey(message string) *sdk.Error { return misconfigured(SettingPrivateKey, message) }

// hasKey says whether a client authenticates by its key.
func (e Endpoint) hasKey(settings sdk.Settings) bool {
	return e.PrivateKeyJWT || settings.Secrets[SettingPrivateKey] != ""
}

// ready checks the key before it is needed, where one is.
func (e Endpoint) ready(settings sdk.Settings) error {
	if !e.hasKey(settings) {
		return nil
	}
	_, err := clientKey(settings, e.SigningAlgs)
	return err
}

// prove authenticates a client by its key, where it has one.
func (a *tokenTransport) prove(form url.Values) error {
	if !a.endpoint.hasKey(a.settings) {
		return nil
	}
	key, err := clientKey(a.settings, a.endpoint.SigningAlgs)
	if err != nil {
		return err
	}
	return key.assert(form, a.source.clientID(a.settings), a.endpoint.TokenURL)
}
