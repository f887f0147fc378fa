package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/humanconnect/humanconnect/test/programs"
)

func TestMain(m *testing.M) { os.Exit(programs.Main(m)) }

// quickExit is for each program that a test starts.
const quickExit = programs.QuickExit

// buildLimit is how long a build may take.
const buildLimit = programs.BuildLimit

// binDir returns the directory of the binaries.
func binDir() string { return programs.Dir() }

// TestStories runs testdata/script/*.txtar against the real binaries. Each has a home of its own that is empty.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               setUpStory,
		Cmds:                storyCommands(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// setUpStory gives a story its environment: nothing of ours is inherited, and all that is written lies in $WORK.
func setUpStory(env *testscript.Env) error {
	vars := env.Vars[:0]
	for _, v := range env.Vars {
		if !strings.HasPrefix(v, "HUMANCONNECT_") && !strings.HasPrefix(v, "HOME=") {
			vars = append(vars, v)
		}
	}
	env.Vars = vars
	home := filepath.Join(env.WorkDir, "home")
	xdg := filepath.Join(env.WorkDir, "xdg")
	for _, dir := range []string{home, xdg} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(xdg, "config"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(xdg, "state"))
	env.Setenv("XDG_DATA_HOME", filepath.Join(xdg, "data"))
	env.Setenv("XDG_RUNTIME_DIR", filepath.Join(xdg, "run"))
	env.Setenv("PATH", binDir()+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Setenv("BIN", binDir())
	env.Vars = append(env.Vars, quickExit)
	env.Setenv("TWIN", filepath.Join(binDir(), "other", "twin"))
	env.Setenv("RECEIVER", filepath.Join(binDir(), "other", "receiver"))
	return nil
}
