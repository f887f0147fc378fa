package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/humanconnect/humanconnect/plugins"
)

// buildLimit is how long the build of all binaries may take on a slow machine with an empty build cache.
const buildLimit = 10 * time.Minute

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain builds the binaries that the stories run, once.
func testMain(m *testing.M) int {
	// Under nohup SIGHUP is ignored, and would be so in the programs that the tests start. They test what it does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	bin, err := os.MkdirTemp("", "humanconnect-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(bin) }()
	if err := buildAll(bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(binVariable, bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// quickExit keeps the race detector from sleeping a second at the end of each program, for the goroutines that still run
// then: the stories start a thousand of them.
const quickExit = "GORACE=atexit_sleep_ms=10"

// binVariable tells the tests where the binaries are. The stories do not see it.
const binVariable = "TEST_HUMANCONNECT_BIN"

// binDir returns the directory of the binaries.
func binDir() string { return os.Getenv(binVariable) }

// buildAll builds the core, with the race detector where the test runs with it, and our providers as they are
// released, with the release lock.
func buildAll(bin string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	core := []string{"-ldflags", "-X main.version=1.2.3-test -X main.commit=0123abc"}
	if raceEnabled {
		core = append(core, "-race")
	}
	if err := goBuild(ctx, raceEnabled, filepath.Join(bin, "humanconnect"), ".", core...); err != nil {
		return err
	}
	mains, err := filepath.Glob("../../providers/*/main.go")
	if err != nil {
		return err
	}
	for _, main := range mains {
		dir := filepath.Dir(main)
		out := filepath.Join(bin, "humanconnect-provider-"+filepath.Base(dir))
		if err := goBuild(ctx, false, out, "./"+filepath.Base(dir), "-C", filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := goBuild(ctx, false, filepath.Join(bin, "humanconnect-sandbox"), "./sandbox/server", "-C", "../../providers"); err != nil {
		return err
	}
	// A provider of somebody else, who claims a source that is taken. It is not part of the release.
	if err := os.Mkdir(filepath.Join(bin, "other"), 0o755); err != nil {
		return err
	}
	if err := goBuild(ctx, false, filepath.Join(bin, "other", "twin"), "./testdata/twin"); err != nil {
		return err
	}
	if err := goBuild(ctx, false, filepath.Join(bin, "other", "receiver"), "./testdata/receiver"); err != nil {
		return err
	}
	lock, err := plugins.LockDirectory(bin)
	if err != nil {
		return err
	}
	return plugins.WriteLock(filepath.Join(bin, plugins.LockName), lock)
}

func goBuild(ctx context.Context, cgo bool, out, pkg string, flags ...string) error {
	// -C has to come first.
	args := append([]string{"build"}, flags...)
	args = append(args, "-trimpath", "-o", out, pkg)
	build := exec.CommandContext(ctx, "go", args...)
	build.Env = os.Environ()
	if !cgo {
		build.Env = append(build.Env, "CGO_ENABLED=0")
	}
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, said)
	}
	return nil
}

// TestStories runs testdata/script/*.txtar against the real binaries. Each has a home of its own that is empty.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               setUpStory,
		Cmds:                storyCommands(),
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
