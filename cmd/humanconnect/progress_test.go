package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
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
	if out := p.ends(exit.Interrupted); len(out) > 0 {
		p.t.Errorf("it was interrupted, and printed %s", out)
	}
	p.read.Wait()
	if left := string(p.all()); !strings.HasSuffix(left, "\r\x1b[K") || strings.Contains(left, "error:") {
		p.t.Errorf("left on the terminal is %q", left)
	}
}

func TestPersonSeesThatProvidersAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, line string }{
		{"source list", "reading the provider descriptions …"},
		{"source show slow-one", "reading the provider descriptions …"},
		{"config validate", "reading the provider descriptions …"},
		{"provider show slow", "starting the provider …"},
		{"open --connect slow-one", "reading the provider descriptions …"},
		{"doctor", "checking provider slow …"},
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
	p.opens().sees("reading the provider descriptions …").presses(ctrlC)
	p.ends(exit.Interrupted)
	p = newPerson(t)
	p.opens("--connect", "sandbox-clinic", "--answer", "sandbox-clinic.username=hang", "--answer", "sandbox-clinic.password=password")
	p.sees("connecting sandbox-clinic …").presses(ctrlC).presses(ctrlC)
	p.ends(exit.Interrupted)
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
	p.starts(p.program("connection", "disconnect", con)).sees("revoking at the source …").interrupts()
	p.starts(p.program("delivery", "run")).sees("delivering events to hooks …").interrupts()
}
