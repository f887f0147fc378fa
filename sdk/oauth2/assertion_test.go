package oauth2_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// keyClient is the settings of a client with a private key, and further settings by their names.
func keyClient(key string, more ...string) sdk.Settings {
	s := sdk.Settings{
		Values:  map[string]string{"client_id": "us"},
		Secrets: map[string]sdk.Secret{"client_private_key": sdk.Secret(key), "client_secret": "of-the-client"},
	}
	for i := 0; i < len(more); i += 2 {
		s.Values[more[i]] = more[i+1]
	}
	return s
}

func makeKey(t *testing.T, alg string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "RS256", "RS384":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// jwkOf is a key as RFC 7517 has it, with further members.
func jwkOf(t *testing.T, key crypto.Signer, more ...string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	members := map[string]string{}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		members = map[string]string{
			"kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes()), "d": b64(k.D.Bytes()),
			"p": b64(k.Primes[0].Bytes()), "q": b64(k.Primes[1].Bytes()),
		}
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		point, err2 := k.PublicKey.Bytes()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		half := len(point) / 2
		members = map[string]string{
			"kty": "EC", "crv": k.Curve.Params().Name, "d": b64(d), "x": b64(point[1 : 1+half]), "y": b64(point[1+half:]),
		}
	case ed25519.PrivateKey:
		members = map[string]string{"kty": "OKP", "crv": "Ed25519", "d": b64(k.Seed()), "x": b64(k.Public().(ed25519.PublicKey))}
	}
	for i := 0; i < len(more); i += 2 {
		members[more[i]] = more[i+1]
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// verified checks the signature of an assertion, and returns what it says.
func verified(t *testing.T, assertion string, key crypto.Signer) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("the assertion has %d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, into) != nil {
			t.Fatalf("part %d of the assertion: %v", i, err)
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	signed := []byte(parts[0] + "." + parts[1])
	if !valid(header["alg"], key.Public(), signed, signature) {
		t.Errorf("the signature by %v is not valid", header["alg"])
	}
	return header, claims
}

func valid(alg any, public crypto.PublicKey, signed, signature []byte) bool {
	short, long := sha256.Sum256(signed), sha512.Sum384(signed)
	curve := func(size int, sum []byte) bool {
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(public.(*ecdsa.PublicKey), sum, r, s)
	}
	switch alg {
	case "RS256":
		return rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, short[:], signature) == nil
	case "RS384":
		return rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA384, long[:], signature) == nil
	case "ES256":
		return curve(32, short[:])
	case "ES384":
		return curve(48, long[:])
	case "EdDSA", "Ed25519":
		return ed25519.Verify(public.(ed25519.PublicKey), signed, signature)
	}
	return false
}

// proof checks that a request was authenticated by a key and by nothing else, and returns the id of its assertion.
func proof(t *testing.T, b *bent, sent url.Values, key crypto.Signer, alg, kid string) string {
	t.Helper()
	if sent.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || sent.Get("client_id") != "us" ||
		sent.Has("client_secret") || b.basic != "" {
		t.Errorf("sent %v, basic %q", sent, b.basic)
	}
	header, claims := verified(t, sent.Get("client_assertion"), key)
	if header["alg"] != alg || header["typ"] != "JWT" || header["kid"] != kid && (header["kid"] != nil || kid != "") {
		t.Errorf("header %v, want %s %q", header, alg, kid)
	}
	if claims["iss"] != "us" || claims["sub"] != "us" || claims["aud"] != b.URL+"/token" {
		t.Errorf("claims %v", claims)
	}
	issued, expires := claims["iat"].(float64), claims["exp"].(float64)
	if now := float64(time.Now().Unix()); issued > now || issued < now-60 || expires <= now || expires > issued+300 {
		t.Errorf("good from %v to %v", issued, expires)
	}
	id, _ := claims["jti"].(string)
	if len(id) < 22 {
		t.Errorf("jti %q", id)
	}
	return id
}

