package session_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// window is a browser that a test looks into: it keeps the addresses that it was sent to.
type window struct{ opened chan string }

func newWindow() *window { return &window{opened: make(chan string, 4)} }

func (b *window) Open(_ context.Context, _ *session.Attempt, address string, _ func(error)) (func(), error) {
	b.opened <- address
	return func() {}, nil
}

// state waits until the browser is sent off, and returns the state of the address.
func (b *window) state(t *testing.T) string {
	t.Helper()
	select {
	case address := <-b.opened:
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("state")
	case <-time.After(waitLimit):
		t.Fatal("the browser was not opened")
		return ""
	}
}

func callback(pairs ...string) sdk.Callback {
	c := sdk.Callback{}
	for i := 0; i < len(pairs); i += 2 {
		c.Parameters = append(c.Parameters, sdk.Parameter{Name: pairs[i], Value: pairs[i+1]})
	}
	return c
}

// browsing runs a script that meets a browser, and returns once the browser is on its way.
func browsing(t *testing.T, fe *FrontEnd, s *session.Session) (state string, done func() error) {
	t.Helper()
	b := newWindow()
	done = fe.begin(func() error {
		return s.Run(context.Background(), script(connectTo(alpha)), session.Person{Browser: b})
	})
	return b.state(t), done
}

// recordOutcome moves the clock until a call has ended.
func (w *World) settle(t *testing.T, done func() error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- done() }()
	for limit, moves := time.Now().Add(10*time.Second), 0; time.Now().Before(limit); {
		select {
		case err := <-ended:
			return err
		default:
			if w.clock.Waiting() > 0 && moves < 1000 { // far from the end of an attempt
				moves++
				w.clock.Advance(250 * time.Millisecond)
			}
			yield()
		}
	}
	t.Fatal("the call has not ended")
	return nil
}

