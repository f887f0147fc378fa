package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// waitLimit is how long a call waits for a refresh by another one: longer than a refresh may take.
	waitLimit = 35 * time.Second
	// waitStored is how long it waits where the stored credential is still valid.
	waitStored = 5 * time.Second
	// waitPause is how often it looks.
	waitPause = 100 * time.Millisecond
	// refreshLease is how long a refresh may hold a row, the start of its provider included, if nobody can tell whether its
	// process lives.
	refreshLease = 60 * time.Second
	// cutGrace is how long a call that has begun goes on when its command is told to end: the source may have replaced the
	// refresh token already.
	cutGrace = 5 * time.Second
	// storeTries is how often the outcome of a refresh is written before its credential is given up.
	storeTries = 3
)

// The codes of the problems of refreshing, and the reasons for which a connection needs to be reconnected; another reason is
// the failure code [failure.Revoked].
const (
	// CodeRefreshInProgress: another process refreshes the credential, and does not end.
	CodeRefreshInProgress problem.Code = "refresh_in_progress"
	// CodeRefreshInterrupted: a refresh was cut off after its request was sent, and the refresh token is not valid any more.
	CodeRefreshInterrupted problem.Code = "refresh_interrupted"
	// CodeExpired: the credential has expired, and nothing can refresh it.
	CodeExpired problem.Code = "credential_expired"
)

// Refresher keeps credentials valid, one call at a time for each connection:
//
//	claim       owner and BegunAt are committed before the call
//	call        the provider refreshes
//	keep        the new credential is committed if the connection still has the version that was claimed; the owner lets go
//
// A call that finds the connection owned waits while the owner lives. After a dead owner, or a call whose result is not known,
// the next call tries once: where the source then says that the refresh token is not valid, the connection needs to be
// reconnected with [CodeRefreshInterrupted]. Only [sdk.Revoked] ends a credential; whatever else fails is tried again after
// a cool-down.
//
// It must not be copied. It is safe for concurrent use.
type Refresher struct {
	Store     store.Store
	Providers provider.Starter
	Settings  provider.Settings
	Liveness  process.Liveness
	Clock     clock.Clock
	// Random is the jitter's; see [retry.Jitter]. Optional.
	Random func() float64
	// Fell is called in the transaction in which a connection comes to need a reconnect: it records the event.
	Fell func(tx store.Tx, c store.Connection) error
	// Wake is called after each such commit.
	Wake func()

	mu sync.Mutex
	// ours are the connections that this process refreshes now.
	ours map[id.Connection]bool
}

// Held is a connection with a credential that is valid now.
type Held struct {
	Connection store.Connection
	// Refreshed: this call refreshed it.
	Refreshed bool
	// Failure is why a credential that was due was not refreshed, while the stored one is still valid; else nil.
	Failure *failure.Failure
}

// Valid returns a connection whose credential is valid for longer than its margin (the smaller of 60 s and a tenth of its
// life), and for atLeast where that is longer; it is refreshed where needed. No provider starts for one that is valid.
//
// Problems: [CodeNotFound], [CodeRefreshInProgress]; for a connection that needs to be reconnected, its reason. A
// [*failure.Failure] is that of a refresh where the stored credential has expired.
func (f *Refresher) Valid(ctx context.Context, con id.Connection, atLeast time.Duration) (Held, error) {
	return f.run(ctx, con, demand{atLeast: atLeast})
}

// demand is what a call asks of a credential.
type demand struct {
	atLeast time.Duration
	// useless is the version of a credential that the caller has no use for; 0 for none.
	useless int64
	// atOnce waits for no cool-down.
	atOnce bool
}

func (d demand) metBy(c store.Connection, now time.Time) bool {
	return c.Version != d.useless && valid(c, d.atLeast, now)
}

func (f *Refresher) run(ctx context.Context, con id.Connection, d demand) (Held, error) {
	w := f.patience()
	defer w.stop()
	for {
		c, err := f.load(ctx, con)
		if err != nil {
			return Held{}, err
		}
		now := f.Clock.Now()
		if d.metBy(c, now) {
			return Held{Connection: c}, nil
		}
		if held, done, err := f.rest(ctx, c, d, now); done || err != nil {
			return held, err
		}
		busy, err := f.busy(c, now)
		if err != nil {
			return Held{}, err
		}
		if !busy {
			if held, done, err := f.refresh(ctx, c); done || err != nil {
				return held, err
			}
			continue
		}
		if w.short && !expired(c, now) && c.Version != d.useless {
			return Held{Connection: c}, nil
		}
		if err := w.pause(ctx); err != nil {
			return Held{}, err
		}
	}
}

