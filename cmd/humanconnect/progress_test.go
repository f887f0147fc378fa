package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// configures writes the person's config, and files beside it.
func (p *person) configures(config string, more map[string]string) *person {
	p.t.Helper()
	dir := filepath.Join(p.home, "humanconnect")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		p.t.Fatal(err)
	}
	files := maps.Clone(more)
	files["config.yaml"] = "version: 1\n" + config
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			p.t.Fatal(err)
		}
	}
	return p
}

// interrupts the program, which then says nothing and leaves nothing on the terminal.
func (p *person) interrupts() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	if out := p.ends(exitInterrupted); len(out) > 0 {
		p.t.Errorf("it was interrupted, and printed %s", out)
	}
	p.read.Wait()
	if left := string(p.all()); !strings.HasSuffix(left, eraseLine) || strings.Contains(left, "error:") {
		p.t.Errorf("left on the terminal is %q", left)
	}
}

func TestPersonSeesThatProvidersAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, line string }{
		{"source list", "asking the providers what they offer …"},
		{"source show slow-one", "asking the providers what they offer …"},
		{"config validate", "asking the providers what they offer …"},
		{"provider show slow", "starting the provider …"},
		{"open --connect slow-one", "asking the providers what they offer …"},
		{"doctor", "examining provider slow …"},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).configures("providers:\n  - {name: slow, command: [./slow], dev: true}\n",
				map[string]string{"slow": "#!/bin/sh\nexec sleep 60\n"})
			p.starts(p.program(strings.Fields(tt.command)...)).sees(tt.line).interrupts()
		})
	}
}

func TestPersonSeesWhatOpenWaitsFor(t *testing.T) {
	t.Parallel()
	p := newPerson(t).configures("providers:\n  - {name: slow, command: [./slow], dev: true}\n",
		map[string]string{"slow": "#!/bin/sh\nexec sleep 60\n"})
	p.opens().sees("asking the providers what they offer …").presses(ctrlC)
	p.ends(exitInterrupted)
	p = newPerson(t)
	p.opens("--connect", "sandbox-clinic", "--answer", "sandbox-clinic.username=hang", "--answer", "sandbox-clinic.password=password")
	p.sees("connecting sandbox-clinic …").presses(ctrlC).presses(ctrlC)
	p.ends(exitInterrupted)
}

func TestProgressGivesWayToWhatAPersonTypesAndToOtherWork(t *testing.T) {
	a := newTestApp(t)
	a.Streams.Err, a.Streams.ErrTerminal = &notices{w: &a.err}, true
	draws := func(text string) *Progress {
		p := a.startProgress(text)
		waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
		a.clock.Advance(progressDelay)
		waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
		return p
	}
	outer := draws("outer")
	inner := draws("inner")
	inner.Done()
	show := outer.hide()
	a.warn("paste it")
	show()
	outer.Done()
	want := eraseLine + "outer …" + eraseLine + "inner …" + eraseLine + "outer …" + eraseLine +
		"humanconnect: warning: paste it\n" + eraseLine + "outer …" + eraseLine
	if a.err.String() != want {
		t.Errorf("%q is written, want %q", a.err.String(), want)
	}
}

func TestProgressIsSaidInLinesToAScreenReader(t *testing.T) {
	a := newTestApp(t)
	a.Streams.Err, a.Streams.ErrTerminal, a.vars["ACCESSIBLE"] = &notices{w: &a.err}, true, "1"
	p := a.startProgress("one thing")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	p.hide()()
	p.Set("another")
	p.Done()
	if want := "humanconnect: one thing …\nhumanconnect: another …\n"; a.err.String() != want {
		t.Errorf("%q is written, want %q", a.err.String(), want)
	}
}

func TestPersonSeesThatSourcesAndHooksAreWaitedFor(t *testing.T) {
	t.Parallel()
	p := newPerson(t).configures("hooks:\n  - {name: slow, on: [onDisconnectSource], shell: exec sleep 60}\n", map[string]string{})
	open := p.program("open", "--connect", "sandbox-clinic", "--answer", "sandbox-clinic.username=revoke_hang",
		"--answer", "sandbox-clinic.password=password")
	out, err := open.Output()
	if err != nil {
		t.Fatal(err)
	}
	con := string(p.answer(out).CurrentConnections[0].ConnectionID)
	p.starts(p.program("connection", "disconnect", con)).sees("asking the source to revoke the grant …").interrupts()
	p.starts(p.program("delivery", "run")).sees("telling the hooks …").interrupts()
}
