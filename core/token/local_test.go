package token_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

type place struct {
	*token.Local
	store *sqlite.Store
	clock *clocktest.Fake
	dir   string
}

func newStore(t testing.TB) *sqlite.Store {
	t.Helper()
	return newStoreIn(t, t.TempDir())
}

func newStoreIn(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	s := newStoreIn(t, dir)
	c := clocktest.New(time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC))
	return &place{token.NewLocal(s, c), s, c, dir}
}

func (p *place) create(t *testing.T, ttl time.Duration, sources ...string) token.Created {
	t.Helper()
	c, err := p.Create(t.Context(), token.Request{ClientID: "demo", ClientUserID: "u1", TTL: ttl, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *place) want(t *testing.T, tok sdk.Secret, want event.Status, genuine bool) token.Verdict {
	t.Helper()
	v, err := p.Check(t.Context(), tok)
	if err != nil || v.Status != want || v.Genuine() != genuine {
		t.Errorf("the verdict is %+v, %v, not %s", v, err, want)
	}
	return v
}

func TestGoodTokenTellsWhoseItIs(t *testing.T) {
	p := newPlace(t)
	c := p.create(t, time.Hour, "withings", "epic")
	v := p.want(t, c.Token, event.Success, true)
	if v.ClientID != "demo" || v.ClientUserID != "u1" || strings.Join(v.Sources, ",") != "withings,epic" || !v.ExpiresAt.Equal(c.ExpiresAt) {
		t.Errorf("%+v", v)
	}
	if !c.ExpiresAt.Equal(p.clock.Now().Add(time.Hour)) {
		t.Errorf("expires at %v", c.ExpiresAt)
	}
	if v := p.want(t, p.create(t, time.Hour).Token, event.Success, true); v.Sources != nil {
		t.Errorf("a token without sources allows all, not %v", v.Sources)
	}
}

func TestTokenIs256RandomBitsAndNeverTheSame(t *testing.T) {
	p := newPlace(t)
	seen := make(map[sdk.Secret]bool)
	for range 20 {
		tok := p.create(t, time.Hour).Token
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(tok.Reveal(), token.Prefix))
		if err != nil || len(raw) != 32 || seen[tok] || !strings.HasPrefix(tok.Reveal(), "hcs_") {
			t.Fatalf("%d bytes, seen %t, %v", len(raw), seen[tok], err)
		}
		seen[tok] = true
	}
}

func TestUserHasOneHumanIDForEver(t *testing.T) {
	p := newPlace(t)
	a, b := p.create(t, time.Hour), p.create(t, time.Minute)
	if a.HumanID != b.HumanID || len(a.HumanID) != 32 {
		t.Errorf("%s and %s", a.HumanID, b.HumanID)
	}
	other, err := p.Create(t.Context(), token.Request{ClientID: "demo", ClientUserID: "U1", TTL: time.Hour})
	if err != nil || other.HumanID == a.HumanID {
		t.Errorf("another user has the same human id, %v", err)
	}
}

func TestBadTokens(t *testing.T) {
	p := newPlace(t)
	good := p.create(t, time.Hour).Token
	elsewhere := newPlace(t).create(t, time.Hour).Token
	for name, bad := range map[string]sdk.Secret{
		"garbage":                 "garbage",
		"the prefix alone":        token.Prefix,
		"cut":                     good[:len(good)-1],
		"longer":                  good + "A",
		"without its prefix":      good[len(token.Prefix):],
		"with a space":            good + " ",
		"with a newline":          good + "\n",
		"with a newline inside":   good[:10] + "\n" + good[10:],
		"padded":                  good + "=",
		"in capitals":             sdk.Secret(strings.ToUpper(good.Reveal())),
		"of another installation": elsewhere,
		"not UTF-8":               "hcs_\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			p.want(t, bad, event.TokenInvalid, false)
			if info, err := p.Revoke(t.Context(), bad); err != nil || info.State != token.Unknown {
				t.Errorf("revoked: %+v, %v", info, err)
			}
		})
	}
	p.want(t, "", event.TokenMissing, false)
	p.want(t, good, event.Success, true)
}

