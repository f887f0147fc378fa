package browser

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/core/session"
)

// patience is how long a test waits for what should come soon.
const patience = 30 * time.Second

// script is a command of the test, which stands in a directory with a blank-free path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "open-it")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFirstCommandOfTheListThatIsThereOpensTheBrowser(t *testing.T) {
	there := script(t, "")
	for given, want := range map[string]string{
		"":                           "",
		there + " -new %s":           there + " -new %s",
		"/absent:" + there + " -x":   there + " -x",
		"/absent: :" + there + ":sh": there,
		"/absent:/absent-too":        "/absent:/absent-too",
		there + " --at=10:30 -x":     there + " --at=10:30 -x",
		"/absent --at=1:" + there:    there,
	} {
		if got := CommandOf(given); got != want {
			t.Errorf("%q: %q, not %q", given, got, want)
		}
	}
}

func TestBrowserGetsTheLinkAndNothingOfOurEnvironment(t *testing.T) {
	for args, want := range map[string]string{
		"":                 "LINK",
		" -new":            "-new LINK",
		" -a %s -b":        "-a LINK -b",
		" --url=%s --x=%s": "--url=LINK --x=LINK",
	} {
		out := filepath.Join(t.TempDir(), "got")
		a := apptest.New(t)
		a.Vars["OUT"], a.Vars["HUMANCONNECT_SESSION_TOKEN"] = out, "s3cret"
		b := &Browser{app: a.App, command: script(t, `echo "$*|$HUMANCONNECT_SESSION_TOKEN" > "$OUT".part; mv "$OUT".part "$OUT"`) + args}
		a.Vars["PATH"] = os.Getenv("PATH")
		failed := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the browser outlives what opened it
		if err := b.launch(ctx, "LINK", func(err error) { failed <- err }); err != nil {
			t.Fatal(err)
		}
		if got := readSoon(t, out, failed); got != want+"|\n" {
			t.Errorf("%q: it got %q", args, got)
		}
	}
}

// readSoon reads a file that a command is about to write.
func readSoon(t *testing.T, path string, failed <-chan error) string {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		if text, err := os.ReadFile(path); err == nil {
			return string(text)
		}
		select {
		case err := <-failed:
			t.Fatal(err)
		case <-limit:
			t.Fatal("it writes nothing")
		case <-tick.C:
		}
	}
}

func TestBrowserThatDoesNotStartSaysWhyWithoutItsPath(t *testing.T) {
	a := apptest.New(t)
	for command, says := range map[string]string{
		"/home/ann/absent":    "absent: no such file",
		"humanconnect-absent": "humanconnect-absent: executable file not found",
		"%s":                  "no command",
		" ":                   "no command",
	} {
		err := (&Browser{app: a.App, command: command}).launch(t.Context(), "LINK", nil)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "ann/") || strings.Contains(err.Error(), "LINK") {
			t.Errorf("%q: %v", command, err)
		}
	}
	failed := make(chan error, 1)
	b := &Browser{app: a.App, command: script(t, "exit 3")}
	if err := b.launch(t.Context(), "LINK", func(err error) { failed <- err }); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if err.Error() != "open-it: exit status 3" {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("nobody learns that it failed")
	}
}

func TestFallbackIsShownOnceAndNotAfterTheEnd(t *testing.T) {
	var shown, hidden int
	f := &fallback{show: func(error) func() { shown++; return func() { hidden++ } }}
	f.begin(errors.New("x"))
	f.begin(errors.New("y"))
	if f.end(); shown != 1 || hidden != 1 {
		t.Errorf("shown %d times, hidden %d", shown, hidden)
	}
	f.begin(errors.New("z"))
	late := &fallback{show: f.show}
	late.end()
	if late.begin(errors.New("x")); shown != 1 {
		t.Error("shown after the end")
	}
}

func TestLinesAreReadWhereAPersonCanPasteThem(t *testing.T) {
	if (*pasteReader)(nil).ready() {
		t.Error("nobody can paste there")
	}
	a := apptest.New(t)
	a.IO.In = strings.NewReader("\n  one \n\ntwo")
	if newPasteReader(a.App, false).ready() {
		t.Error("standard input was not asked for")
	}
	p := newPasteReader(a.App, true)
	if !p.ready() || p.terminal {
		t.Fatal("standard input was asked for")
	}
	var got []string
	for line, ok := p.next(t.Context()); ok; line, ok = p.next(t.Context()) {
		got = append(got, line)
	}
	if !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("read %q", got)
	}
}

func TestURLIsShownWholeAndClean(t *testing.T) {
	long := "https://source.example/?x=" + strings.Repeat("a", session.MaxURL-30)
	if got := CleanURL(long); got != long {
		t.Errorf("%d of %d bytes are shown", len(got), len(long))
	}
	if got := CleanURL("https://source.example/\x1b[2J\n"); strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("shown: %q", got)
	}
}

func TestNoBrowserIsANilThatDoesNothing(t *testing.T) {
	a := apptest.New(t)
	b := New(Options{App: a.App})
	if b != nil {
		t.Fatalf("a call without terminal and BROWSER has %+v", b)
	}
	b.SetProgress(nil)
	b.Close()
	if b.Redirects() != nil {
		t.Error("it listens")
	}
	a.Vars["BROWSER"] = "sh"
	if with := New(Options{App: a.App, NoBrowser: true}); with == nil || with.command != "" || with.pasted == nil {
		t.Errorf("with --no-browser: %+v", with)
	}
	if with := New(Options{App: a.App, Screens: true}); with == nil || with.command != "sh" || with.pasted != nil {
		t.Errorf("on screens: %+v", with)
	}
	a.NoInput = true
	if with := New(Options{App: a.App}); with == nil || with.pasted != nil {
		t.Errorf("with --no-input: %+v", with)
	}
}
