package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// sample is one run: how long it took, and the largest memory of the process and of the children that it awaited.
type sample struct {
	wall time.Duration
	rss  int64
}

// action is one thing to measure. prepare runs before each run and is not measured.
type action struct {
	name    string
	prepare func(ctx context.Context) error
	run     func(ctx context.Context) (sample, error)
}

// comparison is what came of two actions that ran in turn.
type comparison struct {
	what, floor string
	a, b        []sample
}

// compare runs A B A B …, so that a slow minute of the machine hits both. The first pair warms up and does not count.
func compare(ctx context.Context, a, floor action, runs int) (comparison, error) {
	c := comparison{what: a.name, floor: floor.name}
	for i := range runs + 1 {
		one, err := once(ctx, a)
		if err != nil {
			return c, err
		}
		other, err := once(ctx, floor)
		if err != nil {
			return c, err
		}
		if i > 0 {
			c.a, c.b = append(c.a, one), append(c.b, other)
		}
	}
	return c, nil
}

func once(ctx context.Context, a action) (sample, error) {
	if a.prepare != nil {
		if err := a.prepare(ctx); err != nil {
			return sample{}, fmt.Errorf("preparing %s: %w", a.name, err)
		}
	}
	s, err := a.run(ctx)
	if err != nil {
		return s, fmt.Errorf("running %s: %w", a.name, err)
	}
	return s, nil
}

// processLimit bounds one run of a process.
const processLimit = time.Minute

// process runs a whole process and drops what it writes to standard output.
func (w *world) process(env []string, path string, args ...string) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		out, err := w.output(ctx, env, w.path("launcher"), append([]string{path}, args...)...)
		if err != nil {
			return sample{}, err
		}
		var nanoseconds, kib int64
		if _, err := fmt.Sscan(string(out), &nanoseconds, &kib); err != nil {
			return sample{}, fmt.Errorf("the launcher said %q: %w", out, err)
		}
		return sample{wall: time.Duration(nanoseconds), rss: kib << 10}, nil
	}
}

// output runs a process and returns what it writes to standard output.
func (w *world) output(ctx context.Context, env []string, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Dir, c.Env = w.dir, env
	var said capped
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.text)
	}
	return out, nil
}

// capped keeps the beginning of what is written.
type capped struct{ text []byte }

func (c *capped) Write(p []byte) (int, error) {
	const most = 4 << 10
	c.text = append(c.text, p[:min(len(p), most-min(most, len(c.text)))]...)
	return len(p), nil
}

func walls(samples []sample) []time.Duration {
	var all []time.Duration
	for _, s := range samples {
		all = append(all, s.wall)
	}
	slices.Sort(all)
	return all
}

func median[T int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ratio is the median of the ratios of the pairs: what is the machine's falls out of it.
func (c comparison) ratio() float64 {
	var ratios []float64
	for i := range c.a {
		ratios = append(ratios, float64(c.a[i].wall)/float64(c.b[i].wall))
	}
	return median(ratios)
}

func (c comparison) maxRSS() (a, b int64) {
	for i := range c.a {
		a, b = max(a, c.a[i].rss), max(b, c.b[i].rss)
	}
	return a, b
}