func TestNoOtherSpellingOfATokenIsGood(t *testing.T) {
	p := newPlace(t)
	good := p.create(t, time.Hour).Token.Reveal()
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(good)-1).Draw(rt, "place")
		b := []byte(good)
		b[i] = rapid.Byte().Draw(rt, "byte")
		if string(b) == good {
			rt.Skip("unchanged")
		}
		v, err := p.Check(context.Background(), sdk.Secret(b))
		if err != nil || v.Status != event.TokenInvalid || v.Genuine() {
			rt.Errorf("%+v, %v", v, err)
		}
	})
}

func TestTokenExpiresToTheMillisecond(t *testing.T) {
	p := newPlace(t)
	tok := p.create(t, time.Second).Token
	p.clock.Advance(time.Second - time.Millisecond)
	p.want(t, tok, event.Success, true)
	p.clock.Advance(time.Millisecond)
	p.want(t, tok, event.TokenExpired, true)
	p.clock.Advance(time.Second)
	p.want(t, tok, event.TokenExpired, true)
}

func TestExpiredTokensAreRememberedFor30Days(t *testing.T) {
	p := newPlace(t)
	tok := p.create(t, time.Second).Token
	p.clock.Advance(time.Second + 30*24*time.Hour - time.Hour)
	p.create(t, time.Second)
	p.clock.Advance(time.Hour)
	p.create(t, time.Second) // sweeps, since the clock has gone on for an hour
	p.want(t, tok, event.TokenExpired, true)
	p.clock.Advance(time.Millisecond)
	p.create(t, time.Second)
	p.want(t, tok, event.TokenInvalid, false)
}

