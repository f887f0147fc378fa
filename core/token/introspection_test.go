package token_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

const opaque = sdk.Secret("an-opaque token/+&=ä")

type introspectionPlace struct {
	*token.Introspection
	t      testing.TB
	server *keyServer
	store  *sqlite.Store
	clock  *clocktest.Fake
	dir    string
}

// newIntrospectionPlace asks a service that answers like serve, once it has seen that the question is right.
func newIntrospectionPlace(t testing.TB, serve http.HandlerFunc) *introspectionPlace {
	t.Helper()
	return newIntrospectionPlaceWith(t, 0, serve)
}

// newIntrospectionPlaceWith waits for an answer no longer than a limit; 0 is that of the program.
func newIntrospectionPlaceWith(t testing.TB, limit time.Duration, serve http.HandlerFunc) *introspectionPlace {
	t.Helper()
	p := &introspectionPlace{t: t, clock: clocktest.New(noon), dir: t.TempDir()}
	p.server = newKeyServer(t, serve)
	p.store = newStoreIn(t, p.dir)
	var err error
	p.Introspection, err = token.NewIntrospection(token.IntrospectionOptions{
		Store: p.store, Clock: p.clock, Endpoint: p.server.URL + "/introspect?tenant=s3cret", ClientID: "our:client",
		Secret: func(context.Context) (sdk.Secret, error) { return "p ä:s", nil }, TTL: 30 * time.Minute, Timeout: limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// says answers with members beside those of a good token.
func says(t testing.TB, changes map[string]any) http.HandlerFunc {
	return sends(mustJSON(t, changed(map[string]any{
		"active": true, "sub": "u1", "client_id": "demo", "exp": noon.Add(time.Hour).Unix(),
	}, changes)), "Content-Type", "application/json")
}

func TestServiceIsAskedAsRFC7662Says(t *testing.T) {
	var got string
	answer := says(t, nil)
	p := newIntrospectionPlace(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got = fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Accept"), " ",
			user, " ", password, " ", r.PostFormValue("token") == opaque.Reveal(), " ", r.URL.RawQuery)
		answer(w, r)
	})
	v := verdictOf(t, p, opaque, event.Success, true)
	want := "POST /introspect application/x-www-form-urlencoded application/json our%3Aclient p+%C3%A4%3As true tenant=s3cret"
	if got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if v.ClientID != "demo" || v.ClientUserID != "u1" || v.Sources != nil || !v.ExpiresAt.Equal(noon.Add(time.Hour)) || len(v.Key) != 32 {
		t.Errorf("%+v", v)
	}
}

func TestEachAnswerOfRFC7662(t *testing.T) {
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		want    event.Status
		genuine bool
	}{
		"active":                    {says(t, nil), event.Success, true},
		"active with all members":   {says(t, map[string]any{"scope": "a b", "username": "x", "token_type": "Bearer", "iat": noon.Unix(), "nbf": noon.Unix(), "aud": []string{"x"}, "iss": "y", "jti": "z", "extension": map[string]any{}}), event.Success, true},
		"active with sources":       {says(t, map[string]any{"sources": []string{"withings"}}), event.Success, true},
		"inactive":                  {sends([]byte(`{"active":false}`)), event.TokenInvalid, false},
		"inactive with all members": {says(t, map[string]any{"active": false}), event.TokenInvalid, false},
		"inactive with odd members": {says(t, map[string]any{"active": false, "sub": 1, "exp": "never"}), event.TokenInvalid, false},
		"no sub":                    {says(t, map[string]any{"sub": nil}), event.TokenInvalid, false},
		"empty sub":                 {says(t, map[string]any{"sub": ""}), event.TokenInvalid, false},
		"no client_id":              {says(t, map[string]any{"client_id": nil}), event.TokenInvalid, false},
		"sub too long":              {says(t, map[string]any{"sub": strings.Repeat("a", 1025)}), event.TokenInvalid, false},
		"sources a word":            {says(t, map[string]any{"sources": "withings"}), event.TokenInvalid, false},
		"exp that cannot be":        {says(t, map[string]any{"exp": -5}), event.TokenInvalid, false},
		"active though expired":     {says(t, map[string]any{"exp": noon.Unix()}), event.TokenExpired, true},
		"active though not yet":     {says(t, map[string]any{"nbf": noon.Add(2 * time.Minute).Unix()}), event.TokenInvalid, true},
		"nbf within the skew":       {says(t, map[string]any{"nbf": noon.Add(time.Minute).Unix()}), event.Success, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIntrospectionPlace(t, c.answer)
			verdictOf(t, p, opaque, c.want, c.genuine)
			p.server.wantAsked(t, 1)
		})
	}
	p := newIntrospectionPlace(t, says(t, nil))
	verdictOf(t, p, "", event.TokenMissing, false)
	verdictOf(t, p, sdk.Secret(strings.Repeat("a", 65<<10)), event.TokenInvalid, false)
	p.server.wantAsked(t, 0)
}

