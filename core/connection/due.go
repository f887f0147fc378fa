package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// dueAtOnce is how many refreshes one call makes at the same time.
const dueAtOnce = 8

// Outcome is what came of one due refresh.
type Outcome string

// The outcomes.
const (
	OutcomeRefreshed      Outcome = "refreshed"
	OutcomeNeedsReconnect Outcome = "needs_reconnect"
	// OutcomeFailed: it passes, and is tried again after a cool-down.
	OutcomeFailed Outcome = "failed"
	// OutcomeElsewhere: another process has done it, or does it now.
	OutcomeElsewhere Outcome = "elsewhere"
	// OutcomeCut: the call was told to end before this one was done.
	OutcomeCut Outcome = "cut"
)

// DueResult is what came of the refresh of one connection.
type DueResult struct {
	Connection id.Connection
	Outcome    Outcome
	// Code is the reason or the failure code, and Message says it in a sentence; "" for one that was refreshed.
	Code    problem.Code
	Message string
}

// RefreshDue refreshes every connection whose credential has expired or is within its margin, eight at once, limit at most
// (0: all). It returns what came of each, in no order. When ctx ends, what has begun is finished within its grace, and the
// results so far are returned with the cause of ctx.
func (f *Refresher) RefreshDue(ctx context.Context, limit int) ([]DueResult, error) {
	var due []store.Connection
	err := f.Store.View(ctx, func(tx store.Tx) (err error) {
		due, err = tx.DueRefreshes(f.Clock.Now(), limit)
		return err
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("look for credentials that are due: %w", err)
	}
	results := make([]DueResult, len(due))
	errs := make([]error, len(due))
	room := make(chan struct{}, dueAtOnce)
	var work sync.WaitGroup
	for i, c := range due {
		results[i] = DueResult{Connection: c.ID, Outcome: OutcomeCut}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		work.Go(func() {
			defer func() { <-room }()
			results[i], errs[i] = f.refreshOne(ctx, c)
		})
	}
	work.Wait()
	return results, errors.Join(errors.Join(errs...), context.Cause(ctx))
}

// refreshOne returns an error of the store, and none for a refresh that failed.
func (f *Refresher) refreshOne(ctx context.Context, c store.Connection) (DueResult, error) {
	out := DueResult{Connection: c.ID, Outcome: OutcomeRefreshed}
	held, err := f.Valid(ctx, c.ID, 0)
	var failed *failure.Failure
	p := (*problem.Problem)(nil)
	switch {
	case err == nil && held.Failure != nil:
		out.Outcome, out.Code, out.Message = OutcomeFailed, held.Failure.Code, held.Failure.Message
	case err == nil && !held.Refreshed:
		out.Outcome = OutcomeElsewhere
	case err == nil:
	case ctx.Err() != nil:
		out.Outcome = OutcomeCut
	case errors.As(err, &failed):
		out.Outcome, out.Code, out.Message = OutcomeFailed, failed.Code, failed.Message
	case errors.As(err, &p):
		out.Code, out.Message = p.Code(), p.Message()
		switch p.Code() {
		case CodeRefreshInProgress, CodeNotFound:
			out.Outcome = OutcomeElsewhere
		case failure.Revoked, CodeRefreshInterrupted, CodeExpired:
			out.Outcome = OutcomeNeedsReconnect
		default:
			return out, err
		}
	default:
		return out, err
	}
	return out, nil
}
