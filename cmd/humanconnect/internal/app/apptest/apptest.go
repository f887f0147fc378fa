// Package apptest makes an App with a fake environment, for tests.
package apptest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/clock/clocktest"
)

// App is an App without terminals, with a fake clock, and with the environment Vars.
type App struct {
	*app.App
	Out, Err bytes.Buffer
	Fake     *clocktest.Fake
	Vars     map[string]string
}

// New returns an App that was started with args. It lasts as long as the test.
func New(t testing.TB, args ...string) *App {
	t.Helper()
	a := &App{
		Fake: clocktest.New(time.Date(2026, 11, 22, 20, 26, 10, 0, time.UTC)),
		Vars: map[string]string{"HOME": "/home/anna", "TERM": "xterm"},
	}
	signals := iostreams.NewSignals(context.Background(), 0)
	t.Cleanup(signals.Release)
	env := func(name string) (string, bool) { v, ok := a.Vars[name]; return v, ok }
	a.App = &app.App{
		IO: &iostreams.IO{
			In: bytes.NewReader(nil), Out: &a.Out, Err: &a.Err, Env: env, Clock: a.Fake, Args: args,
			OpenTerminal: func() (io.ReadWriteCloser, error) { return nil, errors.New("no terminal") },
			Flags:        iostreams.Flags{Colour: iostreams.ColourAuto},
		},
		Clock: a.Fake, Signals: signals, Env: env,
		Environ: func() []string {
			var all []string
			for name, value := range a.Vars {
				all = append(all, name+"="+value)
			}
			return all
		},
		Getwd:      func() (string, error) { return "/cwd", nil },
		Executable: func() (string, error) { return "/bin/humanconnect", nil },
		UID:        1000,
	}
	return a
}
