package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// keyServer is a service that publishes keys, on a real socket.
type keyServer struct {
	*httptest.Server
	asked atomic.Int32

	mu    sync.Mutex
	serve http.HandlerFunc
}

func newKeyServer(t testing.TB, serve http.HandlerFunc) *keyServer {
	t.Helper()
	s := &keyServer{serve: serve}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		now := s.serve
		s.mu.Unlock()
		now(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) now(serve http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve = serve
}

func (s *keyServer) wantAsked(t testing.TB, n int32) {
	t.Helper()
	if got := s.asked.Swap(0); got != n {
		t.Errorf("asked %d times, want %d", got, n)
	}
}

func sends(body []byte, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write(body)
	}
}

func answersWith(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// hangs sends the start of an answer and then nothing until the caller gives up.
func hangs(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte("{"))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

const impatience = 2 * time.Second

// limitOf is how long the service of a failure is waited for; 0 is the limit of the program.
func limitOf(failure string) time.Duration {
	if failure == "hanging" {
		return impatience
	}
	return 0
}

func wantNetwork(t testing.TB, c token.Checker, tok sdk.Secret) {
	t.Helper()
	wantNoVerdict(t, c, tok, "network")
}

// wantNoVerdict wants an error with a code, which says nothing of the token.
func wantNoVerdict(t testing.TB, c token.Checker, tok sdk.Secret, code problem.Code) {
	t.Helper()
	if v, err := c.Check(t.Context(), tok); problem.CodeOf(err) != code || v.Status != "" || strings.Contains(err.Error(), tok.Reveal()) {
		t.Errorf("got %+v, %v, want %s", v, err, code)
	}
}

// codeOfFailure is network for what of [failures] heals by itself, and else invalid.
func codeOfFailure(name string, invalid problem.Code) problem.Code {
	for _, heals := range []string{"status 500", "status 503", "status 429", "hanging", "cut off"} {
		if strings.HasPrefix(name, heals) {
			return "network"
		}
	}
	return invalid
}

func TestKeysAreReadOnceWhileFresh(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", "public, max-age=600"))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL + "/jwks", Clock: clock})
	server.wantAsked(t, 0)
	for range 100 {
		verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	}
	server.wantAsked(t, 1)
	clock.Advance(10*time.Minute - time.Millisecond)
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 0)
	clock.Advance(time.Millisecond)
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
}

func TestAgeOfKeysHasBounds(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	tok := s.sign(good(map[string]any{"exp": noon.Add(1000 * time.Hour).Unix()}), nil)
	for header, want := range map[string]time.Duration{
		"": 15 * time.Minute, "no-store": time.Minute, "max-age=0": time.Minute, "max-age=3600": time.Hour,
		"max-age=99999999": 24 * time.Hour, "max-age=x": 15 * time.Minute, "max-age=-1": 15 * time.Minute, "MAX-AGE=120": 2 * time.Minute,
	} {
		server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", header))
		clock := clocktest.New(noon)
		j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
		verdictOf(t, j, tok, event.Success, true)
		clock.Advance(want - time.Millisecond)
		verdictOf(t, j, tok, event.Success, true)
		server.wantAsked(t, 1)
		clock.Advance(time.Millisecond)
		verdictOf(t, j, tok, event.Success, true)
		server.wantAsked(t, 1)
	}
}

func TestKeysThatDidNotChangeAreNotSentAgain(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	body := jwks(t, s)
	var unchanged atomic.Int32
	server := newKeyServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sends(body, "ETag", `"v1"`)(w, r)
	})
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	for range 3 {
		verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
		clock.Advance(15 * time.Minute)
	}
	server.wantAsked(t, 3)
	if unchanged.Load() != 2 {
		t.Errorf("%d answers without a body", unchanged.Load())
	}
}

func TestKeyThatIsNewIsReadAtOnce(t *testing.T) {
	old, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "ES256", "k2")
	server := newKeyServer(t, sends(jwks(t, old)))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	verdictOf(t, j, old.sign(good(nil), nil), event.Success, true)
	server.now(sends(jwks(t, old, next)))
	verdictOf(t, j, next.sign(good(nil), nil), event.Success, true)
	verdictOf(t, j, old.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 2)
	server.now(sends(jwks(t, next)))
	clock.Advance(15 * time.Minute)
	verdictOf(t, j, old.sign(good(nil), nil), event.TokenInvalid, false)
	verdictOf(t, j, next.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
}

