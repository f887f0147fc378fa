package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// together is how many run at once in the level that the others are compared with.
	together = 4
	// eachTogether is how many opens each of those that run at once makes, and leastTogether how many all make at least.
	eachTogether  = 3
	leastTogether = 128
	// maxRounds bounds the rounds of these rows: each is more than a thousand opens.
	maxRounds = 5
	// memoryEvery is how often the memory of the machine is read.
	memoryEvery = 20 * time.Millisecond
)

// errand is the command that many run at once, each with a token of its own on standard input.
type errand struct {
	what string
	args []string
	env  []string
}

// crowd is so many commands at once, and what came of them in all rounds.
type crowd struct {
	errand
	n       int
	samples []sample

	mu      sync.Mutex
	slowest time.Duration
	cpu     time.Duration
	opens   int
	failed  []error
}

// togetherRows time short opens, 16, 64 and 256 at once on one state, beside four at once: alone, with hooks, and with an
// authorization in a browser.
func (w *world) togetherRows(ctx context.Context, runs int) (rows []row, err error) {
	alone := errand{what: "`open --connect sandbox-instant`", args: []string{"--config", "none", "open", "--token", "-", "--connect", "sandbox-instant"}}
	hooked, closeHooked, err := w.hookedErrand(ctx, alone)
	if err != nil {
		return nil, err
	}
	defer closeHooked()
	authorized, stop, err := w.authorizedErrand(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for i, e := range []errand{alone, hooked, authorized} {
		some, err := w.crowdRows(ctx, e, filepath.Join(w.dir, fmt.Sprint("state-together-", i)), min(runs, maxRounds))
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// hookedErrand is an open with a shell hook and an HTTP hook of its own.
func (w *world) hookedErrand(ctx context.Context, e errand) (errand, func(), error) {
	in, err := newInbox(ctx)
	if err != nil {
		return errand{}, nil, err
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range in.arrived {
		}
	}()
	e.what += " with a shell hook and an HTTP hook"
	e.args = append(slices.Clone(e.args), "--on-connect-source", in.url, "--on-close", "cat > /dev/null")
	return e, func() {
		in.close()
		close(in.arrived)
		<-drained
	}, nil
}

// authorizedErrand is an open of a source that is authorized in a browser, which is a process of its own.
func (w *world) authorizedErrand(ctx context.Context) (errand, func() error, error) {
	issuer, stop, err := w.sandboxServer(ctx)
	if err != nil {
		return errand{}, nil, err
	}
	config := filepath.Join(w.dir, "together.yaml")
	if err := os.WriteFile(config, []byte(trackerConfig(issuer)), 0o600); err != nil {
		return errand{}, nil, errors.Join(err, stop())
	}
	return errand{
		what: "`open --connect sandbox-tracker` (OAuth, a process for the consent)",
		args: []string{"--config", config, "open", "--token", "-", "--connect", trackerSource},
		env:  []string{"BROWSER=" + w.path("humanconnect-sandbox") + " consent"},
	}, stop, nil
}

// crowdRows time an errand at each level. A round runs each level once, so that a slow minute of the machine hits all. The
// time of a sample is that of all commands by their number, its memory the most that the machine had less than before.
func (w *world) crowdRows(ctx context.Context, e errand, dir string, rounds int) ([]row, error) {
	few := &crowd{errand: e, n: together}
	levels := []*crowd{few, {errand: e, n: 16}, {errand: e, n: 64}, {errand: e, n: 256}}
	if err := (&crowd{errand: e, n: together}).round(ctx, w, dir); err != nil { // makes the state and warms up
		return nil, err
	}
	for range rounds {
		for _, level := range levels {
			if err := level.round(ctx, w, dir); err != nil {
				return nil, err
			}
		}
	}
	var rows []row
	for _, many := range levels[1:] {
		if len(many.failed) > 0 {
			return nil, fmt.Errorf("%d of %d opens failed at %d at once, the first: %w", len(many.failed), many.opens, many.n, many.failed[0])
		}
		rows = append(rows, row{
			comparison: comparison{
				what: fmt.Sprintf("%d %s at once, each; slowest %s, CPU of each %s beside %s",
					many.n, e.what, short(many.slowest), short(many.each()), short(few.each())),
				floor: fmt.Sprintf("%d at once, each", few.n), a: many.samples, b: few.samples,
			},
			aim: 1.25, rate: true,
		})
	}
	return rows, nil
}

func (c *crowd) each() time.Duration { return c.cpu / time.Duration(max(c.opens, 1)) }

// round makes new tokens, and opens them all.
func (c *crowd) round(ctx context.Context, w *world, dir string) error {
	tokens, err := newTokens(ctx, dir, max(leastTogether, c.n*eachTogether))
	if err != nil {
		return err
	}
	next := make(chan sdk.Secret, len(tokens))
	for _, t := range tokens {
		next <- t
	}
	close(next)
	used, err := watchMemory()
	if err != nil {
		return err
	}
	began := time.Now()
	var all sync.WaitGroup
	for range c.n {
		all.Go(func() {
			for t := range next {
				c.open(ctx, w, dir, t)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	c.samples = append(c.samples, sample{wall: took / time.Duration(len(tokens)), rss: used()})
	return ctx.Err()
}

func (c *crowd) open(ctx context.Context, w *world, dir string, t sdk.Secret) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	args := append([]string{"--state-dir", dir}, c.args...)
	p := exec.CommandContext(ctx, w.path("humanconnect"), args...)
	p.Dir, p.Env, p.Stdin = w.dir, append(slices.Clone(w.env), c.env...), bytes.NewReader([]byte(t.Reveal()))
	var said capped
	p.Stderr = &said
	began := time.Now()
	err := p.Run()
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opens++
	c.slowest = max(c.slowest, took)
	if err != nil {
		c.failed = append(c.failed, fmt.Errorf("%w\n%s", err, said.text))
	}
	if s := p.ProcessState; s != nil {
		c.cpu += s.UserTime() + s.SystemTime() // with those of its provider, which it awaited
	}
}

// watchMemory looks at the memory that is available until the function is called that returns the most that was in use beside
// what was at the beginning, in bytes.
func watchMemory() (used func() int64, err error) {
	first, err := available()
	if err != nil {
		return nil, err
	}
	least, end, ended := first, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(memoryEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				if now, err := available(); err == nil {
					least = min(least, now)
				}
			case <-end:
				return
			}
		}
	}()
	return func() int64 {
		close(end)
		<-ended
		return first - least
	}, nil
}

// available reads MemAvailable of proc(5), in bytes.
func available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return kibibytes(text, "MemAvailable:")
}

// kibibytes reads a line of proc(5) that has a number of KiB, and returns bytes.
func kibibytes(text []byte, name string) (int64, error) {
	_, rest, found := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("no " + name)
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
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
