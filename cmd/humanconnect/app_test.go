package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
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
	signals := newSignals(context.Background())
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

func TestPathsFollowFlagThenVariableThenXDG(t *testing.T) {
	tests := []struct {
		name, flag string
		vars       map[string]string
		want       string
	}{
		{"default", "", nil, "/home/anna/.local/state/humanconnect"},
		{"xdg", "", map[string]string{"XDG_STATE_HOME": "/s"}, "/s/humanconnect"},
		{"a relative xdg is ignored", "", map[string]string{"XDG_STATE_HOME": "s"}, "/home/anna/.local/state/humanconnect"},
		{"variable", "", map[string]string{"XDG_STATE_HOME": "/s", "HUMANCONNECT_STATE_DIR": "/v"}, "/v"},
		{"flag", "f/../g", map[string]string{"HUMANCONNECT_STATE_DIR": "/v"}, "/cwd/g"},
		{"no home", "", map[string]string{"HOME": ""}, "no_home"},
		{"a relative home", "", map[string]string{"HOME": "home"}, "no_home"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestApp(t)
			a.global.stateDir = tt.flag
			for name, value := range tt.vars {
				a.vars[name] = value
			}
			got, err := a.stateDir()
			if err != nil {
				got = codeOf(err)
			}
			if got != tt.want {
				t.Errorf("stateDir() = %q, want %q", got, tt.want)
			}
		})
	}
	a := newTestApp(t)
	for want, dir := range map[string]func() (string, error){
		"/home/anna/.local/share/humanconnect": a.dataDir,
		"/home/anna/.config/humanconnect":      a.configDir,
	} {
		if got, err := dir(); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestNobodyIsAskedUnattended(t *testing.T) {
	for _, tt := range []struct {
		ci      string
		noInput bool
		want    bool
	}{{"", false, false}, {"", true, true}, {"true", false, true}, {"1", false, true}, {"false", false, false}, {"0", false, false}} {
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