func TestFloodOfUnknownKeysCausesOneReading(t *testing.T) {
	s, stranger := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", "max-age=3600"))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
	var flood []sdk.Secret
	for i := range 20 {
		flood = append(flood, stranger.sign(good(nil), map[string]any{"kid": fmt.Sprint("x", i)}))
	}
	for range 2 {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() { verdictOf(t, j, flood[i%len(flood)], event.TokenInvalid, false) })
		}
		all.Wait()
		server.wantAsked(t, 1)
		verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
		clock.Advance(time.Minute - time.Millisecond)
		verdictOf(t, j, flood[0], event.TokenInvalid, false)
		server.wantAsked(t, 0)
		clock.Advance(time.Millisecond)
	}
}

func TestFloodOnNothingCausesOneReading(t *testing.T) {
	s, stranger := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	server := newKeyServer(t, sends(jwks(t, s)))
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clocktest.New(noon)})
	bad := stranger.sign(good(nil), nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { verdictOf(t, j, bad, event.TokenInvalid, false) })
	}
	all.Wait()
	// One who came while another read may ask once more, for that minute.
	if n := server.asked.Load(); n > 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestSignatureThatIsWrongCausesNoReading(t *testing.T) {
	s, stranger := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k1")
	server := newKeyServer(t, sends(jwks(t, s)))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	server.wantAsked(t, 1)
	for range 5 {
		clock.Advance(2 * time.Minute) // a key that is not there would be looked for
		verdictOf(t, j, stranger.sign(good(nil), nil), event.TokenInvalid, false)
	}
	server.wantAsked(t, 0)
	verdictOf(t, j, stranger.sign(good(nil), map[string]any{"kid": "k2"}), event.TokenInvalid, false)
	server.wantAsked(t, 1)
}

func TestRefreshDoesNotForgetThatAnUnknownKeyWasLookedFor(t *testing.T) {
	s, stranger := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", "max-age=60"))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true)
	server.now(answersWith(500))
	clock.Advance(50 * time.Second)
	wantNetwork(t, j, stranger.sign(good(nil), nil))
	server.now(sends(jwks(t, s)))
	clock.Advance(10 * time.Second)
	verdictOf(t, j, s.sign(good(nil), nil), event.Success, true) // read anew: they were old
	server.wantAsked(t, 3)
	clock.Advance(50*time.Second - time.Millisecond)
	verdictOf(t, j, stranger.sign(good(nil), nil), event.TokenInvalid, false)
	server.wantAsked(t, 0)
	clock.Advance(time.Millisecond)
	verdictOf(t, j, stranger.sign(good(nil), nil), event.TokenInvalid, false)
	server.wantAsked(t, 1)
}

// failures of a service; none of them says anything about a token.
func failures(t testing.TB, body []byte) map[string]http.HandlerFunc {
	elsewhere := newKeyServer(t, sends(body))
	t.Cleanup(func() {
		if n := elsewhere.asked.Load(); n > 0 {
			t.Errorf("a redirect was followed %d times", n)
		}
	})
	return map[string]http.HandlerFunc{
		"status 500": answersWith(500),
		"status 503": answersWith(503),
		"status 404": answersWith(404),
		"status 429": answersWith(429),
		"status 204": answersWith(204),
		"status 304": answersWith(304),
		"status 503 with the whole answer": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write(body)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"redirect that keeps the method": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"hanging": hangs,
		"10 MB": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body)
			for range 160 {
				_, _ = w.Write([]byte(strings.Repeat(" ", 64<<10)))
			}
		},
		"HTML":     sends([]byte("<html>")),
		"nothing":  sends(nil),
		"null":     sends([]byte("null")),
		"a list":   sends([]byte("[]")),
		"an error": sends([]byte(`{"error":"x"}`)),
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(body)
		},
	}
}

