package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// testApp is an App whose outside is all in the test's hands.
type testApp struct {
	*App
	out, err bytes.Buffer
	clock    *clocktest.Fake
	vars     map[string]string
	signals  chan<- os.Signal
}

func newTestApp(t *testing.T, args ...string) *testApp {
	t.Helper()
	a := &testApp{
		clock: clocktest.New(time.Date(2026, 11, 22, 20, 26, 10, 0, time.UTC)),
		vars:  map[string]string{"HOME": "/home/anna"},
	}
	signals := newSignals(context.Background(), 0)
	a.signals = signals.received
	t.Cleanup(signals.Release)
	a.App = &App{
		Args: args,
		Env:  func(name string) (string, bool) { v, ok := a.vars[name]; return v, ok },
		Environ: func() []string {
			var all []string
			for name, value := range a.vars {
				all = append(all, name+"="+value)
			}
			return all
		},
		Streams: Streams{
			In: bytes.NewReader(nil), Out: &a.out, Err: &a.err,
			OpenTerminal: func() (io.ReadWriteCloser, error) { return nil, errors.New("no terminal") },
		},
		Clock: a.clock, Signals: signals,
		Getwd:      func() (string, error) { return "/cwd", nil },
		Executable: func() (string, error) { return "/bin/humanconnect", nil },
		UID:        1000,
	}
	return a
}

// shown returns what config show says of a key, with where it comes from.
func shown(t *testing.T, a *testApp, key string) string {
	t.Helper()
	a.Args = append(a.Args, "config", "show", "-o", "json")
	if code := run(a.App); code != exitOK {
		return a.err.String()
	}
	var entries []config.Entry
	if err := json.Unmarshal(a.out.Bytes(), &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Key == key {
			return e.Value + " from " + e.Origin
		}
	}
	return "nothing"
}

func TestStateDirFollowsFlagThenVariableThenXDG(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		vars map[string]string
		want string
	}{
		{"default", nil, nil, "/home/anna/.local/state/humanconnect from default"},
		{"xdg", nil, map[string]string{"XDG_STATE_HOME": "/s"}, "/s/humanconnect from default"},
		{"a relative xdg is ignored", nil, map[string]string{"XDG_STATE_HOME": "s"}, "/home/anna/.local/state/humanconnect from default"},
		{"variable", nil, map[string]string{"XDG_STATE_HOME": "/s", "HUMANCONNECT_STATE_DIR": "/v"}, "/v from env HUMANCONNECT_STATE_DIR"},
		{"flag", []string{"--state-dir", "f/../g"}, map[string]string{"HUMANCONNECT_STATE_DIR": "/v"}, here + "/g from flag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestApp(t, tt.args...)
			maps.Copy(a.vars, tt.vars)
			if got := shown(t, a, "stateDir"); got != tt.want {
				t.Errorf("stateDir is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestInstalledProvidersAndTheirLockFollowXDG(t *testing.T) {
	a := newTestApp(t)
	for want, dir := range map[string]func() (string, error){
		"/home/anna/.local/share/humanconnect": a.dataDir,
		"/home/anna/.config/humanconnect":      a.configDir,
	} {
		if got, err := dir(); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		for _, home := range []string{"", "home"} {
			a.vars["HOME"] = home
			if _, err := dir(); problem.CodeOf(err) != "no_home" {
				t.Errorf("with HOME=%q: %v", home, err)
			}
		}
		a.vars["HOME"] = "/home/anna"
	}
}

// TestFlagThatWasNotGivenHidesNothing: what a flag would be by default is not what the config says.
func TestFlagThatWasNotGivenHidesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nclientId: file\ntoken: {ttl: 5m}\nstore: {path: state}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   []string
		client string
		ttl    int
	}{
		{nil, "file", 300},
		{[]string{"--ttl", "1h"}, "file", 3600},
		{[]string{"--client-id", "flag", "--ttl", "10m"}, "flag", 600},
	} {
		a := newTestApp(t, append([]string{"--config", file, "token", "create", "-o", "json", "--client-user-id", "ada"}, tt.args...)...)
		a.UID, a.Executable = os.Getuid(), os.Executable
		a.vars["HOME"] = dir
		a.Getwd = os.Getwd
		if code := run(a.App); code != exitOK {
			t.Fatalf("%v: %d %s", tt.args, code, a.err.String())
		}
		var made createdToken
		if err := json.Unmarshal(a.out.Bytes(), &made); err != nil || int(made.ExpiresIn) != tt.ttl {
			t.Errorf("%v: %v %+v", tt.args, err, made)
		}
		a.Args = []string{"--config", file, "token", "inspect", made.SessionToken}
		a.out.Reset()
		if code := run(a.App); code != exitOK || !strings.Contains(a.out.String(), tt.client) {
			t.Errorf("%v: %d %s", tt.args, code, a.out.String())
		}
	}
}

func TestFlagThatSaysNothingIsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--config= config show":                          "--config: is empty",
		"--state-dir= config show":                       "--state-dir: is empty",
		"--state-dir=~/x config show":                    "--state-dir: \"~/x\": ~ is not expanded here; write the path out",
		"open --plan=":                                   "--plan: is empty",
		"token create --client-user-id a --client-id=":   "--client-id: is empty",
		"token create --client-user-id a --ttl=-5s":      "--ttl: \"-5s\" is not longer than nothing",
		"token create --client-user-id a --ttl=10ms":     "--ttl: \"10ms\" is shorter than the least, 1s",
		"token create --client-user-id a --ttl=9999h":    "--ttl: \"9999h0m0s\" is longer than the most, 8760h0m0s",
		"connection list --client-user-id a --client-id": "--client-id wants a value",
	} {
		a := newTestApp(t, strings.Fields(args)...)
		if code := run(a.App); code != exitUsage || !strings.Contains(a.err.String(), "error: "+want+" [usage]") {
			t.Errorf("%s: %d %s", args, code, a.err.String())
		}
	}
}

