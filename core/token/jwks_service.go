package token

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
)

const (
	// Keys are read anew after the max-age of their answer, within these bounds.
	minFresh     = time.Minute
	defaultFresh = 15 * time.Minute
	maxFresh     = 24 * time.Hour
	// maxStale is how much longer they are used while the service cannot be asked.
	maxStale = 24 * time.Hour
	// renewEvery is how often unknown keys may cause a reading, and a service that fails is asked again.
	renewEvery = time.Minute
)

// keyService has the keys that a service publishes:
//
//	     ┌── max-age ──┐┌── 24 h ─────────────────────────────────┐
//	read │ used        ││ read anew, and used where that goes wrong │ not used
//
// An unknown key causes a reading at any time, but not twice in a minute. Keys are kept in memory and in a file of the
// state, whose lock makes all processes together ask as seldom as one would. Keeping them is a courtesy: where the file
// cannot be used, the service is asked.
type keyService struct {
	*service
	clock clock.Clock
	file  keptFile

	// asking holds whoever asks the service: one at a time.
	asking chan struct{}
	// mu guards the rest.
	mu   sync.Mutex
	kept *keptKeys
	// failures counts the readings that went wrong, and failure is the last one.
	failures int
	failure  error
}

var _ keySource = (*keyService)(nil)

func newKeyService(address *url.URL, o JWTOptions) *keyService {
	s := &keyService{service: newService("the key set", CodeJWKS, address, o.Timeout), clock: o.Clock, asking: make(chan struct{}, 1)}
	if o.CacheDir != "" {
		name := "jwks-" + hex.EncodeToString(digest("jwks", o.JWKS)[:8]) + ".json"
		s.file = keptFile{path: filepath.Join(o.CacheDir, name), url: o.JWKS}
	}
	return s
}

func (s *keyService) get(ctx context.Context) (*keySet, bool, error) {
	s.mu.Lock()
	kept := s.kept
	s.mu.Unlock()
	if kept.fresh(s.clock.Now()) {
		return kept.set, false, nil
	}
	var asked bool
	kept, err := s.change(ctx, func(ctx context.Context, k *keptKeys, now time.Time) (*keptKeys, error) {
		if k.fresh(now) {
			return k, nil
		}
		next, err := s.read(ctx, k)
		if asked = err == nil; k.usable(now) && s.blames(err) {
			return k.postponed(now), nil
		}
		return next, err
	})
	if err != nil {
		return nil, false, err
	}
	return kept.set, asked, nil
}

// renew tells of a service that cannot be asked rather than of an unknown key: the token may be of a new one.
func (s *keyService) renew(ctx context.Context, old *keySet, fresh bool) (*keySet, error) {
	var failure error
	kept, err := s.change(ctx, func(ctx context.Context, k *keptKeys, now time.Time) (*keptKeys, error) {
		switch {
		case k == nil:
			k = &keptKeys{set: old, Read: old.readAt}
		case k.Read.After(old.readAt):
			return k, nil
		case fresh:
			return k.renewed(now, nil), nil
		case recently(k.Renewed, now):
			if k.RenewFailed {
				failure = s.failedBefore(k.RenewInvalid)
			}
			return k, nil
		}
		next, err := s.read(ctx, k)
		switch {
		case s.blames(err):
			failure = err
			return k.renewed(now, err), nil
		case err != nil: // a caller gave up; nothing is known of the key
			return nil, err
		}
		return next.renewed(now, nil), nil
	})
	if err == nil {
		err = failure
	}
	if err != nil {
		return nil, err
	}
	return kept.set, nil
}

// changes turn what is kept into what is kept from now on, while ctx lasts.
type changes func(ctx context.Context, k *keptKeys, now time.Time) (*keptKeys, error)

// change lets f change what is kept, in memory or in the file. One f runs at a time, in this process and, as far as the
// file can be locked, in all. Who waited while another one of this process failed gets that failure. The wait counts
// towards the limit of a question: half of it is given to other processes.
func (s *keyService) change(ctx context.Context, f changes) (*keptKeys, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.client.Timeout, s.late())
	defer cancel()
	s.mu.Lock()
	failures := s.failures
	s.mu.Unlock()
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if failure := s.failedSince(failures); failure != nil {
		return nil, failure
	}
	unlock := s.file.lock(ctx, s.client.Timeout/2)
	defer unlock()
	before := s.latest()
	after, err := f(ctx, before, s.clock.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.blames(err) { // and not because a caller gave up
			s.failures, s.failure = s.failures+1, err
		}
		return nil, err
	}
	s.kept = after
	if after != before {
		s.file.write(after)
	}
	return after, nil
}

func (s *keyService) failedSince(failures int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures != failures {
		return s.failure
	}
	return nil
}

// latest returns the later of what this process and the file know; nil if there is nothing.
func (s *keyService) latest() *keptKeys {
	written := s.file.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	if written != nil && (s.kept == nil || written.Read.After(s.kept.Read) || written.Renewed.After(s.kept.Renewed)) {
		return written
	}
	return s.kept
}

// read asks the service for its keys.
func (s *keyService) read(ctx context.Context, old *keptKeys) (*keptKeys, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String(), http.NoBody)
	if err != nil {
		return nil, s.unusable("its URL is invalid")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	if old != nil && old.ETag != "" {
		r.Header.Set("If-None-Match", old.ETag)
	}
	said, err := s.ask(ctx, r)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	next := &keptKeys{Text: said.body, ETag: said.header.Get("ETag"), Read: now}
	switch {
	case said.status == http.StatusNotModified && old != nil && old.ETag != "":
		next.Text, next.ETag = old.Text, old.ETag
	case said.status != http.StatusOK:
		return nil, s.wrongStatus(said.status)
	}
	if next.set, err = readKeySet(next.Text, now); err != nil {
		return nil, s.invalid(err)
	}
	next.Fresh = now.Add(maxAge(said.header.Get("Cache-Control")))
	next.Stale = next.Fresh.Add(maxStale)
	if old != nil {
		next.Renewed, next.RenewFailed, next.RenewInvalid = old.Renewed, false, false
	}
	return next, nil
}

// maxAge reads how long an answer is fresh (RFC 9111 §5.2.2).
func maxAge(cacheControl string) time.Duration {
	age := defaultFresh
	for directive := range strings.SplitSeq(cacheControl, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minFresh
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(age, minFresh), maxFresh)
}

// recently says whether something was done within the last minute; a time that is yet to come does not count.
func recently(at, now time.Time) bool {
	return !at.IsZero() && !now.Before(at) && now.Sub(at) < renewEvery
}
