package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// docLimit is how long what a document says may take.
const docLimit = 2 * time.Minute

// shell runs a script of a document as a new user would: an empty home, and our binaries first in PATH.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	return shellWithin(t, docLimit, dir, script)
}

func shellWithin(t *testing.T, limit time.Duration, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "set -eu\n"+script)
	cmd.Dir = dir
	cmd.Env = []string{
		"HOME=" + dir, "PATH=" + binDir() + string(os.PathListSeparator) + os.Getenv("PATH"), "BIN=" + binDir(),
		"HUMANCONNECT_CLIENT_ID=demo", "TMPDIR=" + dir, quickExit,
	}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

func TestDemoShowsTheMainJob(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../../docs/demo.sh")
	if err != nil {
		t.Fatal(err)
	}
	said := shell(t, t.TempDir(), "sh '"+script+"'")
	for _, want := range []string{
		"hook: event 1, source.connected", "hook: event 6, session.closed", `"status": "SUCCESS"`, `"id": "sandbox-tracker"`,
		`"outcome": "revoked"`, `"failures": []`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the demo does not show %s:\n%s", want, said)
		}
	}
}

func TestCommandsOfTheREADMEWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "$ humanconnect token create")
	commands, _, ended := strings.Cut(rest, "\n    {\n")
	if !found || !ended {
		t.Fatal("the README has no transcript any more")
	}
	said := shell(t, t.TempDir(), strings.ReplaceAll("humanconnect token create"+commands, "    $ ", ""))
	for _, want := range []string{`"status": "SUCCESS"`, `"id": "sandbox-instant"`, `"revocation": "revoked"`, `"delivered": 1`} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
}

// TestTerminalShowsWhatTheREADMEShows opens a session as the README does, after the one of its quick start.
func TestTerminalShowsWhatTheREADMEShows(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readDocument(t, "README.md"), "> response.json\n")
	screen, _, ended := strings.Cut(rest, "\n- ")
	cells := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(screen), -1)
	if !found || !ended || len(cells) < 12 {
		t.Fatalf("the README has no screen: %q", cells)
	}
	p := newPerson(t)
	if out, err := p.program("open", "--connect", "sandbox-instant").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.issues()
	p.opens().sees(cells...).presses(ctrlC).ends(130)
}

// TestBackupsAreTakenAndRestoredAsTheDocumentSays runs both blocks of the section, with a command between them that was
// killed, so that something is in the -wal alone.
func TestBackupsAreTakenAndRestoredAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Backups\n")
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(section, "```")
	if len(parts) != 5 {
		t.Fatalf("the section has %d blocks, not two", len(parts)/2)
	}
	take, restore := strings.TrimPrefix(parts[1], "sh\n"), strings.TrimPrefix(parts[3], "sh\n")
	said := shell(t, t.TempDir(), `
humanconnect token create --client-user-id ada >token
humanconnect open --token @token --connect sandbox-instant --on-connect-source 'kill -9 $PPID' || echo "killed: $?"
wc -c <~/.local/state/humanconnect/state.db-wal
`+take+`rm -r ~/.local/state/humanconnect
`+restore+`humanconnect connection list --client-user-id ada -o json`)
	for _, want := range []string{"killed: 137\n", "is intact and its key is correct", `"id": "sandbox-instant"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
	if strings.Contains(said, "\n0\n") {
		t.Errorf("nothing was in the -wal:\n%s", said)
	}
}
