package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

var shownAddress = regexp.MustCompile(`http://[^\s]*authorize[^\s]*`)

// addressIn waits until a program has shown the address of a source.
func addressIn(t *testing.T, said fmt.Stringer) string {
	t.Helper()
	waitUntil(t, func() bool { return shownAddress.MatchString(said.String()) })
	return shownAddress.FindString(said.String())
}

// TestPastedRedirectIsAccepted: the browser runs on another machine and cannot reach the redirect URI.
func TestPastedRedirectIsAccepted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		browser string
		flags   []string
		// terminal: it is typed on the terminal, else on standard input.
		terminal bool
		// message is the warning about the browser.
		message string
	}{
		"standard input":              {flags: []string{"--no-browser"}},
		"terminal":                    {flags: []string{"--no-browser"}, terminal: true},
		"browser that is not there":   {browser: "no-such-browser", terminal: true, message: "could not be started: no-such-browser: executable file not found"},
		"browser that fails later on": {browser: "sh fails", terminal: true, message: "could not be started: sh: exit status 3"},
		"no desktop":                  {flags: []string{"--ui", "terminal"}, terminal: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newAuthorizedPlace(t)
			p.write("fails", "until [ -s token-1 ]; do :; done; exit 3")
			cmd := p.command(c.browser, append([]string{"open", "--token", "@" + p.token("ada"), "--connect", "sandbox-tracker"}, c.flags...)...)
			var said said
			out, err := os.Create(p.dir + "/out.json")
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout, cmd.Stderr = out, &said
			typed := starts(t, cmd, c.terminal)
			redirect := p.consents(addressIn(t, &said), "none")
			for _, line := range []string{"nonsense", with(redirect, "state", "x"), redirect} {
				if _, err := io.WriteString(typed, line+"\n"); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, said.String())
			}
			for _, refused := range []string{"no pending authorization matches this URL", "this text contains no redirect URL"} {
				if n := strings.Count(said.String(), refused); n != 1 {
					t.Errorf("%d lines were refused because %s:\n%s", n, refused, said.String())
				}
			}
			if !strings.Contains(said.String(), c.message) {
				t.Errorf("the output is\n%s", said.String())
			}
			if response, err := os.ReadFile(out.Name()); err != nil || !strings.Contains(string(response), `"id": "sandbox-tracker"`) {
				t.Errorf("%v\n%s", err, response)
			}
		})
	}
}

// starts runs a command and returns what its person types into.
func starts(t *testing.T, cmd *exec.Cmd, terminal bool) io.Writer {
	t.Helper()
	if !terminal {
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	screen, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return screen
}