func TestAKeyAuthenticatesTheClientAtEveryEndpoint(t *testing.T) {
	for _, alg := range []string{"RS256", "RS384", "ES256", "ES384", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			key := makeKey(t, alg)
			b := newBent(t)
			b.responds("/token", 200, good)
			b.responds("/revoke", 200, "")
			b.responds("/device", 200, `{"device_code":"d","user_code":"U","verification_uri":"https://x.example/v"}`)
			endpoint := at(b)
			endpoint.SigningAlgs = []string{"HS256", alg}
			s := &oauth2.Source{Endpoint: endpoint}
			settings := keyClient(pemOf(t, key), "client_key_id", "key-1")
			ids := map[string]bool{}
			check := func(path string) {
				t.Helper()
				ids[proof(t, b, b.last(path), key, alg, "key-1")] = true
			}
			step, err := callback(t, s, settings, "code", "c")
			if err != nil {
				t.Fatal(err)
			}
			check("/token")
			held := &sdk.CredentialRequest{Settings: settings, Credential: step.(sdk.Connected).Credential}
			if _, err := s.Refresh(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			check("/token")
			if err := s.Disconnect(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			for _, sent := range b.forms["/revoke"] {
				ids[proof(t, b, sent, key, alg, "key-1")] = true
			}
			c, req, step, err := attempt(t, &oauth2.Source{Endpoint: endpoint, Methods: []sdk.Method{sdk.MethodCode}}, settings)
			if err != nil {
				t.Fatal(err)
			}
			check("/device")
			req.Reply, req.Resume = sdk.TimePassed{}, host.ResumeOf(step)
			if _, err := c.Connect(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			check("/token")
			if len(ids) != 6 {
				t.Errorf("%d ids of 6 assertions", len(ids))
			}
		})
	}
}

func TestAKeyIsReadFromEveryForm(t *testing.T) {
	pkcs1 := func(key crypto.Signer) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))}))
	}
	sec1 := func(key crypto.Signer) string {
		der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	}
	keys := map[string]crypto.Signer{}
	for _, alg := range []string{"RS256", "ES256", "ES384", "EdDSA"} {
		keys[alg] = makeKey(t, alg)
	}
	for name, c := range map[string]struct{ text, of, alg, kid string }{
		"PKCS #8, RSA":         {"\n" + pemOf(t, keys["RS256"]) + "\n", "RS256", "RS256", ""},
		"PKCS #1":              {pkcs1(keys["RS256"]), "RS256", "RS256", ""},
		"SEC 1":                {sec1(keys["ES384"]), "ES384", "ES384", ""},
		"JWK, RSA":             {jwkOf(t, keys["RS256"]), "RS256", "RS256", ""},
		"JWK, RSA with an alg": {jwkOf(t, keys["RS256"], "alg", "RS384"), "RS256", "RS384", ""},
		"JWK, EC":              {jwkOf(t, keys["ES256"], "kid", "of-the-jwk"), "ES256", "ES256", "of-the-jwk"},
		"JWK, EC P-384":        {jwkOf(t, keys["ES384"]), "ES384", "ES384", ""},
		"JWK, OKP":             {jwkOf(t, keys["EdDSA"]), "EdDSA", "EdDSA", ""},
		"JWK, OKP by its name": {jwkOf(t, keys["EdDSA"], "alg", "Ed25519"), "EdDSA", "Ed25519", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBent(t)
			b.responds("/token", 200, good)
			if _, err := callback(t, &oauth2.Source{Endpoint: at(b)}, keyClient(c.text), "code", "c"); err != nil {
				t.Fatal(err)
			}
			proof(t, b, b.last("/token"), keys[c.of], c.alg, c.kid)
		})
	}
	b := newBent(t)
	b.responds("/token", 200, good)
	settings := keyClient(jwkOf(t, keys["ES256"], "kid", "of-the-jwk"), "client_key_id", "of-the-settings")
	if _, err := callback(t, &oauth2.Source{Endpoint: at(b)}, settings, "code", "c"); err != nil {
		t.Fatal(err)
	}
	proof(t, b, b.last("/token"), keys["ES256"], "ES256", "of-the-settings")
}

// The person is not sent away with a key that cannot work, and the key is in no message.
func TestAKeyThatIsOfNoUseIsNamedBeforeItIsNeeded(t *testing.T) {
	key := makeKey(t, "ES256")
	good, jwk := pemOf(t, key), jwkOf(t, key)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal([]byte(jwk), &members); err != nil {
		t.Fatal(err)
	}
	otherwise := func(name, value string) string {
		changed := map[string]string{}
		for n, v := range members {
			changed[n] = v
		}
		changed[name] = value
		data, _ := json.Marshal(changed)
		return string(data)
	}
	other := jwkOf(t, makeKey(t, "ES256"))
	var others map[string]string
	_ = json.Unmarshal([]byte(other), &others)
	for name, text := range map[string]string{
		"no PEM": "swordfish-swordfish", "cut": good[:len(good)/2], "two": good + good, "a path": "/etc/humanconnect/client.pem",
		"another body": "-----BEGIN PRIVATE KEY-----\nc3dvcmRmaXNoLXN3b3JkZmlzaA==\n-----END PRIVATE KEY-----\n",
		"public":       string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"encrypted":    strings.ReplaceAll(good, "PRIVATE", "ENCRYPTED PRIVATE"),
		"short":        pemOf(t, short), "P-521": pemOf(t, odd),
		"half a JWK": jwk[:len(jwk)-10], "no private part": otherwise("d", ""), "another curve": otherwise("crv", "P-384"),
		"another key's public part": otherwise("x", others["x"]), "another kind": otherwise("kty", "RSA"), "symmetric": `{"kty":"oct","k":"c3dvcmRmaXNo","d":"c3dv"}`,
		"another alg": otherwise("alg", "RS256"), "an alg of nobody": otherwise("alg", "PS256"), "an array": "[" + jwk + "]", "none": "",
	} {
		for _, algs := range [][]string{nil, {"ES256"}} {
			b := newBent(t)
			endpoint := at(b)
			endpoint.PrivateKeyJWT, endpoint.SigningAlgs = true, algs
			_, _, _, err := attempt(t, &oauth2.Source{Endpoint: endpoint}, keyClient(text))
			wants(t, err, sdk.BadConfiguration, "client_private_key")
			assertNoPart(t, name, err, text)
		}
	}
	b := newBent(t)
	endpoint := at(b)
	endpoint.SigningAlgs = []string{"RS384", "ES384"}
	_, _, _, err = attempt(t, &oauth2.Source{Endpoint: endpoint}, keyClient(good))
	wants(t, err, sdk.BadConfiguration, "client_private_key")
	if len(b.asked()) > 0 {
		t.Errorf("asked %v", b.asked())
	}
}

