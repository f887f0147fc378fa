package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// walk calls f with every command that a person can call, the root included.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || command.LongOf(c) == "" {
			t.Errorf("%s: Short and Long say what it does, Short without a full stop", path)
		}
		if takesMany := strings.Contains(c.Use, "…") || c.Name() == "help"; !c.Runnable() || c.Args == nil && !takesMany {
			t.Errorf("%s: does not check its arguments: use group, exactArgs or upToArgs", path)
		}
		for i, line := range strings.Split(command.LongOf(c), "\n") {
			if len(line) > 100 && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: line %d of Long is %d bytes wide", path, i+1, len(line))
			}
		}
		if c.HasSubCommands() {
			return
		}
		if !strings.Contains(command.LongOf(c), "\n\nExit codes:\n    0  ") || !strings.Contains(command.LongOf(c), "\n   10  ") {
			t.Errorf("%s: has no section of exit codes with 0 and 10: use exits", path)
		}
		if len(strings.Split(c.Example, "\n")) == 0 {
			t.Errorf("%s: has no example", path)
		}
	})
}

func TestEveryFlagIsDocumented(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z-]*$`)
	walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !name.MatchString(f.Name) || f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: needs a lower-case name and a usage without a full stop", c.CommandPath(), f.Name)
			}
		})
	})
}

func TestHelpOfEveryCommandHasAJSONForm(t *testing.T) {
	var paths [][]string
	walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) { paths = append(paths, strings.Fields(c.CommandPath())[1:]) })
	for _, path := range paths {
		a := apptest.New(t, append([]string{"help", "-o", "json"}, path...)...)
		if code := cli.Run(a.App); code != exit.OK {
			t.Errorf("help %v: exit code %d: %s", path, code, a.Err.String())
			continue
		}
		var h struct {
			ID    string
			Flags []any
		}
		if err := json.Unmarshal(a.Out.Bytes(), &h); err != nil || h.ID == "" || len(h.Flags) < 7 {
			t.Errorf("help %v: %v %+v", path, err, h)
		}
	}
}

func TestTreeIsBuiltForEachCall(t *testing.T) {
	first := apptest.New(t, "version", "-o", "json")
	second := apptest.New(t, "version")
	cli.Run(first.App)
	cli.Run(second.App)
	if !strings.HasPrefix(first.Out.String(), "{") || !strings.HasPrefix(second.Out.String(), "humanconnect ") {
		t.Errorf("one run changed the next: %q, %q", first.Out.String(), second.Out.String())
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
			walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) {
				path := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "humanconnect"))
				if c.HasSubCommands() || path == "help" {
					return
				}
				a := apptest.New(t, argumentsFor(path)...)
				a.Vars["HOME"], a.UID = filepath.Join(dir, "home"), os.Geteuid()
				a.Executable = func() (string, error) { return filepath.Join(dir, "bin", "humanconnect"), nil }
				if code := cli.Run(a.App); !regexp.MustCompile(fmt.Sprintf(`(?m)^ +%d  `, code)).MatchString(command.LongOf(c)) {
					t.Errorf("%s ends with %d, which its help does not name\n%s", path, code, a.Err.String())
				}
			})
		})
	}
}
