package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/spf13/cobra"
)

// TestExamplesOfTheHelpWork runs every line of every example, as sh runs it, in a fresh home.
func TestExamplesOfTheHelpWork(t *testing.T) {
	t.Parallel()
	walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) {
		for _, line := range linesOf(c.Example) {
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				runExample(t, line)
			})
		}
	})
}

// runExample runs a line in a home of its own that has what the examples speak of. An example ends with exit code 0.
func runExample(t *testing.T, line string) {
	t.Helper()
	if !strings.HasPrefix(line, "humanconnect ") && !strings.Contains(line, "| humanconnect ") {
		t.Errorf("%q does not run humanconnect", line)
	}
	h := newExampleHome(t, strings.Contains(line, "acme"))
	if strings.Contains(line, "--dir bin") {
		h.ownsBinaries()
	}
	if strings.Contains(line, "_…") {
		line = h.withIDs(line)
	}
	if line == examplePerson {
		h.atTerminal(line)
		return
	}
	h.sh(line)
}

// examplePerson is the example that a person goes on with.
const examplePerson = "humanconnect open --token @token.txt"

// atTerminal runs a line on a terminal, where a person looks and is done.
func (h *exampleHome) atTerminal(line string) {
	h.t.Helper()
	c := exec.CommandContext(h.t.Context(), "sh", "-ec", line)
	c.Dir = h.dir
	c.Env = h.environ("TERM=xterm")
	p := &person{t: h.t, home: h.dir}
	p.starts(c).sees("sources, 0 connected").presses(esc).sees("Are you done?").presses(enter)
	p.answer(p.ends(0))
}

// exampleHome is the home of a person who follows the help.
type exampleHome struct {
	t   *testing.T
	dir string
	bin string
}

// newExampleHome has a config with a client, a token, a user and a plan, and on demand a provider of one's own.
func newExampleHome(t *testing.T, acme bool) *exampleHome {
	t.Helper()
	dir := t.TempDir()
	h := &exampleHome{t: t, dir: dir, bin: binDir()}
	config := "version: 1\nclientId: demo\nhooks:\n  - {name: journal, on: [onClose], shell: cat >> journal}\n"
	if acme {
		h.file("acme/humanconnect-provider-acme", "#!/bin/sh\nexit 1\n")
		config += "providers:\n  - name: acme\n    command: [" + dir + "/acme/humanconnect-provider-acme]\n"
	}
	h.file("home/.config/humanconnect/config.yaml", config)
	h.file("user.txt", "anna\n")
	h.file("plan.yaml", "actions:\n  - connect: sandbox-instant\n")
	h.sh("humanconnect token create --client-user-id anna > token.txt")
	return h
}

// ownsBinaries gives the home a copy of the binaries, for an example that writes beside them.
func (h *exampleHome) ownsBinaries() {
	h.t.Helper()
	h.bin = filepath.Join(h.dir, "bin")
	if err := os.CopyFS(h.bin, os.DirFS(binDir())); err != nil {
		h.t.Fatal(err)
	}
}

func (h *exampleHome) environ(more ...string) []string {
	return append(more, "HOME="+filepath.Join(h.dir, "home"), "PATH="+h.bin+":"+os.Getenv("PATH"), quickExit)
}

func (h *exampleHome) file(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		h.t.Fatal(err)
	}
}

// sh runs a line and returns its standard output.
func (h *exampleHome) sh(line string) []byte {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), storyLimit)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-ec", line)
	c.Dir = h.dir
	c.Env = h.environ()
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s%s", line, err, out, said.String())
	}
	return out
}

// withIDs puts the ids of a session that was run to its end in the place of con_… and the like.
func (h *exampleHome) withIDs(line string) string {
	h.t.Helper()
	h.sh("humanconnect token create --client-user-id berta > berta.txt")
	id := regexp.MustCompile(`(con|ses|evt|dlv)_[0-9a-z]{26}`)
	said := h.sh("humanconnect open --token @berta.txt --connect sandbox-instant --on-close true")
	said = append(said, h.sh("humanconnect event list -o json; humanconnect delivery list -o json")...)
	for _, found := range id.FindAllString(string(said), -1) {
		line = strings.Replace(line, found[:4]+"…", found, 1)
	}
	return line
}

// walk calls f with every command that a person can call, the root included.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

// linesOf returns the lines of an example without their indent.
func linesOf(example string) (lines []string) {
	for line := range strings.Lines(example) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
