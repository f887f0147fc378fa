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

func TestFileOfKeptKeysThatIsDamagedCountsAsNone(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	dir := t.TempDir()
	server := newKeyServer(t, sends(jwks(t, s)))
	clock := clocktest.New(noon)
	o := token.JWTOptions{JWKS: server.URL, Clock: clock, CacheDir: dir}
	verdictOf(t, newJWT(t, o), s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
	kept, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	whole, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	with := func(changes map[string]any) string {
		var all map[string]any
		if err := json.Unmarshal(whole, &all); err != nil {
			t.Fatal(err)
		}
		return string(mustJSON(t, changed(all, changes)))
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(whole[:len(whole)/2]), "of another service": with(map[string]any{"url": "https://other"}),
		"no keys": with(map[string]any{"text": nil}), "no key": with(map[string]any{"text": []byte(`{"keys":[]}`)}),
		"of a time to come": strings.ReplaceAll(string(whole), "2026-", "2036-"),
	} {
		if err := os.WriteFile(kept[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		verdictOf(t, newJWT(t, o), s.sign(good(nil), nil), event.Success, true)
		if n := server.asked.Swap(0); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	o.CacheDir = filepath.Join(kept[0], "no-directory")
	verdictOf(t, newJWT(t, o), s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
}
