// Package app wires the program: config, state, provider processes, hooks and background work, out of what core and plugins
// offer. A command, or a page that serves many sessions, starts from here. It knows no flag and no argument.
//
//	App ──Prepare──▶ Installation ──Open──▶ State
//	what the         config, and the        the store, the engine, the tokens and the
//	process has      catalogue of sources   dispatcher of events to hooks
package app

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/config"
)

// App is everything that the program gets from outside: there are no globals. A test builds its own.
type App struct {
	IO    *iostreams.IO
	Clock clock.Clock
	// Signals that the process got.
	Signals *iostreams.Signals
	// Env looks up an environment variable.
	Env func(name string) (string, bool)
	// Environ lists the environment as NAME=value.
	Environ func() []string
	// Getwd returns the working directory.
	Getwd func() (string, error)
	// Executable returns the path of the running program.
	Executable func() (string, error)
	// UID is the effective user id.
	UID int
	// Build is the version of the program.
	Build Build

	// ConfigPath is what --config says: a path, none, or "" where it was not given.
	ConfigPath string
	// NoInput: never prompt.
	NoInput bool
	// Overrides are the values of the config that flags set, by key.
	Overrides map[string]string
}

// Build is what the linker wrote into the program; empty in a build without it.
type Build struct{ Version, Commit string }

// System returns the App of this process. It touches no disk.
func System(signals *iostreams.Signals, build Build) *App {
	c := clock.System()
	return &App{
		IO: iostreams.System(c), Clock: c, Signals: signals, Env: os.LookupEnv, Environ: os.Environ,
		Getwd: os.Getwd, Executable: os.Executable, UID: os.Geteuid(), Build: build,
	}
}

// Variable returns an environment variable, or "" if it is not set.
func (a *App) Variable(name string) string {
	value, _ := a.Env(name)
	return value
}

// NonInteractive says whether prompts are forbidden: --no-input, or in CI.
func (a *App) NonInteractive() bool { return a.NoInput || a.InCI() }

// InCI says whether CI is set to anything but a word for no.
func (a *App) InCI() bool {
	ci := a.Variable("CI")
	yes, err := strconv.ParseBool(ci)
	return ci != "" && (yes || err != nil)
}

// ConfigOptions say how the config is read.
func (a *App) ConfigOptions() config.Options {
	return config.Options{
		Path: a.ConfigPath, Environ: a.Environ(), Home: a.Variable("HOME"), UID: a.UID, Overrides: a.Overrides,
	}
}

// LoadConfig reads the config and prints its warnings.
func (a *App) LoadConfig() (*config.Config, error) {
	done := a.IO.Stopwatch("config read")
	cfg, warnings, err := config.Load(a.ConfigOptions())
	if err == nil {
		done(nil, "file", iostreams.OrNone(cfg.File), "state", cfg.StateDir)
	}
	a.Warn(warnings)
	return cfg, err
}

// Warn prints warnings of the config.
func (a *App) Warn(warnings []config.Warning) {
	for _, w := range warnings {
		a.IO.Warn("%s", w.Message)
		a.IO.Hint(w.Hint)
	}
}

// Beside returns the path of a program in the directory of this one.
func (a *App) Beside(name string) (string, error) {
	dir, err := a.coreDir()
	return filepath.Join(dir, name), err
}
