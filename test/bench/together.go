package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// together is how many run at once on the side that others are compared with.
	together = 4
	// eachTogether is how many opens each of those that run at once makes, and leastTogether how many all make at least.
	eachTogether  = 2
	leastTogether = 100
	// maxPairsTogether bounds the pairs of these rows: each is some hundred opens.
	maxPairsTogether = 3
)

// crowd is what came of opens that ran at once.
type crowd struct {
	mu      sync.Mutex
	slowest time.Duration
	cpu     time.Duration
	opens   int
	failed  []error
}

// together times short opens, so many at once on one state, beside four at once. The time is that of all by their number.
func (w *world) together(n int) measurement {
	name := fmt.Sprintf("%d `open --connect sandbox-instant` at once", n)
	return measurement{name, func(ctx context.Context, runs int) (row, error) {
		var many, few crowd
		c, err := compare(ctx, w.crowd(name+", each", n, &many), w.crowd(fmt.Sprintf("%d at once, each", together), together, &few), min(runs, maxPairsTogether))
		if len(many.failed) > 0 {
			err = errors.Join(err, fmt.Errorf("%d of %d failed, the first: %w", len(many.failed), many.opens, many.failed[0]))
		}
		if err != nil {
			return row{}, err
		}
		c.what += fmt.Sprintf("; slowest %s, CPU of each %s beside %s", short(many.slowest), short(many.each()), short(few.each()))
		return row{comparison: c, aim: 1.25, rate: true}, nil
	}}
}

func (c *crowd) each() time.Duration { return c.cpu / time.Duration(max(c.opens, 1)) }

func (w *world) crowd(name string, n int, into *crowd) action {
	var tokens []sdk.Secret
	dir := filepath.Join(w.dir, "state-together")
	prepare := func(ctx context.Context) (err error) {
		tokens, err = newTokens(ctx, dir, max(leastTogether, n*eachTogether))
		return err
	}
	return action{name: name, prepare: prepare, run: func(ctx context.Context) (sample, error) {
		next := make(chan sdk.Secret, len(tokens))
		for _, t := range tokens {
			next <- t
		}
		close(next)
		began := time.Now()
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				for t := range next {
					w.openOne(ctx, dir, t, into)
				}
			})
		}
		all.Wait()
		return sample{wall: time.Since(began) / time.Duration(len(tokens))}, ctx.Err()
	}}
}

func (w *world) openOne(ctx context.Context, dir string, t sdk.Secret, into *crowd) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	c := exec.CommandContext(ctx, w.path("humanconnect"), "--config", "none", "--state-dir", dir, "open", "--token", "-", "--connect", "sandbox-instant")
	c.Dir, c.Env, c.Stdin = w.dir, w.env, bytes.NewReader([]byte(t.Reveal()))
	var said capped
	c.Stderr = &said
	began := time.Now()
	err := c.Run()
	took := time.Since(began)
	into.mu.Lock()
	defer into.mu.Unlock()
	into.opens++
	into.slowest = max(into.slowest, took)
	if err != nil {
		into.failed = append(into.failed, fmt.Errorf("%w\n%s", err, said.text))
	}
	if s := c.ProcessState; s != nil {
		into.cpu += s.UserTime() + s.SystemTime() // with those of its provider, which it awaited
	}
}

// newTokens makes tokens of new users.
func newTokens(ctx context.Context, dir string, n int) (_ []sdk.Secret, err error) {
	st, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	made := make([]sdk.Secret, n)
	for i := range made {
		t, err := token.NewLocal(st, clock.System()).Create(ctx, token.Request{
			ClientID: "bench", ClientUserID: fmt.Sprintf("together-%d-%d", time.Now().UnixNano(), i), TTL: time.Hour,
		})
		if err != nil {
			return nil, err
		}
		made[i] = t.Token
	}
	return made, nil
}