func TestNobodyIsAskedUnattended(t *testing.T) {
	for _, tt := range []struct {
		ci      string
		noInput bool
		want    bool
	}{
		{"", false, false},
		{"", true, true},
		{"true", false, true},
		{"1", false, true},
		{"yes", false, true},
		{"false", false, false},
		{"0", false, false},
		{"False", false, false},
	} {
		a := newTestApp(t)
		a.vars["CI"], a.global.noInput = tt.ci, tt.noInput
		if got := a.unattended(); got != tt.want {
			t.Errorf("unattended() = %v with %+v", got, tt)
		}
	}
}

func TestProgressShowsOnlyLongWorkToAPerson(t *testing.T) {
	a := newTestApp(t)
	if p := a.startProgress("x"); p != nil {
		t.Error("there is progress without a terminal")
	}
	a.Streams.ErrTerminal = true
	p := a.startProgress("short work")
	p.Done()
	if a.err.Len() > 0 {
		t.Errorf("short work flickered: %q", a.err.String())
	}

	p = a.startProgress("starting providers")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	p.Set("connecting\x1b[2J")
	p.Done()
	if want := eraseLine + "starting providers …" + eraseLine + "connecting"; !bytes.HasPrefix(a.err.Bytes(), []byte(want)) {
		t.Errorf("progress wrote %q, want it to begin with %q", a.err.String(), want)
	}
	if bytes.Contains(a.err.Bytes(), []byte("\x1b[2J")) || !bytes.HasSuffix(a.err.Bytes(), []byte(eraseLine)) {
		t.Errorf("progress wrote %q: it must be clean and erase itself", a.err.String())
	}

	a = newTestApp(t)
	a.Streams.Err, a.Streams.ErrTerminal = &notices{w: &a.err}, true
	p = a.startProgress("waiting")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	a.warn("a hook failed")
	p.Done()
	a.warn("another did")
	want := eraseLine + "waiting …" + eraseLine + "humanconnect: warning: a hook failed\nwaiting …" + eraseLine + "humanconnect: warning: another did\n"
	if a.err.String() != want {
		t.Errorf("a warning and the line are %q, want %q", a.err.String(), want)
	}

	for name, change := range map[string]func(*testApp){
		"quiet": func(a *testApp) { a.global.quiet = true },
		"dumb":  func(a *testApp) { a.vars["TERM"] = "dumb" },
		"json":  func(a *testApp) { a.global.output = outputJSON },
	} {
		a := newTestApp(t)
		a.Streams.ErrTerminal = true
		change(a)
		if a.startProgress("x") != nil {
			t.Errorf("there is progress with %s", name)
		}
	}
	var silent *Progress
	silent.Set("x")
	silent.Done()
}

// waitUntil polls with a limit.
func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	limit := time.After(storyLimit)
	for !ok() {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatal("waited too long")
		}
	}
}
