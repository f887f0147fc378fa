package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// tokenChecks is how many checks one run makes.
	tokenChecks   = 200
	tokenIssuer   = "https://auth.example.com"
	tokenAudience = "humanconnect"
	rsaBits       = 2048
)

// repeated makes a run of many checks; its time is that of one.
func repeated(check func(context.Context) error) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		began := time.Now()
		for range tokenChecks {
			if err := check(ctx); err != nil {
				return sample{}, err
			}
		}
		return sample{wall: time.Since(began) / tokenChecks}, nil
	}
}

// judged checks a token and wants it to be good.
func judged(c token.Checker, t sdk.Secret) func(context.Context) error {
	return func(ctx context.Context) error {
		v, err := c.Check(ctx, t)
		if err == nil && v.Status != event.Success {
			err = fmt.Errorf("the token is %s", v.Status)
		}
		return err
	}
}

// jwtCheck times the judgement of a JWT beside the library's own verification of the same token.
func (w *world) jwtCheck(algorithm jose.SignatureAlgorithm) measurement {
	name := "a token check, jwt " + string(algorithm)
	return measurement{name, one(func(ctx context.Context, runs int) (row, error) {
		text, public, err := signed(algorithm)
		if err != nil {
			return row{}, err
		}
		checker, err := w.jwtChecker(algorithm, public)
		if err != nil {
			return row{}, err
		}
		c, err := compare(ctx, action{name: name, run: repeated(judged(checker, sdk.Secret(text)))},
			action{name: "go-jose's own verification", run: repeated(func(context.Context) error {
				jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{algorithm})
				if err == nil {
					_, err = jws.Verify(public)
				}
				return err
			})}, runs)
		return row{comparison: c, rate: true}, err
	})}
}

func (w *world) jwtChecker(algorithm jose.SignatureAlgorithm, public crypto.PublicKey) (token.Checker, error) {
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: public, KeyID: "k1", Algorithm: string(algorithm), Use: "sig"},
	}})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(w.dir, string(algorithm)+".jwks")
	if err := os.WriteFile(file, keys, 0o600); err != nil {
		return nil, err
	}
	return token.NewJWT(token.JWTOptions{
		JWKS: file, Issuer: tokenIssuer, Audience: tokenAudience, Algorithms: []string{string(algorithm)}, UID: os.Geteuid(),
		Clock: clock.System(),
	})
}

// signed makes a token that is good for an hour, and its key.
func signed(algorithm jose.SignatureAlgorithm) (string, crypto.PublicKey, error) {
	key, err := newKey(algorithm)
	if err != nil {
		return "", nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		return "", nil, err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": tokenIssuer, "aud": tokenAudience, "sub": "user-1", "client_id": "bench", "exp": time.Now().Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", nil, err
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", nil, err
	}
	text, err := jws.CompactSerialize()
	return text, key.Public(), err
}

func newKey(algorithm jose.SignatureAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case jose.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// localCheck times the judgement of a token of this installation beside a bare look at one row of the same database.
func (w *world) localCheck(ctx context.Context, runs int) (_ row, err error) {
	st, err := w.tokenState(ctx)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	local := token.NewLocal(st, clock.System())
	made, err := local.Create(ctx, token.Request{ClientID: "bench", ClientUserID: "user-1", TTL: time.Hour})
	if err != nil {
		return row{}, err
	}
	c, err := compare(ctx, action{name: "a token check, local", run: repeated(judged(local, made.Token))},
		action{name: "a read transaction with one row", run: repeated(func(ctx context.Context) error {
			return st.View(ctx, func(tx store.Tx) error {
				_, err := tx.User("bench", "user-1")
				return err
			})
		})}, runs)
	return row{comparison: c, rate: true}, err
}

// introspectionCheck times the judgement of a token by asking a service on loopback beside a bare question to it.
func (w *world) introspectionCheck(ctx context.Context, runs int) (_ row, err error) {
	st, err := w.tokenState(ctx)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	answer := fmt.Sprintf(`{"active":true,"sub":"user-1","client_id":"bench","exp":%d}`, time.Now().Add(time.Hour).Unix())
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	defer service.Close()
	checker, err := token.NewIntrospection(token.IntrospectionOptions{
		Store: st, Clock: clock.System(), Endpoint: service.URL, ClientID: "bench", TTL: time.Hour,
		Secret: func(context.Context) (sdk.Secret, error) { return "secret", nil },
	})
	if err != nil {
		return row{}, err
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	c, err := compare(ctx, action{name: "a token check, introspection", run: repeated(judged(checker, "opaque"))},
		action{name: "a bare question to the same service", run: repeated(func(ctx context.Context) error { return ask(ctx, client, service.URL) })}, runs)
	return row{comparison: c, rate: true}, err
}

func ask(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("token=opaque"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	var told struct{ Active bool }
	err = json.NewDecoder(resp.Body).Decode(&told)
	return errors.Join(err, resp.Body.Close())
}

func (w *world) tokenState(ctx context.Context) (*sqlite.Store, error) {
	return sqlite.Open(ctx, sqlite.Options{Dir: filepath.Join(w.dir, "state-token")})
}
