package main

import (
	"os"
	"strconv"
	"sync/atomic"

	"github.com/humanconnect/humanconnect/core/clock"
)

// App is what the commands get from the outside: there are no globals. A test builds one of its own.
type App struct {
	// Args are the arguments without the program's name.
	Args []string
	// Env looks a variable of the environment up.
	Env func(name string) (string, bool)
	// Environ lists the environment as NAME=value.
	Environ func() []string
	Streams Streams
	Clock   clock.Clock
	// Signals that the process got.
	Signals *Signals
	// Getwd returns the working directory.
	Getwd func() (string, error)
	// Executable returns the path of the running program.
	Executable func() (string, error)
	// UID is the effective user id.
	UID int

	global globalFlags
	// accessible is --accessible.
	accessible bool
	// giveBack gives the terminal that a person is asked on back, or is nil. The end of the program reads it while a
	// command runs.
	giveBack atomic.Pointer[func()]
	// overrides are the values of the config that flags of the command set, by key.
	overrides map[string]string
}

// newSystemApp returns the App of this process. It touches no disk.
func newSystemApp(signals *Signals) *App {
	return &App{
		Args: os.Args[1:], Env: os.LookupEnv, Environ: os.Environ,
		Streams: systemStreams(), Clock: clock.System(), Signals: signals,
		Getwd: os.Getwd, Executable: os.Executable, UID: os.Geteuid(),
	}
}

// env returns a variable, or "" where it is not set.
func (a *App) env(name string) string {
	value, _ := a.Env(name)
	return value
}

// unattended says whether nobody may be asked: --no-input, or in CI.
func (a *App) unattended() bool { return a.global.noInput || a.inCI() }

// inCI says whether CI is set to anything but a word for no.
func (a *App) inCI() bool {
	ci := a.env("CI")
	yes, err := strconv.ParseBool(ci)
	return ci != "" && (yes || err != nil)
}