// assertNoPart looks for eight bytes in a row of a key in the text of an error.
func assertNoPart(t *testing.T, name string, err error, key string) {
	t.Helper()
	said := fmt.Sprintf("%+v", err)
	for i := 0; i+8 <= len(key); i++ {
		if part := key[i : i+8]; strings.Contains(said, part) && !strings.Contains("PRIVATE KEY", part) && !strings.Contains("private key", part) {
			t.Errorf("%s: %q is in %s", name, part, said)
		}
	}
}

func TestARejectedKeyIsNamed(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 401, `{"error":"invalid_client"}`)
	_, err := callback(t, &oauth2.Source{Endpoint: at(b)}, keyClient(pemOf(t, makeKey(t, "ES256"))), "code", "c")
	wants(t, err, sdk.BadConfiguration, "client_private_key")
}

// A server that lists its authentication methods says whether a client needs a key, and which signatures it takes.
func TestMetadataSaysWhetherAKeyIsNeeded(t *testing.T) {
	for list, needed := range map[string]bool{
		`["private_key_jwt"]`: true, `["client_secret_jwt","private_key_jwt","tls_client_auth"]`: true,
		`["none","private_key_jwt"]`: false, `["private_key_jwt","client_secret_basic"]`: false, `["client_secret_post"]`: false, `[]`: false,
	} {
		b := newBent(t)
		b.responds("/.well-known/openid-configuration", 200, fmt.Sprintf(
			`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"token_endpoint_auth_methods_supported":%s,
			"token_endpoint_auth_signing_alg_values_supported":["ES384","RS384"]}`, b.URL, b.URL+"/authorize", b.URL+"/token", list))
		b.responds("/token", 200, good)
		_, _, _, err := attempt(t, &oauth2.Source{Issuer: b.URL}, ownClient)
		var said *sdk.Error
		if got := errors.As(err, &said) && said.Setting == "client_private_key"; got != needed {
			t.Errorf("%s: %v", list, err)
		}
		key := makeKey(t, "RS256")
		if _, err := callback(t, &oauth2.Source{Issuer: b.URL}, keyClient(pemOf(t, key)), "code", "c"); err != nil {
			t.Fatal(err)
		}
		proof(t, b, b.last("/token"), key, "RS384", "")
	}
}

func TestAssertIsForRequestsOfOthers(t *testing.T) {
	key := makeKey(t, "EdDSA")
	form := url.Values{"token": {"x"}, "client_secret": {"of-the-client"}}
	if err := oauth2.Assert(form, keyClient(pemOf(t, key)), "https://a.example/token", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, form.Get("client_assertion"), key); claims["aud"] != "https://a.example/token" || form.Get("token") != "x" || form.Has("client_secret") {
		t.Errorf("%v, %v", form, claims)
	}
	wants(t, oauth2.Assert(url.Values{}, ownClient, "https://a.example/token"), sdk.BadConfiguration, "client_private_key")
}

// FuzzPrivateKey: whatever stands in the setting, it is a key or an error that does not quote it.
func FuzzPrivateKey(f *testing.F) {
	f.Add(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`) // RFC 8037 A.1
	f.Add(`{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ","p":"AQ","q":"AQ"}`)
	f.Add(`{"kty":"EC","crv":"P-256","d":"AA","x":"AA","y":"AA"}`)
	f.Add("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1h\n-----END PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if err := oauth2.Assert(url.Values{}, keyClient(text), "https://a.example/token"); err != nil {
			wants(t, err, sdk.BadConfiguration, "client_private_key")
		}
	})
}
