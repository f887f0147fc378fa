package oauth2

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
	"strings"
)

// Signing is by hand: an SDK that authors carry into their own programs has no dependency for one signature, whose parts are
// in the standard library.

// signingKey is the private key of a client.
type signingKey struct {
	signer crypto.Signer
	// alg is the algorithm of RFC 7518 or RFC 8037, or "" if the key does not say.
	alg string
	// id is the kid, or "".
	id string
}

// minRSA is the length in bits of the shortest RSA key that may be used (RFC 7518 §3.3).
const minRSA = 2048

// algorithms are those that the key can be used with, the most common first.
func (k *signingKey) algorithms() []string {
	switch key := k.signer.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= minRSA {
			return []string{"RS256", "RS384"}
		}
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		}
	case ed25519.PrivateKey:
		return []string{"EdDSA", "Ed25519"} // the second name is that of RFC 9864
	}
	return nil
}

// sign makes the signature of a JWS (RFC 7518 §3, RFC 8037 §3.1).
func (k *signingKey) sign(content []byte) ([]byte, error) {
	hash := crypto.SHA256
	if strings.HasSuffix(k.alg, "384") {
		hash = crypto.SHA384
	}
	if key, ok := k.signer.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, content), nil
	}
	digest := hash.New()
	digest.Write(content)
	sum := digest.Sum(nil)
	key, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return k.signer.Sign(rand.Reader, sum, hash)
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum)
	if err != nil {
		return nil, err
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
}

// parseKey reads a private key as PEM or as a JWK. No error of it quotes the key.
func parseKey(text string) (*signingKey, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return parseJWK(text)
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, unusableKey("The private key cannot be read: it must be PEM (PKCS #8) or a JWK.")
	case strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
		return nil, unusableKey("The private key is encrypted with a passphrase: it must be without one.")
	case strings.TrimSpace(string(rest)) != "":
		return nil, unusableKey("The private key cannot be read: there is more than one PEM block.")
	}
	key, err := parseDER(block)
	if err != nil {
		return nil, unusableKey("The private key cannot be read: its PEM block is no private key in PKCS #8.")
	}
	return &signingKey{signer: key}, nil
}

var errNoKey = errors.New("not a private key")

// parseDER reads PKCS #8, and the older formats that openssl writes for RSA and EC.
func parseDER(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		return signer, nil
	}
	return nil, errNoKey
}

// octets are bytes in base64url, as a JWK has numbers (RFC 7518 §2).
type octets []byte

// UnmarshalJSON implements [json.Unmarshaler].
func (o *octets) UnmarshalJSON(data []byte) error {
	var text string
	err := json.Unmarshal(data, &text)
	if err == nil {
		*o, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	}
	return err
}

func (o octets) number() *big.Int { return new(big.Int).SetBytes(o) }

// jwk is a private key of RFC 7518 §6 or RFC 8037 §2.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	N         octets `json:"n"`
	E         octets `json:"e"`
	D         octets `json:"d"`
	P         octets `json:"p"`
	Q         octets `json:"q"`
	X         octets `json:"x"`
	Y         octets `json:"y"`
}

func parseJWK(text string) (*signingKey, error) {
	var k jwk
	if json.Unmarshal([]byte(text), &k) != nil {
		return nil, unusableKey("The private key cannot be read: it is no valid JWK.")
	}
	if len(k.D) == 0 {
		return nil, unusableKey("The private key cannot be read: the JWK has no private part.")
	}
	signer, err := k.signer()
	if err != nil {
		return nil, unusableKey("The private key cannot be read: it is no valid JWK of kty RSA, EC or OKP.")
	}
	return &signingKey{signer: signer, alg: k.Algorithm, id: k.ID}, nil
}

func (k *jwk) signer() (crypto.Signer, error) {
	switch {
	case k.Type == "RSA":
		return k.rsa()
	case k.Type == "EC" && k.Curve == "P-256":
		return k.ec(elliptic.P256())
	case k.Type == "EC" && k.Curve == "P-384":
		return k.ec(elliptic.P384())
	case k.Type == "OKP" && k.Curve == "Ed25519" && len(k.D) == ed25519.SeedSize:
		key := ed25519.NewKeyFromSeed(k.D)
		if public := key.Public().(ed25519.PublicKey); !public.Equal(ed25519.PublicKey(k.X)) {
			return nil, errNoKey
		}
		return key, nil
	}
	return nil, errNoKey
}

func (k *jwk) rsa() (crypto.Signer, error) {
	exponent := k.E.number()
	if len(k.P) == 0 || len(k.Q) == 0 || !exponent.IsInt64() {
		return nil, errNoKey
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: k.N.number(), E: int(exponent.Int64())},
		D:         k.D.number(), Primes: []*big.Int{k.P.number(), k.Q.number()},
	}
	key.Precompute()
	if key.Validate() != nil {
		return nil, errNoKey
	}
	return key, nil
}

func (k *jwk) ec(curve elliptic.Curve) (crypto.Signer, error) {
	size := (curve.Params().BitSize + 7) / 8
	if len(k.D) > size || len(k.X) != size || len(k.Y) != size {
		return nil, errNoKey
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, append(make([]byte, size-len(k.D)), k.D...))
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil || string(point[1:]) != string(k.X)+string(k.Y) {
		return nil, errNoKey
	}
	return key, nil
}