// open gives a token its session.
func (p *place) open(t *testing.T, tok sdk.Secret, row store.Session) {
	t.Helper()
	v, err := p.Check(t.Context(), tok)
	if err != nil {
		t.Fatal(err)
	}
	err = p.store.Update(t.Context(), func(tx store.Tx) error {
		u, err := tx.User(v.ClientID, v.ClientUserID)
		if err != nil {
			return err
		}
		row.TokenKey, row.User, row.OpenedAt, row.EndsAt, row.EndReason = v.Key, u.HumanID, p.clock.Now(), v.ExpiresAt, store.EndExpired
		return tx.InsertSession(row)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokenThatIsForgottenIsStillThatOfItsSession(t *testing.T) {
	p := newPlace(t)
	tok := p.create(t, time.Second).Token
	p.open(t, tok, store.Session{ID: "ses_1"})
	p.clock.Advance(40 * 24 * time.Hour)
	p.create(t, time.Second)
	p.clock.Advance(2 * time.Hour)
	p.create(t, time.Second)
	if v := p.want(t, tok, event.TokenExpired, true); v.ClientUserID != "u1" {
		t.Errorf("%+v", v)
	}
}

// TestAClockThatJumpsAheadForgetsNoToken: a good token outlives commands of an hour in which the clock was wrong.
func TestAClockThatJumpsAheadForgetsNoToken(t *testing.T) {
	p := newPlace(t)
	p.create(t, time.Hour)
	p.clock.Advance(2 * time.Hour)
	good := p.create(t, time.Hour).Token
	right := p.clock.Now()
	p.clock.Set(right.Add(40 * 24 * time.Hour))
	for range 2 {
		p.create(t, time.Second)
		p.clock.Advance(time.Minute)
	}
	p.clock.Set(right)
	p.want(t, good, event.Success, true)
}

func TestRevokedTokenIsInvalidForEver(t *testing.T) {
	p := newPlace(t)
	tok := p.create(t, time.Second).Token
	before := p.want(t, tok, event.Success, true)
	for range 2 {
		if info, err := p.Revoke(t.Context(), tok); err != nil || info.State != token.Invalidated {
			t.Errorf("%+v, %v", info, err)
		}
	}
	p.want(t, tok, event.TokenInvalid, true)
	p.clock.Advance(time.Hour)
	p.want(t, tok, event.TokenInvalid, true) // and not expired
	err := p.store.View(t.Context(), func(tx store.Tx) error {
		if ok, err := p.Confirm(tx, before); ok || err != nil {
			t.Errorf("the verdict from before is still confirmed: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRevokingEndsTheSessionNow(t *testing.T) {
	for name, c := range map[string]struct {
		row   store.Session
		moved bool
	}{
		"open":   {store.Session{ID: "ses_1"}, true},
		"closed": {store.Session{ID: "ses_1", ClosedAt: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC), Status: "SUCCESS"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tok := p.create(t, time.Hour)
			p.open(t, tok.Token, c.row)
			p.clock.Advance(time.Minute)
			info, err := p.Revoke(t.Context(), tok.Token)
			if err != nil || info.Session != "ses_1" {
				t.Fatalf("%+v, %v", info, err)
			}
			var row store.Session
			if err := p.store.View(t.Context(), func(tx store.Tx) (err error) { row, err = tx.Session("ses_1"); return err }); err != nil {
				t.Fatal(err)
			}
			if moved := row.EndsAt.Equal(p.clock.Now()) && row.EndReason == store.EndRevoked; moved != c.moved {
				t.Errorf("ends at %v for being %s", row.EndsAt, row.EndReason)
			}
		})
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	p := newPlace(t)
	good := token.Request{ClientID: "demo", ClientUserID: "u1", TTL: time.Hour}
	for name, change := range map[string]func(*token.Request){
		"no client":              func(r *token.Request) { r.ClientID = "" },
		"no user":                func(r *token.Request) { r.ClientUserID = "" },
		"user of 1025 bytes":     func(r *token.Request) { r.ClientUserID = strings.Repeat("ä", 512) + "x" },
		"user not UTF-8":         func(r *token.Request) { r.ClientUserID = "\xff" },
		"no time":                func(r *token.Request) { r.TTL = 0 },
		"negative time":          func(r *token.Request) { r.TTL = -time.Hour },
		"time over the limit":    func(r *token.Request) { r.TTL = token.MaxTTL + 1 },
		"list of no source":      func(r *token.Request) { r.Sources = []string{} },
		"a source with capitals": func(r *token.Request) { r.Sources = []string{"Withings"} },
		"a source of 64 letters": func(r *token.Request) { r.Sources = []string{strings.Repeat("a", 64)} },
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			change(&r)
			if _, err := p.Create(t.Context(), r); problem.CodeOf(err) != "usage" {
				t.Errorf("got %v", err)
			}
		})
	}
	limit := good
	limit.ClientUserID, limit.TTL = strings.Repeat("ä", 512), token.MaxTTL
	limit.Sources = []string{strings.Repeat("a", 63)}
	if _, err := p.Create(t.Context(), limit); err != nil {
		t.Errorf("1024 bytes, 30 days: %v", err)
	}
}

func TestUserIDsAreComparedByteForByte(t *testing.T) {
	p := newPlace(t)
	humans := make(map[string]string)
	for _, user := range []string{"a", "A", "a ", "ä", "a\u0308", "a\x00b", "a\x00c"} { // composed and decomposed differ
		c, err := p.Create(t.Context(), token.Request{ClientID: "demo", ClientUserID: user, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := humans[string(c.HumanID)]; ok {
			t.Errorf("%q and %q are one user", other, user)
		}
		humans[string(c.HumanID)] = user
		if v := p.want(t, c.Token, event.Success, true); v.ClientUserID != user {
			t.Errorf("%q came back as %q", user, v.ClientUserID)
		}
	}
}

func TestTokenIsNowhereInTheState(t *testing.T) {
	p := newPlace(t)
	tok := p.create(t, time.Hour).Token
	files := 0
	err := filepath.WalkDir(p.dir, func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(tok.Reveal())) || bytes.Contains(b, []byte(tok.Reveal()[len(token.Prefix):])) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files read: %v", files, err)
	}
}