func TestRedirectConnectsTheSource(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	state, done := browsing(t, fe, s)
	got, err := w.frontEnd().Callback(t.Context(), callback("code", "x", "state", state)) // whichever process it meets
	if err != nil || got.Outcome != session.CallbackAccepted {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha")
	if p, err := fe.Progress(t.Context(), got.Attempt); err != nil || p.State != session.AttemptConnected || p.SourceName != nameOf(alpha) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestStrayRedirectsDisturbNothing(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	state, done := browsing(t, fe, s)
	before := w.attempts(s.ID)[0].Version
	for name, c := range map[string]sdk.Callback{
		"wrong state":           callback("code", "x", "state", state+"x"),
		"no state":              callback("code", "x"),
		"error without a state": callback("error", "access_denied"),
		"nothing":               {},
	} {
		if got, err := fe.Callback(t.Context(), c); err != nil || got.Outcome != session.CallbackStray {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := fe.PasteRedirect(t.Context(), "no address"); err != nil || got.Outcome != session.CallbackNoAddress {
		t.Errorf("pasted nonsense: %+v, %v", got, err)
	}
	if after := w.attempts(s.ID)[0]; after.Version != before || after.State != store.AttemptOpen {
		t.Errorf("a stray redirect has changed the attempt: %+v", after)
	}
	if got, err := fe.PasteRedirect(t.Context(), "http://127.0.0.1/callback?code=x&state="+state); err != nil || got.Outcome != session.CallbackAccepted {
		t.Fatalf("the pasted redirect: %+v, %v", got, err)
	}
	if got, err := fe.Callback(t.Context(), callback("code", "x", "state", state)); err != nil || got.Outcome != session.CallbackStray {
		t.Errorf("a replay: %+v, %v", got, err)
	}
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha")
}

// RFC 9700 §2.1, §4.7: the state cannot be guessed, and is of one attempt.
func TestStateIs256RandomBitsOfOneAttempt(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		w, fe, s := opened(t, connectTo(alpha))
		w.place.next(alpha, play{Browser: true, Account: "ann"})
		state, done := browsing(t, fe, s)
		raw, err := base64.RawURLEncoding.DecodeString(state)
		if err != nil || len(raw) != 32 || seen[state] {
			t.Errorf("state %q of %d bytes: %v", state, len(raw), err)
		}
		seen[state] = true
		if _, err := fe.Callback(t.Context(), callback("code", "x", "state", state)); err != nil {
			t.Fatal(err)
		}
		if err := w.settle(t, done); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOfTwoRedirectsAtOnceOneCounts(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	state, done := browsing(t, fe, s)
	var wg sync.WaitGroup
	outcomes := make([]session.CallbackOutcome, 8)
	for i := range outcomes {
		wg.Go(func() {
			got, err := fe.Callback(t.Context(), callback("code", "x", "state", state))
			if err != nil {
				t.Error(err)
			}
			outcomes[i] = got.Outcome
		})
	}
	wg.Wait()
	accepted := 0
	for _, o := range outcomes {
		if o == session.CallbackAccepted {
			accepted++
		}
	}
	if err := w.settle(t, done); err != nil || accepted != 1 {
		t.Errorf("%d accepted, %v", accepted, err)
	}
	w.wantStory(s, "connect alpha")
}

func TestRedirectIsTakenByTheNextProcess(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	first := w.frontEnd()
	s := first.open(tok, connectTo(alpha))
	state, done := browsing(t, first, s)
	first.kill()
	if err := w.settle(t, done); !errors.Is(err, errDead) {
		t.Fatalf("the dead front end was told %v", err)
	}
	second := w.frontEnd()
	if got, err := second.Callback(t.Context(), callback("code", "x", "state", state)); err != nil || got.Outcome != session.CallbackAccepted {
		t.Fatalf("%+v, %v", got, err)
	}
	again := second.open(tok, connectTo(alpha))
	b := newWindow()
	if err := again.Run(context.Background(), script(connectTo(alpha)), session.Person{Browser: b}); err != nil {
		t.Fatal(err)
	}
	if len(b.opened) > 0 {
		t.Error("the person was sent to the source a second time")
	}
	w.wantStory(again, "connect alpha")
}

func TestNobodyComesBackInTime(t *testing.T) {
	w, fe, s := opened(t, connectTo(alpha))
	w.place.next(alpha, play{Browser: true, Account: "ann"})
	state, done := browsing(t, fe, s)
	w.clock.Advance(16 * time.Minute)
	if err := w.settle(t, done); err != nil {
		t.Fatal(err)
	}
	w.wantStory(s, "connect alpha: attempt_expired")
	if got, err := fe.Callback(t.Context(), callback("code", "x", "state", state)); err != nil || got.Outcome != session.CallbackStray {
		t.Errorf("after the end: %+v, %v", got, err)
	}
}

func TestAddressOfARedirectIsKeptWithItsAttempt(t *testing.T) {
	for name, free := range map[string]bool{"free": true, "taken": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, play{Browser: true, Account: "ann"})
			first := w.frontEnd()
			first.can.Browser, first.redirects = true, &addresses{}
			s := first.open(tok, connectTo(alpha))
			b := newWindow()
			done := first.begin(func() error {
				return s.Run(context.Background(), script(connectTo(alpha)), session.Person{Browser: b})
			})
			state := b.state(t)
			first.kill()
			_ = w.settle(t, done)
			second := w.frontEnd()
			second.can.Browser, second.redirects = true, &addresses{taken: !free}
			again := second.open(tok, connectTo(alpha))
			done = second.begin(func() error {
				return again.Run(context.Background(), script(connectTo(alpha)), session.Person{Browser: b})
			})
			if free {
				if b.state(t) != state {
					t.Error("the next process sends the person off with another state")
				}
				if _, err := second.Callback(t.Context(), callback("code", "x", "state", state)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.settle(t, done); err != nil {
				t.Fatal(err)
			}
			if free {
				w.wantStory(again, "connect alpha")
			} else {
				w.wantStory(again, "connect alpha: "+string(failure.AttemptInterrupted))
			}
		})
	}
}

// addresses hands out the addresses of redirects.
type addresses struct{ taken bool }

func (a *addresses) Bind(_ context.Context, _ source.Source, uri string) (string, error) {
	switch {
	case uri == "":
		return "http://127.0.0.1:40000/callback", nil
	case a.taken:
		return "", errors.New("address in use")
	}
	return uri, nil
}

func TestBrowserIsSentToAHostThatThePersonNamed(t *testing.T) {
	for home, goes := range map[string]bool{
		"https://Home.example:8443":  true,
		"https://*.example:8443":     false,
		"https://me@home.example":    false,
		"not a URL":                  false,
		"https://other.example:8443": false,
	} {
		t.Run(home, func(t *testing.T) {
			step, err := sentHome(t, home)
			switch {
			case !goes:
				wantCode(t, err, failure.SourceError)
			case err != nil:
				t.Error(err)
			default:
				if _, ok := step.(sdk.OpenURL); !ok {
					t.Errorf("the next step is %T", step)
				}
			}
		})
	}
}

// sentHome replies to two forms, the first of which asks for the address that the browser is sent to after the second.
// Between the two the program dies.
func sentHome(t *testing.T, home string) (sdk.Step, error) {
	t.Helper()
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	w.place.next(alpha, play{Forms: 2, Home: "https://home.example:8443/authorize", Account: "ann"})
	first := w.frontEnd()
	typed := map[string]sdk.Secret{"user": "ann", "home": sdk.Secret(home)}
	if _, err := reply(t, first.open(tok, connectTo(alpha)), sdk.FormValues{Values: typed}); err != nil {
		t.Fatal(err)
	}
	first.kill()
	second := w.frontEnd()
	s := second.open(tok, connectTo(alpha))
	p, err := reply(t, s, sdk.FormValues{Values: map[string]sdk.Secret{"user": "ann"}})
	second.close(s)
	w.check() // an attempt that has ended keeps no hosts
	return p.Step, err
}

// reply answers the step that the script's only action waits at.
func reply(t *testing.T, s *session.Session, r sdk.Reply) (session.Prompt, error) {
	t.Helper()
	a, err := s.Connect(t.Context(), alpha, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a.Reply(t.Context(), r)
}

func TestParseRedirectKeepsOrderAndFragment(t *testing.T) {
	c, ok := session.ParseRedirect(" http://127.0.0.1:1/callback?state=a%26b&code=1&code=2#id_token=x \n")
	want := callback("state", "a&b", "code", "1", "code", "2", "id_token", "x")
	if !ok || len(c.Parameters) != len(want.Parameters) {
		t.Fatalf("%+v, %v", c, ok)
	}
	for i := range want.Parameters {
		if c.Parameters[i] != want.Parameters[i] {
			t.Errorf("parameter %d is %+v", i, c.Parameters[i])
		}
	}
	for _, text := range []string{"", "code=1", "/callback?code=1", "http://x/", "::"} {
		if _, ok := session.ParseRedirect(text); ok {
			t.Errorf("%q passes for a redirect", text)
		}
	}
}

func (w *World) attempts(ses id.Session) (rows []store.Attempt) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { rows, err = tx.Attempts(ses); return err })
	return rows
}
