//go:build !windows

// Command humanconnect connects users' health data sources to an application.
//
// This package starts the program: signals, the App of this process, and the command that the arguments name. Everything
// else is below internal.
package main

import (
	"context"
	"os"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

// The linker writes these (-X main.version=…); nothing else does. They are empty in a build without it.
var version, commit string

func main() { os.Exit(start()) }

// start runs the program and returns its exit code. The second signal ends it at once; all acknowledged changes are on
// disk.
func start() int {
	app.KeepDescriptors()
	signals := iostreams.NewSignals(context.Background(), iostreams.DuplicateTime)
	a := app.System(signals, app.Build{Version: version, Commit: commit})
	ended := make(chan int, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				a.IO.Stop()
				panic(p)
			}
		}()
		ended <- cli.Run(a)
	}()
	select {
	case code := <-ended:
		return code
	case <-signals.Stopping().Done():
		a.IO.Stop()
		return signals.ExitCode()
	}
}