func TestServiceThatFailsSaysNothingOfAToken(t *testing.T) {
	all := failures(t, mustJSON(t, map[string]any{"active": true, "sub": "u1", "client_id": "demo"}))
	for name, text := range map[string]string{
		"no active": `{"sub":"u1"}`, "active a word": `{"active":"true"}`, "active null": `{"active":null}`,
		"active twice": `{"active":false,"active":true,"sub":"u1","client_id":"demo"}`, "sub a number": `{"active":true,"sub":1}`,
		"ACTIVE": `{"ACTIVE":true,"sub":"u1","client_id":"demo"}`,
	} {
		all[name] = sends([]byte(text))
	}
	all["status 400"] = answersWith(400)
	for _, status := range []int{201, 404, 500, 503} {
		all[fmt.Sprintf("status %d with an answer", status)] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"active":false}`))
		}
	}
	for name, failure := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIntrospectionPlaceWith(t, limitOf(name), failure)
			_, err := p.Check(t.Context(), opaque)
			if problem.CodeOf(err) != codeOfFailure(name, "introspection_invalid") || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "opaque") {
				t.Errorf("got %v", err)
			}
		})
	}
	p := newIntrospectionPlace(t, hangs)
	p.server.Close()
	wantNetwork(t, p, opaque)
}

func TestServiceThatRefusesUsIsAMatterOfTheConfig(t *testing.T) {
	for _, status := range []int{401, 403} {
		p := newIntrospectionPlace(t, answersWith(status))
		if _, err := p.Check(t.Context(), opaque); problem.CodeOf(err) != "introspection_refused" {
			t.Errorf("got %v", err)
		}
	}
}

func TestTokenThatWasSeenHasExpiredAndIsNotUnknown(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, map[string]any{"sources": []string{"withings"}}))
	before := verdictOf(t, p, opaque, event.Success, true)
	p.server.now(sends([]byte(`{"active":false}`)))
	p.clock.Advance(time.Hour - time.Millisecond)
	verdictOf(t, p, opaque, event.TokenInvalid, true) // taken back
	p.clock.Advance(time.Millisecond)
	v := verdictOf(t, p, opaque, event.TokenExpired, true)
	if v.ClientID != "demo" || v.ClientUserID != "u1" || !bytes.Equal(v.Key, before.Key) || len(v.Sources) != 1 {
		t.Errorf("%+v", v)
	}
	verdictOf(t, p, opaque+"x", event.TokenInvalid, false)
	p.server.now(says(t, map[string]any{"exp": noon.Add(3 * time.Hour).Unix()})) // given a longer life
	verdictOf(t, p, opaque, event.Success, true)
	p.server.now(sends([]byte(`{"active":false}`)))
	verdictOf(t, p, opaque, event.TokenInvalid, true)
	p.clock.Advance(2 * time.Hour)
	verdictOf(t, p, opaque, event.TokenExpired, true)
}

func TestWhatWasSeenLastCounts(t *testing.T) {
	for name, c := range map[string]struct{ first, last map[string]any }{
		"a longer life":       {nil, map[string]any{"exp": noon.Add(2 * time.Hour).Unix()}},
		"a shorter life":      {map[string]any{"exp": noon.Add(2 * time.Hour).Unix()}, nil},
		"other sources":       {map[string]any{"sources": []string{"withings"}}, map[string]any{"sources": []string{"epic"}}},
		"no source any more":  {nil, map[string]any{"sources": []string{}}},
		"all sources instead": {map[string]any{"sources": []string{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIntrospectionPlace(t, says(t, c.first))
			verdictOf(t, p, opaque, event.Success, true)
			p.server.now(says(t, c.last))
			last := verdictOf(t, p, opaque, event.Success, true)
			p.server.now(sends([]byte(`{"active":false}`)))
			v := verdictOf(t, p, opaque, event.TokenInvalid, true)
			if !v.ExpiresAt.Equal(last.ExpiresAt) || fmt.Sprintf("%#v", v.Sources) != fmt.Sprintf("%#v", last.Sources) {
				t.Errorf("%+v, not %+v", v, last)
			}
		})
	}
}

func TestWhatWasSeenIsForgottenAfter30Days(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, nil))
	verdictOf(t, p, opaque, event.Success, true)
	p.clock.Advance(30*24*time.Hour + time.Millisecond)
	for _, other := range []string{"another", "a third"} { // the second sweeps, since the clock has gone on for an hour
		p.server.now(says(t, map[string]any{"exp": p.clock.Now().Add(2 * time.Hour).Unix()}))
		verdictOf(t, p, sdk.Secret(other), event.Success, true)
		p.clock.Advance(time.Hour)
	}
	p.server.now(sends([]byte(`{"active":false}`)))
	verdictOf(t, p, opaque, event.TokenInvalid, false)
}

func TestTokenWithoutExpLastsForTheTTL(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, map[string]any{"exp": nil}))
	if v := verdictOf(t, p, opaque, event.Success, true); !v.ExpiresAt.Equal(noon.Add(30 * time.Minute)) {
		t.Errorf("ends at %v", v.ExpiresAt)
	}
	p.server.now(sends([]byte(`{"active":false}`)))
	p.clock.Advance(time.Hour)
	verdictOf(t, p, opaque, event.TokenInvalid, false)
}

// opened gives the token its session.
func (p *introspectionPlace) opened() store.Session {
	p.t.Helper()
	v := verdictOf(p.t, p, opaque, event.Success, true)
	row := store.Session{
		ID: "ses_1", TokenKey: v.Key, Sources: v.Sources, OpenedAt: p.clock.Now(), EndsAt: v.ExpiresAt, EndReason: store.EndExpired,
	}
	err := p.store.Update(p.t.Context(), func(tx store.Tx) error {
		u, err := store.EnsureUser(tx, v.ClientID, v.ClientUserID)
		if err != nil {
			return err
		}
		row.User = u.HumanID
		return tx.InsertSession(row)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return row
}

func (p *introspectionPlace) session() (row store.Session) {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(tx store.Tx) (err error) { row, err = tx.Session("ses_1"); return err })
	if err != nil {
		p.t.Fatal(err)
	}
	return row
}

func TestTokenThatIsTakenBackEndsItsSession(t *testing.T) {
	for name, exp := range map[string]any{"with exp": noon.Add(time.Hour).Unix(), "without exp": nil} {
		t.Run(name, func(t *testing.T) {
			p := newIntrospectionPlace(t, says(t, map[string]any{"exp": exp}))
			p.opened()
			p.clock.Advance(time.Minute)
			verdictOf(t, p, opaque, event.Success, true)
			p.server.now(answersWith(500))
			wantNetwork(t, p, opaque)
			if row := p.session(); row.EndReason != store.EndExpired {
				t.Errorf("a failure of the network ended the session: %+v", row)
			}
			p.server.now(sends([]byte(`{"active":false}`)))
			v := verdictOf(t, p, opaque, event.TokenInvalid, true)
			if row := p.session(); row.EndReason != store.EndRevoked || !row.EndsAt.Equal(p.clock.Now()) || v.ClientUserID != "u1" {
				t.Errorf("%+v, %+v", row, v)
			}
			p.clock.Advance(time.Minute)
			verdictOf(t, p, opaque, event.TokenInvalid, true)
			if row := p.session(); !row.EndsAt.Equal(p.clock.Now().Add(-time.Minute)) {
				t.Errorf("it ended twice: %+v", row)
			}
		})
	}
}

func TestClosedSessionNeedsNoService(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, nil))
	row := p.opened()
	row.ClosedAt, row.Status = p.clock.Now(), "SUCCESS"
	if err := p.store.Update(t.Context(), func(tx store.Tx) error { return tx.SaveSession(row) }); err != nil {
		t.Fatal(err)
	}
	p.server.now(says(t, map[string]any{"sub": "u2"})) // whoever has it now: the session was u1's
	if v := verdictOf(t, p, opaque, event.TokenInvalid, true); v.ClientUserID != "u1" {
		t.Errorf("%+v", v)
	}
	p.server.Close()
	v, err := p.Check(t.Context(), opaque)
	if err != nil || !bytes.Equal(v.Key, row.TokenKey) || v.ClientUserID != "u1" {
		t.Errorf("%+v, %v", v, err)
	}
	wantNetwork(t, p, opaque+"x")
}

func TestTokenThatIsGivenToSomebodyElseIsInvalid(t *testing.T) {
	for name, other := range map[string]map[string]any{
		"another user":                 {"sub": "u2"},
		"another client":               {"client_id": "other"},
		"another user for longer":      {"sub": "u2", "exp": noon.Add(9 * time.Hour).Unix()},
		"another user without an end":  {"sub": "u2", "exp": nil},
		"another user who has expired": {"sub": "u2", "exp": noon.Unix()},
	} {
		t.Run(name, func(t *testing.T) {
			for state, open := range map[string]bool{"seen": false, "session open": true} {
				p := newIntrospectionPlace(t, says(t, nil))
				if verdictOf(t, p, opaque, event.Success, true); open {
					p.opened()
				}
				p.server.now(says(t, other))
				if v := verdictOf(t, p, opaque, event.TokenInvalid, false); v.ClientID != "" || v.ClientUserID != "" {
					t.Errorf("%s: tells whose it was: %+v", state, v)
				}
				p.server.now(says(t, nil)) // given back
				v := verdictOf(t, p, opaque, event.Success, true)
				if v.ClientUserID != "u1" || !v.ExpiresAt.Equal(noon.Add(time.Hour)) {
					t.Errorf("%s: %+v", state, v)
				}
				if open && !p.session().EndsAt.Equal(noon.Add(time.Hour)) {
					t.Errorf("the session ends at %v", p.session().EndsAt)
				}
			}
		})
	}
}

func TestOfTwoOwnersAtOnceTheFirstHasTheToken(t *testing.T) {
	first, second := says(t, nil), says(t, map[string]any{"sub": "u2"})
	var p *introspectionPlace
	p = newIntrospectionPlace(t, func(w http.ResponseWriter, r *http.Request) {
		p.server.now(first)
		verdictOf(t, p, opaque, event.Success, true) // while the other question is on its way
		second(w, r)
	})
	verdictOf(t, p, opaque, event.TokenInvalid, false)
	if v := verdictOf(t, p, opaque, event.Success, true); v.ClientUserID != "u1" {
		t.Errorf("%+v", v)
	}
}

func TestTokenWithoutExpOfASessionIsNobodyElses(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, map[string]any{"exp": nil}))
	p.opened()
	for _, exp := range []any{nil, noon.Add(time.Hour).Unix()} {
		p.server.now(says(t, map[string]any{"sub": "u2", "exp": exp}))
		verdictOf(t, p, opaque, event.TokenInvalid, false)
	}
	p.server.now(sends([]byte(`{"active":false}`)))
	if v := verdictOf(t, p, opaque, event.TokenInvalid, true); v.ClientUserID != "u1" {
		t.Errorf("%+v", v)
	}
}

func TestWhatWasSeenOpensNothingByItself(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, nil))
	local := token.NewLocal(p.store, p.clock)
	made, err := local.Create(t.Context(), token.Request{ClientID: "demo", ClientUserID: "u2", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	p.server.now(sends([]byte(`{"active":false}`)))
	verdictOf(t, p, made.Token, event.TokenInvalid, false) // a token of this installation is none of the service's
	p.server.now(says(t, nil))
	foreign := sdk.Secret(token.Prefix + strings.Repeat("A", 43))
	verdictOf(t, p, foreign, event.Success, true)
	verdictOf(t, local, foreign, event.TokenInvalid, false)
	p.server.Close()
	wantNetwork(t, p, foreign)
}

func TestWhatOneServiceSaidIsNothingToAnother(t *testing.T) {
	p := newIntrospectionPlace(t, says(t, nil))
	verdictOf(t, p, opaque, event.Success, true)
	other := newKeyServer(t, sends([]byte(`{"active":false}`)))
	elsewhere, err := token.NewIntrospection(token.IntrospectionOptions{
		Store: p.store, Clock: p.clock, Endpoint: other.URL, ClientID: "c", TTL: time.Hour,
		Secret: func(context.Context) (sdk.Secret, error) { return "s", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(2 * time.Hour)
	verdictOf(t, elsewhere, opaque, event.TokenInvalid, false)
	p.server.now(sends([]byte(`{"active":false}`)))
	verdictOf(t, p, opaque, event.TokenExpired, true)
}

func TestSecretThatIsNotThereIsToldAsItIs(t *testing.T) {
	missing := errors.New("no secret")
	i, err := token.NewIntrospection(token.IntrospectionOptions{
		Store: newStore(t), Clock: clocktest.New(noon), Endpoint: "http://127.0.0.1:1",
		Secret: func(context.Context) (sdk.Secret, error) { return "", missing },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Check(t.Context(), opaque); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
}
