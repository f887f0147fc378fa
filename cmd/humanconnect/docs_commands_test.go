package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/help"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func readDocument(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	typed = regexp.MustCompile(`(?m)^    (?:\$ )?(\S.*)$`)
	// inText is a command in the middle of a sentence, which may go over the end of a line.
	inText    = regexp.MustCompile("`(humanconnect [a-z][^`]*)`")
	continued = regexp.MustCompile(`\s*\\\n\s*`)
	// explanation of a command stands after it.
	explanation = regexp.MustCompile(`   +\S.*$`)
)

// commandLines are the lines that a document says to type, with what is continued on the next one.
func commandLines(text string) (lines []string) {
	for _, m := range typed.FindAllStringSubmatch(continued.ReplaceAllString(text, " "), -1) {
		line := explanation.ReplaceAllString(m[1], "")
		if strings.HasPrefix(line, "humanconnect ") || strings.HasPrefix(line, "echo ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestDocumentsNameCommandsAndFlagsThatExist(t *testing.T) {
	named := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*.sh", "providers/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text := readDocument(t, strings.TrimPrefix(path, "../../"))
			lines := commandLines(text)
			for _, m := range inText.FindAllStringSubmatch(text, -1) {
				lines = append(lines, m[1])
			}
			for _, line := range lines {
				if args, ours := strings.CutPrefix(line, "humanconnect "); ours {
					named++
					if wrong := wrongCommand(cli.NewRoot(apptest.New(t).App), strings.Fields(args)); wrong != "" {
						t.Errorf("%s says %q, and there is no %s", path, line, wrong)
					}
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("found only %d commands", named)
	}
}

// wrongCommand returns what of a command line is not there, or "".
func wrongCommand(root *cobra.Command, args []string) string {
	if args[0] == "help" && len(args) == 2 {
		if slices.Contains(help.TopicNames(), args[1]) {
			return ""
		}
		args = args[1:]
	}
	c, rest, err := root.Find(args)
	if err != nil || c == root {
		return "command " + args[0]
	}
	for i, word := range rest {
		name, _, _ := strings.Cut(word, "=")
		var flag *pflag.Flag
		switch {
		case word == ">" || word == "|" || word == "<":
			return ""
		case strings.HasPrefix(name, "--"):
			flag = findFlag(c, func(f *pflag.Flag) bool { return f.Name == name[2:] })
		case strings.HasPrefix(name, "-") && len(name) > 1:
			flag = findFlag(c, func(f *pflag.Flag) bool { return f.Shorthand == name[1:] })
		case i == 0 && c.HasSubCommands():
			return "command " + c.Name() + " " + word
		default:
			continue
		}
		if flag == nil {
			return "flag " + name
		}
	}
	return ""
}

func findFlag(c *cobra.Command, is func(*pflag.Flag) bool) (found *pflag.Flag) {
	look := func(f *pflag.Flag) {
		if is(f) {
			found = f
		}
	}
	c.LocalFlags().VisitAll(look)
	c.InheritedFlags().VisitAll(look)
	return found
}

func TestUnknownCommandIsFound(t *testing.T) {
	for line, wrong := range map[string]bool{
		"hook list": false, "hook lists": true, "hooks list": true, "token create --ttl 1h > token": false, "token create --tll 1h": true,
		"help exit-codes": false, "help exits": true, "help hook": false, "config show -o json": false, "config show -x": true,
		"connection show con_1 --quiet": false,
	} {
		if got := wrongCommand(cli.NewRoot(apptest.New(t).App), strings.Fields(line)); (got != "") != wrong {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// TestCommandsOfTheManualOfHooksWork runs them with the hooks of its first example, whose URL is a receiver here.
func TestCommandsOfTheManualOfHooksWork(t *testing.T) {
	t.Parallel()
	var received atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received.Add(1) }))
	defer receiver.Close()
	dir := t.TempDir()
	here := func(text string) string {
		return strings.NewReplacer("https://app.example.com", receiver.URL, "/run/secrets", dir, "/opt/app/notify", "/bin/true").Replace(text)
	}
	text := readDocument(t, "docs/hooks.md")
	_, rest, found := strings.Cut(text, "```yaml\n")
	example, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the manual has no example of a config any more")
	}
	config := filepath.Join(dir, ".config", "humanconnect", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(here("version: 1\n"+example)), 0o600); err != nil {
		t.Fatal(err)
	}
	var secrets, commands []string
	for _, line := range commandLines(text) {
		if strings.HasPrefix(line, "echo ") {
			secrets = append(secrets, here(line))
		} else {
			commands = append(commands, here(line))
		}
	}
	if len(secrets) == 0 || len(commands) < 4 {
		t.Fatalf("found only %q, %q", secrets, commands)
	}
	said := shell(t, dir, strings.Join(append(secrets, commands...), "\n"))
	for _, name := range []string{"journal", "notify", "app"} {
		if !strings.Contains(said, name) {
			t.Errorf("the list does not have %s:\n%s", name, said)
		}
	}
	if received.Load() != 1 {
		t.Errorf("the receiver got %d requests", received.Load())
	}
}

func TestCommandsOfTheSandboxWork(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, line := range commandLines(readDocument(t, "providers/sandbox/README.md")) {
		if line == "humanconnect sandbox" { // runs until it is interrupted; it has a story of its own
			continue
		}
		ran++
		said := shell(t, t.TempDir(), "humanconnect token create --client-user-id demo-user > token\n"+
			"export HUMANCONNECT_SESSION_TOKEN_FILE=token\n"+line)
		if !strings.Contains(said, `"status": "SUCCESS"`) || !strings.Contains(said, `"connectionId"`) {
			t.Errorf("%s prints\n%s", line, said)
		}
	}
	if ran == 0 {
		t.Error("found no command")
	}
}

func TestCommandsOfTheManualOfTheConfigWork(t *testing.T) {
	t.Parallel()
	for _, line := range commandLines(readDocument(t, "docs/configuration.md")) {
		shell(t, t.TempDir(), line)
	}
}
