package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// algs are the algorithms of assertions, with how a key for each is made.
func algs() map[string]func() (crypto.Signer, error) {
	return map[string]func() (crypto.Signer, error){
		"RS256": func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"RS384": func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 3072) },
		"ES256": func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"ES384": func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"EdDSA": func() (crypto.Signer, error) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return key, err
		},
	}
}

// keyPair makes a key: its private half as PEM, the public half as a JWK.
func keyPair(t *testing.T, alg string) (private string, public map[string]string) {
	t.Helper()
	key, err := algs()[alg]()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public = map[string]string{"kid": "of-" + alg, "alg": alg, "use": "sig"}
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := key.Public().(type) {
	case *rsa.PublicKey:
		public["kty"], public["n"], public["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		public["kty"], public["crv"] = "EC", k.Curve.Params().Name
		public["x"], public["y"] = b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		public["kty"], public["crv"], public["x"] = "OKP", "Ed25519", b64(k)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), public
}

// The server checks signature, type, audience, times, and that no jti comes twice.
func TestAThirdPartyServerKnowsTheClientByItsKey(t *testing.T) {
	var public []map[string]string
	private := map[string]string{}
	for alg := range algs() {
		text, key := keyPair(t, alg)
		private[alg], public = text, append(public, key)
	}
	list, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	address := startPeer(t, string(list)).address
	for alg := range algs() {
		t.Run(alg, func(t *testing.T) {
			settings := sdk.Settings{
				Values:  map[string]string{oauth2.SettingClientID: "key-" + alg, oauth2.SettingKeyID: "of-" + alg},
				Secrets: map[string]sdk.Secret{oauth2.SettingPrivateKey: sdk.Secret(private[alg])},
			}
			s := source(address)
			s.Endpoint.SigningAlgs = []string{alg}
			step, err := connectWith(t, s, settings, newPerson(callbackAddress))
			if err != nil {
				t.Fatal(err)
			}
			held := &sdk.CredentialRequest{Settings: settings, Credential: step.(sdk.Connected).Credential}
			refreshed, err := s.Refresh(t.Context(), held)
			if err != nil {
				t.Fatal(err)
			}
			held.Credential = refreshed.Credential
			if err := s.Disconnect(t.Context(), held); err != nil {
				t.Error(err)
			}
			refused(t, s.Check(t.Context(), held), sdk.Revoked)
			device := source(address, sdk.MethodCode)
			device.Endpoint.SigningAlgs = []string{alg}
			shown, err := device.Connect(t.Context(), &sdk.ConnectRequest{Settings: settings, Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Code: true}})
			if _, ok := shown.(sdk.ShowCode); !ok {
				t.Errorf("%+v, %v", shown, err)
			}
		})
	}
	other, _ := keyPair(t, "ES256")
	settings := sdk.Settings{
		Values:  map[string]string{oauth2.SettingClientID: "key-ES256"},
		Secrets: map[string]sdk.Secret{oauth2.SettingPrivateKey: sdk.Secret(other)},
	}
	_, err = connectWith(t, source(address), settings, newPerson(callbackAddress))
	if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.BadConfiguration || said.Setting != oauth2.SettingPrivateKey {
		t.Errorf("a key of nobody: %v", err)
	}
}
