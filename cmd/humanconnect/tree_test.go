package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/core/id"
)

// walk calls f with every command that a person can call, the root included.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	walk(newRoot(newTestApp(t).App), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || longOf(c) == "" {
			t.Errorf("%s: Short and Long say what it does, Short without a full stop", path)
		}
		if takesMany := strings.Contains(c.Use, "…") || c.Name() == "help"; !c.Runnable() || c.Args == nil && !takesMany {
			t.Errorf("%s: does not check its arguments: use group, exactArgs or upToArgs", path)
		}
		for i, line := range strings.Split(longOf(c), "\n") {
			if len(line) > 100 && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: line %d of Long is %d bytes wide", path, i+1, len(line))
			}
		}
		if c.HasSubCommands() {
			return
		}
		if !strings.Contains(longOf(c), "\n\nExit codes:\n    0  ") || !strings.Contains(longOf(c), "\n   10  ") {
			t.Errorf("%s: has no section of exit codes with 0 and 10: use exits", path)
		}
		if len(exampleLines(c.Example)) == 0 {
			t.Errorf("%s: has no example", path)
		}
	})
}

func TestEveryFlagIsDocumented(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z-]*$`)
	walk(newRoot(newTestApp(t).App), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !name.MatchString(f.Name) || f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: needs a lower-case name and a usage without a full stop", c.CommandPath(), f.Name)
			}
		})
	})
}

// TestEveryVariableThatIsReadIsInTheHelp reads the source.
func TestEveryVariableThatIsReadIsInTheHelp(t *testing.T) {
	known := map[string]bool{}
	for _, v := range variables() {
		if known[v.Name] || v.Meaning == "" {
			t.Errorf("%s stands there twice, or means nothing", v.Name)
		}
		known[v.Name] = true
	}
	read := 0
	files := token.NewFileSet()
	for _, path := range goFiles(t, "../..") {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains([]string{"env", "Env", "xdg", "Getenv", "LookupEnv"}, identifier(call.Fun)) {
				return true
			}
			for _, name := range literals(call.Args[:min(1, len(call.Args))]) {
				read++
				if !known[name] {
					t.Errorf("%s: %s is read, and not in the help", files.Position(call.Pos()), name)
				}
			}
			return true
		})
	}
	if read < 10 {
		t.Errorf("found %d: the search is broken", read)
	}
}

func TestHelpOfEveryCommandHasAJSONForm(t *testing.T) {
	var paths [][]string
	walk(newRoot(newTestApp(t).App), func(c *cobra.Command) { paths = append(paths, strings.Fields(c.CommandPath())[1:]) })
	for _, path := range paths {
		a := newTestApp(t, append([]string{"help", "-o", "json"}, path...)...)
		if code := run(a.App); code != exitOK {
			t.Errorf("help %v: exit code %d: %s", path, code, a.err.String())
			continue
		}
		var h commandHelp
		if err := json.Unmarshal(a.out.Bytes(), &h); err != nil || h.Command == "" || len(h.Flags) < 7 {
			t.Errorf("help %v: %v %+v", path, err, h)
		}
	}
}

func TestTreeIsMadeAnewEachTime(t *testing.T) {
	first := newTestApp(t, "version", "-o", "json")
	second := newTestApp(t, "version")
	run(first.App)
	run(second.App)
	if !strings.HasPrefix(first.out.String(), "{") || !strings.HasPrefix(second.out.String(), "humanconnect ") {
		t.Errorf("one run changed the next: %q, %q", first.out.String(), second.out.String())
	}
}

func TestVersionFallsBackToWhatTheCompilerNoted(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}}
	if b := buildOf("", "", info); b.Version != "v1.4.0" || b.Commit != "abc" {
		t.Errorf("got %+v", b)
	}
	if b := buildOf("2.0.0", "def", info); b.Version != "2.0.0" || b.Commit != "def" {
		t.Errorf("the stamp does not win: %+v", b)
	}
	if b := buildOf("", "", nil); b.Version != "devel" || b.Commit != "unknown" || b.Protocol == 0 {
		t.Errorf("got %+v", b)
	}
}

func TestTablesAreAlignedAndClean(t *testing.T) {
	var b strings.Builder
	if err := writeTable(&b, []string{"ID", "NAME"}, [][]string{{"long-id", "x\x1b[2Jy"}, {"a", ""}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 4 || lines[0] != "ID       NAME" || !strings.HasPrefix(lines[1], "long-id  x") || strings.Contains(lines[1], "\x1b") || lines[2] != "a" {
		t.Errorf("got %q", lines)
	}
}

func TestEmptyCellsEndNoColumn(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"first", "", ""}, {"2", "", "late"}, {"3", "", ""}, {"4", "second", "x"}}
	if err := writeTable(&b, []string{"A", "B", "C"}, rows); err != nil {
		t.Fatal(err)
	}
	want := "A      B       C\nfirst\n2              late\n3\n4      second  x\n"
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

// argumentsFor are arguments with which a command of the tree has something to do.
func argumentsFor(path string) []string {
	args := map[string][]string{
		"completion":            {"bash"},
		"connection list":       {"--client-user-id", "ada"},
		"connection show":       {string(id.New[id.Connection]())},
		"connection disconnect": {string(id.New[id.Connection]())},
		"delivery show":         {string(id.New[id.Delivery]())},
		"event show":            {string(id.New[id.Event]())},
		"hook enable":           {"journal"},
		"hook test":             {"journal"},
		"open":                  {"--token", "hcs_x", "--connect", "acme"},
		"provider show":         {"acme"},
		"session show":          {string(id.New[id.Session]())},
		"session close":         {string(id.New[id.Session]())},
		"source show":           {"acme"},
		"token create":          {"--client-user-id", "ada", "--client-id", "demo"},
		"token inspect":         {"hcs_x"},
		"token revoke":          {"hcs_x"},
	}
	return append(strings.Fields(path), args[path]...)
}

// TestHelpNamesTheExitCodesOfABrokenInstallation: whatever is broken, each command ends with a code that its help names.
func TestHelpNamesTheExitCodesOfABrokenInstallation(t *testing.T) {
	for name, file := range map[string]string{
		"nothing": "home/none", "config": "home/.config/humanconnect/config.yaml",
		"lock of providers": "home/.config/humanconnect/providers.lock.json", "state": "home/.local/state/humanconnect",
		"database": "home/.local/state/humanconnect/state.db",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, path := range []string{file, "bin/humanconnect"} {
				path = filepath.Join(dir, path)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("{"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			walk(newRoot(newTestApp(t).App), func(c *cobra.Command) {
				path := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "humanconnect"))
				if c.HasSubCommands() || path == "help" {
					return
				}
				a := newTestApp(t, argumentsFor(path)...)
				a.vars["HOME"], a.UID = filepath.Join(dir, "home"), os.Geteuid()
				a.Executable = func() (string, error) { return filepath.Join(dir, "bin", "humanconnect"), nil }
				if code := run(a.App); !regexp.MustCompile(fmt.Sprintf(`(?m)^ +%d  `, code)).MatchString(longOf(c)) {
					t.Errorf("%s ends with %d, which its help does not name\n%s", path, code, a.err.String())
				}
			})
		})
	}
}