func TestServiceOfKeysThatFails(t *testing.T) {
	s, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	body, both := jwks(t, s), jwks(t, s, next)
	ours, theirs := s.sign(good(nil), nil), next.sign(good(nil), nil)
	all := failures(t, body)
	all["no key"] = sends([]byte(`{"keys":[]}`))
	all["no key that verifies"] = sends(keySetOf(t, changed(s.jwk(), map[string]any{"use": "enc"})))
	for name, failure := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKeyServer(t, failure)
			clock := clocktest.New(noon)
			j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock, Timeout: limitOf(name)})
			want := codeOfFailure(name, "jwks_invalid")
			wantNoVerdict(t, j, ours, want)
			if err := j.Probe(t.Context()); problem.CodeOf(err) != want {
				t.Errorf("the probe says %v", err)
			}
			server.wantAsked(t, 2)
			server.now(sends(body))
			verdictOf(t, j, ours, event.Success, true) // as soon as it works again
			server.wantAsked(t, 1)

			server.now(failure)
			wantNoVerdict(t, j, theirs, want) // perhaps a new key
			server.wantAsked(t, 1)
			wantNoVerdict(t, j, theirs, want)
			server.wantAsked(t, 0)
			verdictOf(t, j, ours, event.Success, true)
			clock.Advance(time.Minute)
			server.now(sends(both))
			verdictOf(t, j, theirs, event.Success, true)
		})
	}
}

func TestKeysAreUsedForADayLongerWhileTheServiceFails(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	server := newKeyServer(t, sends(jwks(t, s), "Cache-Control", "max-age=3600"))
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	tok := s.sign(good(map[string]any{"exp": noon.Add(1000 * time.Hour).Unix()}), nil)
	verdictOf(t, j, tok, event.Success, true)
	server.wantAsked(t, 1)
	server.now(answersWith(500))
	clock.Advance(time.Hour)
	for range 10 {
		verdictOf(t, j, tok, event.Success, true)
	}
	server.wantAsked(t, 1) // once a minute
	clock.Advance(time.Minute)
	verdictOf(t, j, tok, event.Success, true)
	server.wantAsked(t, 1)
	clock.Advance(24*time.Hour - time.Minute - time.Millisecond)
	for range 10 {
		verdictOf(t, j, tok, event.Success, true)
	}
	server.wantAsked(t, 1)
	clock.Advance(time.Millisecond)
	wantNetwork(t, j, tok)
}

func TestServiceOfKeysThatIsNotThere(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	server := newKeyServer(t, sends(jwks(t, s)))
	address := server.URL + "/secret-path?key=s3cret"
	server.Close()
	j := newJWT(t, token.JWTOptions{JWKS: address, Clock: clocktest.New(noon)})
	_, err := j.Check(t.Context(), s.sign(good(nil), nil))
	if problem.CodeOf(err) != "network" || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("%v", err)
	}
}

func TestWhoGivesUpIsNoFailureOfTheService(t *testing.T) {
	s, next := newSigner(t, "EdDSA", "k1"), newSigner(t, "EdDSA", "k2")
	reached := make(chan struct{}, 1)
	slow := func(_ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	}
	server := newKeyServer(t, slow)
	clock := clocktest.New(noon)
	j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clock})
	// givesUp checks a token, and gives up while the service is asked.
	givesUp := func(tok sdk.Secret) {
		t.Helper()
		gone := errors.New("gave up")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { <-reached; cancel(gone) }()
		if v, err := j.Check(ctx, tok); !errors.Is(err, gone) || v.Status != "" {
			t.Errorf("got %+v, %v", v, err)
		}
		server.wantAsked(t, 1)
	}
	works := func(tok sdk.Secret, signers ...*signer) {
		t.Helper()
		server.now(sends(jwks(t, signers...)))
		verdictOf(t, j, tok, event.Success, true)
		server.wantAsked(t, 1)
		server.now(slow)
	}
	ours, theirs := s.sign(good(nil), nil), next.sign(good(nil), nil)
	givesUp(ours) // nothing is known yet
	works(ours, s)
	givesUp(theirs) // a new key is looked for
	works(theirs, s, next)
	clock.Advance(15 * time.Minute)
	givesUp(ours) // what is known is old
	works(ours, s, next)
}

func TestProcessesThatComeAtOnceAskOnce(t *testing.T) {
	s := newSigner(t, "EdDSA", "k1")
	body := jwks(t, s)
	second := make(chan struct{}, 8)
	var asked atomic.Int32
	server := newKeyServer(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			second <- struct{}{}
		}
		select { // time for whoever would not wait
		case <-second:
		case <-time.After(300 * time.Millisecond):
		}
		sends(body)(w, r)
	})
	dir, tok := t.TempDir(), s.sign(good(nil), nil)
	var all sync.WaitGroup
	for range 6 {
		j := newJWT(t, token.JWTOptions{JWKS: server.URL, Clock: clocktest.New(noon), CacheDir: dir})
		all.Go(func() { verdictOf(t, j, tok, event.Success, true) })
	}
	all.Wait()
	server.wantAsked(t, 1)
}
