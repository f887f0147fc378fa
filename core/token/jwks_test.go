package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestKeysThatVerifyNothing(t *testing.T) {
	s := newSigner(t, "RS256", "k1")
	short := newSigner(t, "RS256-1024", "short")
	p384 := func() map[string]any {
		key, err := ecdsa.GenerateKey(elliptic.P384(), nil)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"kty": "EC", "crv": "P-384", "x": b64(point[1:49]), "y": b64(point[49:])}
	}()
	other := newSigner(t, "EdDSA", "ed")
	private := newSigner(t, "EdDSA", "private")
	seed := private.openssl(nil, "pkey", "-in", "key.pem", "-outform", "DER")
	shared := map[string]any{"kty": "oct", "k": b64([]byte("0123456789abcdef0123456789abcdef")), "kid": "k1"}
	useless := []any{
		changed(s.jwk(), map[string]any{"use": "enc"}),
		changed(s.jwk(), map[string]any{"key_ops": []string{"sign"}}),
		changed(s.jwk(), map[string]any{"use": nil, "key_ops": []string{"encrypt", "wrapKey"}}),
		changed(s.jwk(), map[string]any{"key_ops": []string{}}),
		changed(s.jwk(), map[string]any{"key_ops": "verify"}),
		changed(s.jwk(), map[string]any{"alg": "RS512"}),
		changed(s.jwk(), map[string]any{"alg": "PS256"}),
		changed(s.jwk(), map[string]any{"alg": "ES256"}),
		changed(s.jwk(), map[string]any{"kid": "other"}),
		changed(s.jwk(), map[string]any{"n": "!"}),
		changed(private.jwk(), map[string]any{"d": b64(seed[len(seed)-32:])}),
		short.jwk(), p384, shared,
		map[string]any{"kty": "new"},
		map[string]any{},
	}
	p := newJWTPlace(t, keySetOf(t, append(useless, other.jwk())...))
	verdictOf(t, p, s.sign(good(nil), nil), event.TokenInvalid, false) // one of its keys is good for PS256
	for _, unusable := range []*signer{short, private} {               // whoever reads the set could have signed for the private one
		wantNoVerdict(t, p, unusable.sign(good(nil), nil), "jwks_invalid")
		verdictOf(t, p, unusable.sign(good(nil), map[string]any{"kid": nil}), event.TokenInvalid, false)
	}
	verdictOf(t, p, other.sign(good(nil), nil), event.Success, true) // the rest does not spoil the set
	for _, changes := range []map[string]any{
		{"alg": nil, "use": nil, "kid": nil}, {"key_ops": []string{"sign", "verify"}}, {"use": nil, "key_ops": []string{"verify"}},
	} {
		p = newJWTPlace(t, keySetOf(t, append(useless, changed(s.jwk(), changes))...))
		verdictOf(t, p, s.sign(good(nil), nil), event.Success, true)
	}
}

func TestKeyFileThatChangesIsReadAnew(t *testing.T) {
	old, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	before, after := jwks(t, old), jwks(t, next)
	if len(before) != len(after) {
		t.Fatal("the two sets differ in size")
	}
	write := func(t *testing.T, path string, text []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil { // in place
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"another file of the same size and time": func(t *testing.T, path string) {
			write(t, path+".new", after, noon)
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"the same file with another time": func(t *testing.T, path string) { write(t, path, after, noon.Add(-time.Second)) },
		"the same file with another size": func(t *testing.T, path string) { write(t, path, append(after, '\n'), noon) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newJWTPlace(t, before)
			write(t, p.file, before, noon)
			verdictOf(t, p, old.sign(good(nil), nil), event.Success, true)
			change(t, p.file)
			verdictOf(t, p, next.sign(good(nil), nil), event.Success, true)
			verdictOf(t, p, old.sign(good(nil), nil), event.TokenInvalid, false)
		})
	}
}

func TestKeyFileIsReadOnceWhileItStays(t *testing.T) {
	old, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	p := newJWTPlace(t, jwks(t, old))
	verdictOf(t, p, old.sign(good(nil), nil), event.Success, true)
	info, err := os.Stat(p.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.file, jwks(t, next), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(p.file, info.ModTime(), info.ModTime()); err != nil { // as if nothing had happened
		t.Fatal(err)
	}
	verdictOf(t, p, old.sign(good(nil), nil), event.Success, true)
}

func TestKeyFileThatOthersCanWriteIsRefusedAtEachLook(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	tok := s.sign(good(nil), nil)
	refused := func(t *testing.T, c token.Checker, want string) {
		t.Helper()
		_, err := c.Check(t.Context(), tok)
		if problem.CodeOf(err) != "jwks_invalid" || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	p := newJWTPlace(t, jwks(t, s))
	for _, mode := range []os.FileMode{0o666, 0o602} {
		verdictOf(t, p, tok, event.Success, true)
		if err := os.Chmod(p.file, mode); err != nil {
			t.Fatal(err)
		}
		refused(t, p, fmt.Sprintf("it is writable by everyone (mode %04o)", mode))
		if err := os.Chmod(p.file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	verdictOf(t, p, tok, event.Success, true)

	uid := os.Getuid()
	if uid != 0 {
		refused(t, newJWT(t, token.JWTOptions{JWKS: p.file, Clock: p.clock, UID: uid + 1}), "belongs to another user")
		return
	}
	if err := os.Chown(p.file, 4711, -1); err != nil {
		t.Fatal(err)
	}
	refused(t, p, "it belongs to another user (uid 4711)")
	verdictOf(t, newJWT(t, token.JWTOptions{JWKS: p.file, Clock: p.clock, UID: 4711}), tok, event.Success, true)
}

func TestKeyFileThatIsNoRegularFileIsRefusedAtOnce(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	for name, put := range map[string]func(path string) error{
		"a named pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) }, // nobody writes to it
		"a directory":  func(path string) error { return os.Mkdir(path, 0o700) },
		"a device":     func(path string) error { return os.Symlink(os.DevNull, path) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newJWTPlace(t, nil)
			if err := errors.Join(os.Remove(p.file), put(p.file)); err != nil {
				t.Fatal(err)
			}
			_, err := p.Check(t.Context(), s.sign(good(nil), nil))
			if problem.CodeOf(err) != "jwks_invalid" || !strings.Contains(err.Error(), ", not a file") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestKeyFileThatCannotBeUsed(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	tok := s.sign(good(nil), nil)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"everyone can write it": {string(jwks(t, s)), 0o666},
		"no JSON":               {"x", 0o600},
		"no keys":               {"{}", 0o600},
		"empty list of keys":    {`{"keys":[]}`, 0o600},
		"PEM":                   {string(s.openssl(nil, "pkey", "-in", "key.pem", "-pubout")), 0o600},
		"larger than 1 MiB":     {string(jwks(t, s)) + strings.Repeat(" ", 1<<20), 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			p := newJWTPlace(t, []byte(c.text))
			if err := os.Chmod(p.file, c.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Check(t.Context(), tok); problem.CodeOf(err) != "jwks_invalid" {
				t.Errorf("got %v", err)
			}
		})
	}
	p := newJWTPlace(t, nil)
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), tok); problem.CodeOf(err) != "jwks_invalid" {
		t.Errorf("got %v", err)
	}
	verdictOf(t, p, "garbage", event.TokenInvalid, false) // needs no key
}