// patience is how long a call waits for the refresh of another one.
type patience struct {
	clock         clock.Clock
	limit, stored <-chan time.Time
	stop          func()
	// short: the time is over in which a stored credential is not good enough.
	short bool
}

func (f *Refresher) patience() *patience {
	limit, stopLimit := f.Clock.After(waitLimit)
	stored, stopStored := f.Clock.After(waitStored)
	return &patience{clock: f.Clock, limit: limit, stored: stored, stop: func() { stopLimit(); stopStored() }}
}

// pause waits until the row is to be read again.
func (w *patience) pause(ctx context.Context) error {
	pause, stop := w.clock.After(waitPause)
	defer stop()
	select {
	case <-pause:
		return nil
	case <-w.stored:
		w.short = true
		return nil
	case <-w.limit:
		return problem.New(CodeRefreshInProgress, "another process has been refreshing the credential for longer than %s", waitLimit).
			Hint("try again when it has ended; a process that is stopped must be continued or killed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *Refresher) load(ctx context.Context, con id.Connection) (c store.Connection, err error) {
	err = f.Store.View(ctx, func(tx store.Tx) error {
		c, err = tx.Connection(con)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && c.State == store.ConnectionDisconnected {
		return c, notFound(c, con)
	}
	if err != nil {
		return c, fmt.Errorf("read a connection: %w", err)
	}
	return c, c.Damaged
}

func notFound(c store.Connection, con id.Connection) error {
	if c.State == store.ConnectionDisconnected {
		return problem.New(CodeNotFound, "connection %s is disconnected", con).Hint("see: humanconnect connection show %s", con)
	}
	return problem.New(CodeNotFound, "connection %s not found", con).Hint("see: humanconnect connection list")
}

// rest ends a call for a connection that is not to be refreshed now: it needs to be reconnected, nothing can refresh it, or it
// cools down. What is stored is returned while it is valid.
func (f *Refresher) rest(ctx context.Context, c store.Connection, d demand, now time.Time) (held Held, done bool, err error) {
	var failed *failure.Failure
	switch {
	case c.State == store.ConnectionNeedsReconnect:
		return Held{}, true, needsReconnect(c)
	case !c.CanRefresh && expired(c, now):
		c, err = f.fall(ctx, c, CodeExpired)
		if err == nil && c.State == store.ConnectionNeedsReconnect {
			err = needsReconnect(c)
		}
		return Held{}, err != nil, err
	case !c.CanRefresh:
		failed = failure.New(failure.NotSupported, "the source gives nothing to refresh the credential with")
	case coolsDown(c, now) && !d.atOnce:
		failed = cooling(c, now)
	default:
		return Held{}, false, nil
	}
	return heldOr(c, failed, now)
}

// heldOr ends a call whose refresh failed or was not made: with the stored credential while it is valid.
func heldOr(c store.Connection, failed *failure.Failure, now time.Time) (Held, bool, error) {
	if expired(c, now) {
		return Held{}, true, failed
	}
	return Held{Connection: c, Failure: failed}, true, nil
}

// cooling is the failure of the last refresh, whose cool-down is not over.
func cooling(c store.Connection, now time.Time) *failure.Failure {
	f := failure.New(problem.Code(c.Refresh.Error), "the last refresh failed; the next one is made after %s, or by connection check",
		c.Refresh.NextAt.Format(time.RFC3339))
	f.RetryAfter = c.Refresh.NextAt.Sub(now)
	return f
}

func needsReconnect(c store.Connection) error {
	what := map[problem.Code]string{
		CodeRefreshInterrupted: "a refresh was interrupted, and the refresh token is no longer valid",
		CodeExpired:            "the credential has expired, and the source gives nothing to refresh it with",
	}[problem.Code(c.Reason)]
	if what == "" {
		what = "the credential is no longer valid at the source"
	}
	return problem.New(problem.Code(c.Reason), "%s", what).Fact("connection: %s", c.ID).Fact("state: %s", store.ConnectionNeedsReconnect).
		Hint("the person must connect it again: humanconnect open --connect %s", c.ID)
}

// busy says whether somebody refreshes a connection who lives, in this process too.
func (f *Refresher) busy(c store.Connection, now time.Time) (bool, error) {
	switch {
	case c.Refresh.Owner == "":
		return false, nil
	case c.Refresh.Owner == f.Liveness.Self():
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.ours[c.ID], nil
	}
	alive, err := f.Liveness.Alive(c.Refresh.Owner)
	if err != nil {
		return now.Before(c.Refresh.LeaseUntil), nil //nolint:nilerr // where nobody can tell, the lease decides
	}
	return alive, nil
}

// refresh refreshes a connection that nobody works on. Not done: the row has changed since it was read.
func (f *Refresher) refresh(ctx context.Context, read store.Connection) (Held, bool, error) {
	if !f.take(read.ID) {
		return Held{}, false, nil
	}
	defer f.letGo(read.ID)
	claimed, ok, err := f.claim(context.WithoutCancel(ctx), read)
	if err != nil || !ok {
		return Held{}, false, err
	}
	t := try{claimed: claimed, interrupted: !read.Refresh.BegunAt.IsZero()}
	t.got, t.called, t.failed = f.call(ctx, claimed)
	t.cut = ctx.Err() != nil
	now, err := f.keep(context.WithoutCancel(ctx), t)
	if err != nil {
		return Held{}, true, err
	}
	switch {
	case now.State == store.ConnectionDisconnected:
		return Held{}, true, notFound(now, now.ID)
	case now.State == store.ConnectionNeedsReconnect:
		return Held{}, true, needsReconnect(now)
	case t.failed == nil && now.Version == claimed.Version+1:
		return Held{Connection: now, Refreshed: true}, true, nil
	case now.Version != claimed.Version: // the person connected again meanwhile
		return Held{}, false, nil
	case t.cut:
		return Held{}, true, context.Cause(ctx)
	}
	return heldOr(now, t.failed, f.Clock.Now())
}

func (f *Refresher) take(con id.Connection) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ours[con] {
		return false
	}
	if f.ours == nil {
		f.ours = make(map[id.Connection]bool)
	}
	f.ours[con] = true
	return true
}

func (f *Refresher) letGo(con id.Connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ours, con)
}

// claim makes this process the owner, and commits that a call begins. It fails where the row is not as it was read.
func (f *Refresher) claim(ctx context.Context, read store.Connection) (c store.Connection, ok bool, err error) {
	err = f.Store.Update(ctx, func(tx store.Tx) error {
		ok = false
		if c, err = tx.Connection(read.ID); err != nil {
			return err
		}
		if c.State != store.ConnectionActive || !sameCredential(c, read) || c.Refresh != read.Refresh {
			return nil
		}
		ok = true
		now := f.Clock.Now()
		c.Refresh.Owner, c.Refresh.LeaseUntil, c.Refresh.BegunAt = f.Liveness.Self(), now.Add(refreshLease), now
		return tx.SaveConnection(c)
	})
	if err != nil {
		return c, false, fmt.Errorf("claim a refresh: %w", err)
	}
	return c, ok, nil
}

func sameCredential(a, b store.Connection) bool {
	return a.Version == b.Version && a.RenewedAt.Equal(b.RenewedAt)
}

// call asks the provider to refresh. called says whether a request may have reached the source.
func (f *Refresher) call(ctx context.Context, c store.Connection) (got *sdk.Refreshed, called bool, failed *failure.Failure) {
	settings, err := f.Settings.Settings(ctx, c.Source, c.Provider)
	if err != nil {
		return nil, false, failure.OfSettings(err)
	}
	p, err := f.Providers.Provider(ctx, c.Provider, c.Source)
	if err != nil {
		return nil, false, failure.Of(err)
	}
	refresher, can := p.(sdk.Refresher)
	if !can {
		return nil, false, failure.New(failure.NotSupported, "the provider does not refresh")
	}
	calling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		grace, stopGrace := f.Clock.After(cutGrace)
		defer stopGrace()
		select {
		case <-grace:
			stop()
		case <-calling.Done():
		}
	})()
	got, err = refresher.Refresh(calling, requestOf(c, settings))
	if err != nil {
		return nil, true, failure.Of(err)
	}
	return got, true, nil
}

func requestOf(c store.Connection, settings sdk.Settings) *sdk.CredentialRequest {
	return &sdk.CredentialRequest{
		Source: c.Source, Settings: settings, Account: sdk.Account{ID: c.AccountID, Label: c.AccountLabel},
		Credential: sdk.Credential{
			Data: sdk.Secret(c.Credential), MediaType: c.MediaType, ExpiresAt: c.CredentialExpiresAt, ReconnectBy: c.ReconnectBy,
		},
	}
}
