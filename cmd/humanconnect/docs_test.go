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

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
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

// changing are the parts of a response that are others in each session.
var changing = regexp.MustCompile(`(con|ses)_[0-9a-z]{26}|\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9a-f]{32}`)

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
	printed, _, _ := strings.Cut("    {\n"+rest[len(commands)+len("\n    {\n"):], "\n\n")
	if diff := cmp.Diff(changing.ReplaceAllString(strings.ReplaceAll(printed, "\n    ", "\n")[4:], "…"), changing.ReplaceAllString(strings.TrimSpace(said), "…")); diff != "" {
		t.Errorf("the README shows another response: %s", diff)
	}
	for _, want := range []string{`"status": "SUCCESS"`, `"id": "sandbox-instant"`, `"revocation": "revoked"`, `"delivered": 1`} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
}

// TestTerminalShowsWhatTheREADMEShows runs the README's own commands in order on a terminal, with keys alone: those of its
// quick start, then those of the interactive use.
func TestTerminalShowsWhatTheREADMEShows(t *testing.T) {
	t.Parallel()
	readme := readDocument(t, "README.md")
	_, start, _ := strings.Cut(readme, "\n    $ humanconnect token create")
	start, section, found := strings.Cut("\n    $ humanconnect token create"+start, "\n## At a terminal\n")
	_, rest, drawn := strings.Cut(section, "> response.json\n")
	screen, rest, ended := strings.Cut(rest, "\nType `/clin`")
	section, _, _ = strings.Cut(section, "\n## ")
	cells := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(screen), -1)
	if !found || !drawn || !ended || len(cells) < 12 {
		t.Fatalf("the README has no screen: %q", cells)
	}
	p := newPerson(t)
	c := p.program()
	c.Path, c.Args = "/bin/sh", []string{"sh", "-ec", commandsIn(start) + commandsIn(section)}
	c.Env = append(c.Env, "PATH="+binDir()+":"+os.Getenv("PATH"), "HUMANCONNECT_SESSION_TOKEN_FILE=")
	p.starts(c).sees(cells...).presses("/clin").sees("1 source").presses(enter).sees("User name")
	p.presses("demouser" + enter + "password" + enter).sees("2 connected").presses(esc).sees("Are you done?").presses(enter)
	p.ends(0)
	p.checkRestored()
	for _, m := range regexp.MustCompile(`(?m)^    humanconnect: (.*)$`).FindAllStringSubmatch(rest, -1) {
		if !strings.Contains(ansi.Strip(string(p.all())), "humanconnect: "+m[1]+"\r\n") {
			t.Errorf("the terminal does not keep the line %q", m[1])
		}
	}
	response, err := os.ReadFile(filepath.Join(p.home, "response.json"))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.answer(response); len(r.CurrentConnections) != 2 {
		t.Errorf("the response is %+v", r)
	}
}

// commandsIn are the commands of a text that have the prompt $ before them, with their continued lines.
func commandsIn(text string) string {
	var out strings.Builder
	continued := false
	for line := range strings.Lines(text) {
		command, begins := strings.CutPrefix(line, "    $ ")
		if begins || continued {
			out.WriteString(command)
			continued = strings.HasSuffix(strings.TrimSpace(line), "\\")
		}
	}
	return out.String()
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
	for _, want := range []string{"killed: 137\n", "is intact and its key is correct", `"sourceId": "sandbox-instant"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
	if strings.Contains(said, "\n0\n") {
		t.Errorf("nothing was in the -wal:\n%s", said)
	}
}
