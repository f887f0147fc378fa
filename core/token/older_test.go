package token

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/sdk"
)

// olderState is a state that a program of version 4 left behind; its README says what is in it.
const olderState = "../store/sqlite/testdata/v4"

// seenAt is when the tokens of other services in it were seen.
func seenAt() time.Time { return time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC) }

// openOlder opens a copy of that state, and returns the tokens in it by what they are for.
func openOlder(t *testing.T) (s *sqlite.Store, tokens map[string]sdk.Secret) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state.db", "state.key"} {
		b, err := os.ReadFile(filepath.Join(olderState, name))
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name), b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(olderState, "tokens.json"))
	if err := errors.Join(err, json.Unmarshal(text, &tokens)); err != nil {
		t.Fatal(err)
	}
	if s, err = sqlite.Open(t.Context(), sqlite.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, tokens
}

func TestTokensOfThisInstallationInAnOlderStateAreStillKnown(t *testing.T) {
	s, tokens := openOlder(t)
	clk := clocktest.New(time.Date(2026, 11, 22, 20, 1, 0, 0, time.UTC))
	local := NewLocal(s, clk)
	for name, want := range map[string]State{
		"valid": Valid, "half done": Valid, "closed 0": Valid, "closed 4": Expired, "expired": Expired, "revoked": Invalidated,
		"revoked session": Invalidated,
	} {
		info, err := local.Inspect(t.Context(), tokens[name])
		if err != nil || info.State != want {
			t.Errorf("%s is %s, %v", name, info.State, err)
		}
		if name == "valid" && !cmp.Equal(info.Sources, []string{"alpha"}) {
			t.Errorf("it may connect %q", info.Sources)
		}
	}
	if info, err := local.Revoke(t.Context(), tokens["valid"]); err != nil || info.State != Invalidated {
		t.Errorf("revoked: %+v, %v", info, err)
	}
	clk.Advance(24 * time.Hour)
	if info, err := local.Inspect(t.Context(), tokens["closed 0"]); err != nil || info.State != Expired {
		t.Errorf("a day later it is %s, %v", info.State, err)
	}
}

func TestJWTThatOpenedItsSessionInAnOlderStateStaysGenuineWithoutItsKey(t *testing.T) {
	s, tokens := openOlder(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := NewJWT(JWTOptions{
		JWKS: file, Issuer: "https://auth.example.com", Audience: "humanconnect", Algorithms: []string{"EdDSA"}, UID: os.Getuid(),
		Clock: clocktest.New(seenAt()), Store: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := j.Check(t.Context(), tokens["jwt"])
	if err != nil || v.Status != event.Success || !v.Genuine() || v.ClientUserID != "u4" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestTokensThatWereActiveInAnOlderStateAreRemembered(t *testing.T) {
	s, tokens := openOlder(t)
	clk := clocktest.New(seenAt())
	i, err := NewIntrospection(IntrospectionOptions{Store: s, Clock: clk, Endpoint: "https://auth.example.com/introspect", ClientID: "us"})
	if err != nil {
		t.Fatal(err)
	}
	hour := seenAt().Add(time.Hour)
	for name, want := range map[string]struct {
		sources []string
		expires time.Time
		later   event.Status // two hours later, when the service knows none of them
	}{
		"introspected":            {[]string{"alpha"}, hour, event.TokenExpired},
		"introspected no sources": {[]string{}, hour, event.TokenExpired},
		"introspected for years":  {nil, seenAt().Add(2 * 366 * 24 * time.Hour), event.TokenInvalid},
		"introspected for ever":   {nil, time.Unix(latest, 0).UTC(), event.TokenInvalid},
		"introspected opened":     {nil, hour, event.TokenExpired},
	} {
		sum := sha256.Sum256([]byte(tokens[name].Reveal()))
		seen, err := i.remembered(t.Context(), sum[:])
		if err != nil || !cmp.Equal(seen.token.Sources, want.sources) || !seen.token.ExpiresAt.Equal(want.expires) {
			t.Errorf("%s: %+v, %v", name, seen.token, err)
		}
		late := Introspection{o: i.o}
		late.o.Clock = clocktest.New(seenAt().Add(2 * time.Hour))
		if v, err := late.inactive(t.Context(), sum[:], seen); err != nil || v.Status != want.later || !v.Genuine() {
			t.Errorf("%s: two hours later it is %+v, %v", name, v, err)
		}
	}
}
