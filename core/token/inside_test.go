package token

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func newTestedService(limit time.Duration, cacheDir string) *keyService {
	address := &url.URL{Scheme: "https", Host: "auth.example.com"}
	return newKeyService(address, JWTOptions{JWKS: address.String(), Clock: clock.System(), Timeout: limit, CacheDir: cacheDir})
}

// TEST-NET-1 (RFC 5737) stands for what a name of this machine may lead to.
func TestPlainHTTPToAServiceDialsThisMachineAlone(t *testing.T) {
	s := newService("the key set", CodeJWKS, &url.URL{Scheme: "http", Host: "192.0.2.1:9"}, time.Second)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(t.Context(), r); !errors.Is(err, endpoint.ErrPlain) {
		t.Error(err)
	}
}

// crowd lets several change at once, with the first one in f before the others come, and returns their errors.
func crowd(t *testing.T, s *keyService, f func(number int) (*keptKeys, error)) (errs []error) {
	t.Helper()
	release := make(chan struct{})
	asked := 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			_, err := s.change(t.Context(), func(context.Context, *keptKeys, time.Time) (*keptKeys, error) {
				asked++ // one at a time
				if asked == 1 {
					<-release
				}
				return f(asked)
			})
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
		synctest.Wait() // until it asks, or waits for the one that does
	}
	close(release)
	all.Wait()
	return errs
}

func TestWhoWaitsForAQuestionThatFailsDoesNotAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestedService(time.Hour, "")
		asked := 0
		for _, err := range crowd(t, s, func(number int) (*keptKeys, error) { asked = number; return nil, s.unusable("no") }) {
			if problem.CodeOf(err) != problem.CodeNetwork {
				t.Errorf("got %v", err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestWhoWaitsForOneThatGivesUpAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gaveUp := errors.New("gave up")
		failed := 0
		for _, err := range crowd(t, newTestedService(time.Hour, ""), func(number int) (*keptKeys, error) {
			if number == 1 {
				return nil, gaveUp
			}
			return &keptKeys{}, nil
		}) {
			if err != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d failed because one gave up", failed)
		}
	})
}

func TestWaitForAnotherProcessCountsTowardsTheLimit(t *testing.T) {
	const limit = 2 * time.Second
	s := newTestedService(limit, t.TempDir())
	other := flock.New(s.file.path + ".lock")
	if locked, err := other.TryLock(); !locked || err != nil {
		t.Fatalf("%v, %v", locked, err)
	}
	defer other.Close()
	_, err := s.change(t.Context(), func(ctx context.Context, _ *keptKeys, _ time.Time) (*keptKeys, error) {
		end, limited := ctx.Deadline()
		if left := time.Until(end); !limited || left > limit/2 || ctx.Err() != nil {
			t.Errorf("after the wait for another process, %v of %v are left", left, limit)
		}
		return &keptKeys{}, nil
	})
	if err != nil {
		t.Error(err)
	}
}
