//go:build linux

package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runLimit is how long any run of the program may take on a slow machine that is busy with other tests.
const runLimit = 90 * time.Second

// home is a user's home: state, config, and places to run the program from.
type home struct{ dir string }

// newHome makes a home without a state; config is the text of its config file, and "" means none.
func newHome(t testing.TB, config string) *home {
	t.Helper()
	dir, err := os.MkdirTemp(root(), "") //nolint:usetesting // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	h := &home{dir: dir}
	if config != "" {
		h.write(t, "humanconnect.yaml", config)
	}
	return h
}

func (h *home) path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

func (h *home) state() string { return h.path("state") }

func (h *home) write(t testing.TB, name, text string) string {
	t.Helper()
	path := h.path(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// place is where runs of one session happen: their working directory, with the directories that they may leave things
// in. Whatever they start has its path in the environment.
type place struct {
	home *home
	dir  string
	// extra is added to the environment.
	extra []string
}

func (h *home) place(t testing.TB, name string) *place {
	t.Helper()
	p := &place{home: h, dir: h.path(name)}
	for _, dir := range []string{p.dir, p.runtime(), p.temp()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *place) runtime() string { return filepath.Join(p.dir, "r") }

func (p *place) temp() string { return filepath.Join(p.dir, "t") }

func (p *place) file(name string) string { return filepath.Join(p.dir, name) }

// command is the program with its arguments, and nothing inherited.
func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	h := p.home
	global := []string{"--state-dir", h.state(), "--config", "none"}
	if _, err := os.Stat(h.path("humanconnect.yaml")); err == nil {
		global[3] = h.path("humanconnect.yaml")
	}
	c := exec.CommandContext(ctx, binary("humanconnect"), append(args, global...)...)
	c.Dir = p.dir
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + p.temp(), "XDG_RUNTIME_DIR=" + p.runtime(),
		"XDG_CONFIG_HOME=" + h.path("config"), "XDG_DATA_HOME=" + h.path("data"), "XDG_STATE_HOME=" + h.path("xdg-state"),
		"HUMANCONNECT_CLIENT_ID=crash",
	}, p.extra...)
	return c
}

// result is what a run ended with.
type result struct {
	code     int
	out, err string
}

// run runs the program to its end.
func (p *place) run(t testing.TB, args ...string) result {
	t.Helper()
	r, err := p.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (p *place) try(args ...string) (result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	c := p.command(ctx, args...)
	var out, said strings.Builder
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return result{code: exitCode(c), out: out.String(), err: said.String()}, err
}

func exitCode(c *exec.Cmd) int {
	if c.ProcessState == nil {
		return -1
	}
	return c.ProcessState.ExitCode()
}

// want runs the program and wants an exit code.
func (p *place) want(t testing.TB, code int, args ...string) result {
	t.Helper()
	r := p.run(t, args...)
	r.want(t, code)
	return r
}

func (r result) want(t testing.TB, code int) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.out, r.err)
	}
}

// read runs a command that prints JSON.
func (p *place) read(t testing.TB, into any, args ...string) {
	t.Helper()
	r := p.want(t, 0, append(args, "-o", "json")...)
	decode(t, r.out, into)
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// user writes a file with a user's id and returns what names it on a command line.
func (p *place) user(t testing.TB, id string) string {
	t.Helper()
	path := p.file("user")
	if err := os.WriteFile(path, []byte(id), 0o600); err != nil {
		t.Fatal(err)
	}
	return "@" + path
}

// token makes a session token for a user and returns what names it on a command line.
func (p *place) token(t testing.TB, user, name string) string {
	t.Helper()
	r := p.want(t, 0, "token", "create", "--client-user-id", p.user(t, user))
	path := p.file(name)
	if err := os.WriteFile(path, []byte(r.out), 0o600); err != nil {
		t.Fatal(err)
	}
	return "@" + path
}

// login answers the forms of a sandbox source.
func login(source, user string) []string {
	return []string{"--answer", source + ".username=" + user, "--answer", source + ".password=password"}
}

// within polls until something holds, and fails the test when it does not in time.
func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	if !poll(limit, holds) {
		t.Fatalf("not within %s: %s", limit, what)
	}
}

func poll(limit time.Duration, holds func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for {
		if holds() {
			return true
		}
		select {
		case <-tick.C:
		case <-late:
			return holds()
		}
	}
}
