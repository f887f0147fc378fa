package token

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/internal/atomicfile"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// lockPoll is how often a process looks whether another has read the keys.
const lockPoll = 10 * time.Millisecond

// keptKeys are the keys of a service and when they were read. Nobody changes them; a nil one is neither fresh nor usable.
type keptKeys struct {
	URL  string    `json:"url"`
	ETag string    `json:"etag,omitempty"`
	Text []byte    `json:"text"`
	Read time.Time `json:"read"`
	// Fresh and Stale are until when the keys are used without asking, and where asking goes wrong.
	Fresh time.Time `json:"fresh"`
	Stale time.Time `json:"stale"`
	// Renewed is when an unknown key last caused a reading; RenewFailed says that it went wrong.
	Renewed     time.Time `json:"renewed"`
	RenewFailed bool      `json:"renewFailed,omitempty"`
	// RenewInvalid: it went wrong in a way that does not heal by itself.
	RenewInvalid bool `json:"renewInvalid,omitempty"`

	set *keySet
}

// fresh says whether the keys are used without asking. A time that no answer of the service can have given, nor
// [keptKeys.postponed], was not written by this program, or is damaged.
func (k *keptKeys) fresh(now time.Time) bool {
	return k.known(now) && now.Before(k.Fresh) &&
		(!k.Fresh.After(k.Read.Add(maxFresh)) || !k.Fresh.After(now.Add(renewEvery)))
}

// usable says whether the keys are used where asking goes wrong.
func (k *keptKeys) usable(now time.Time) bool {
	return k.known(now) && now.Before(k.Stale) && now.Before(k.Read.Add(maxFresh+maxStale))
}

// known is false for keys of a time that is yet to come: some clock was wrong, and nothing is known of their age.
func (k *keptKeys) known(now time.Time) bool { return k != nil && !now.Add(skew).Before(k.Read) }

// postponed are the same keys, used without asking for a while, because asking goes wrong.
func (k *keptKeys) postponed(now time.Time) *keptKeys {
	next := *k
	if next.Fresh = now.Add(renewEvery); next.Fresh.After(k.Stale) {
		next.Fresh = k.Stale
	}
	return &next
}

// renewed are the same keys after an unknown one caused a reading, which failed with err or went well.
func (k *keptKeys) renewed(now time.Time, err error) *keptKeys {
	next := *k
	next.Renewed, next.RenewFailed, next.RenewInvalid = now, err != nil, problem.Is(err, CodeJWKS)
	return &next
}

// keptFile keeps keys for the next process. Whatever goes wrong with it counts as having no file. The zero value is none.
type keptFile struct{ path, url string }

// lock waits for its turn among the processes, at most for the limit, and returns what ends the turn.
func (f keptFile) lock(ctx context.Context, limit time.Duration) func() {
	if f.path == "" || os.MkdirAll(filepath.Dir(f.path), 0o700) != nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(f.path+".lock", flock.SetPermissions(0o600))
	_, _ = lock.TryLockContext(ctx, lockPoll)
	return func() { _ = lock.Close() }
}

// read returns nil for a file that is not there or not of this service.
func (f keptFile) read() *keptKeys {
	if f.path == "" {
		return nil
	}
	text, err := os.ReadFile(f.path)
	var k keptKeys
	if err != nil || json.Unmarshal(text, &k) != nil || k.URL != f.url {
		return nil
	}
	if k.set, err = readKeySet(k.Text, k.Read); err != nil {
		return nil
	}
	return &k
}

// write puts a whole file in the place of the old one.
func (f keptFile) write(k *keptKeys) {
	if f.path == "" {
		return
	}
	out := *k
	out.URL = f.url
	text, err := json.Marshal(out)
	if err != nil {
		return
	}
	_ = atomicfile.Replace(f.path, text, 0o600)
}
