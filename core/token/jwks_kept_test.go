package token_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestKeysAreKeptForTheNextProcess(t *testing.T) {
	s, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	dir := filepath.Join(t.TempDir(), "cache")
	server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", "max-age=600", "ETag", `"v1"`))
	clock := clocktest.New(noon)
	process := func() *token.JWT {
		return newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock, CacheDir: dir})
	}
	for range 5 {
		verdictOf(t, process(), s.sign(good(nil), nil), event.Success, true)
	}
	server.wantAsked(t, 1)
	for range 5 { // no process asks for what another has just asked for
		verdictOf(t, process(), next.sign(good(nil), nil), event.TokenInvalid, false)
	}
	server.wantAsked(t, 1)
	clock.Advance(time.Minute)
	server.now(answersWith(500))
	for range 5 {
		wantNetwork(t, process(), next.sign(good(nil), nil))
		verdictOf(t, process(), s.sign(good(nil), nil), event.Success, true)
	}
	server.wantAsked(t, 1)
	clock.Advance(time.Hour)
	verdictOf(t, process(), s.sign(good(map[string]any{"exp": noon.Add(1000 * time.Hour).Unix()}), nil), event.Success, true)
	server.wantAsked(t, 1)

	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
}

// keptPlace has the file in which a process has kept the keys of a service at noon, fresh for ten minutes.
type keptPlace struct {
	t      *testing.T
	signer *signer
	server *keyServer
	clock  *clocktest.Fake
	o      token.JWTOptions
	file   string
	whole  []byte
}

func newKeptPlace(t *testing.T) *keptPlace {
	t.Helper()
	s := newSigner(t, "EdDSA", "k1")
	p := &keptPlace{
		t: t, signer: s, server: newKeyServer(t, sends(jwks(t, s), "Cache-Control", "max-age=600")), clock: clocktest.New(noon),
	}
	p.o = token.JWTOptions{JWKS: p.server.URL, Clock: p.clock, CacheDir: t.TempDir()}
	verdictOf(t, newJWT(t, p.o), p.token(), event.Success, true)
	p.server.wantAsked(t, 1)
	kept, err := filepath.Glob(filepath.Join(p.o.CacheDir, "*.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	p.file = kept[0]
	if p.whole, err = os.ReadFile(p.file); err != nil {
		t.Fatal(err)
	}
	return p
}

// token is one that is good for long.
func (p *keptPlace) token() sdk.Secret {
	return p.signer.sign(good(map[string]any{"exp": noon.Add(1000 * time.Hour).Unix()}), nil)
}

// with is what was kept, with changes.
func (p *keptPlace) with(changes map[string]any) string {
	p.t.Helper()
	var all map[string]any
	if err := json.Unmarshal(p.whole, &all); err != nil {
		p.t.Fatal(err)
	}
	return string(mustJSON(p.t, changed(all, changes)))
}

func (p *keptPlace) put(text string) {
	p.t.Helper()
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func TestFileOfKeptKeysThatIsDamagedCountsAsNone(t *testing.T) {
	p := newKeptPlace(t)
	p.put(p.with(nil))
	verdictOf(t, newJWT(t, p.o), p.token(), event.Success, true)
	p.server.wantAsked(t, 0)
	for name, text := range map[string]string{
		"empty": "", "cut": string(p.whole[:len(p.whole)/2]), "of another service": p.with(map[string]any{"url": "https://other"}),
		"no keys": p.with(map[string]any{"text": nil}), "no key": p.with(map[string]any{"text": []byte(`{"keys":[]}`)}),
		"of a time to come":      strings.ReplaceAll(string(p.whole), "2026-", "2036-"),
		"fresh for ever":         p.with(map[string]any{"fresh": noon.Add(24*time.Hour + time.Millisecond)}),
		"of no time":             p.with(map[string]any{"read": nil}),
		"with another \"fresh\"": p.with(map[string]any{"fresh": "tomorrow"}),
	} {
		p.put(text)
		verdictOf(t, newJWT(t, p.o), p.token(), event.Success, true)
		if n := p.server.asked.Swap(0); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	p.o.CacheDir = filepath.Join(p.file, "no-directory")
	verdictOf(t, newJWT(t, p.o), p.token(), event.Success, true)
	p.server.wantAsked(t, 1)
}

func TestKeptKeysAreNotUsedForLongerThanAnAnswerCanAllow(t *testing.T) {
	never := noon.Add(1000 * time.Hour)
	for name, changes := range map[string]map[string]any{
		"never stale": {"stale": never}, "fresh for ever": {"fresh": never, "stale": never},
	} {
		t.Run(name, func(t *testing.T) {
			p := newKeptPlace(t)
			p.server.now(answersWith(500))
			p.clock.Advance(48*time.Hour - time.Millisecond)
			p.put(p.with(changes))
			verdictOf(t, newJWT(t, p.o), p.token(), event.Success, true)
			p.clock.Advance(time.Millisecond)
			p.put(p.with(changes))
			wantNetwork(t, newJWT(t, p.o), p.token())
		})
	}
}
