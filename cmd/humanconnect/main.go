// Command humanconnect lets people connect the places that hold their health data to an application.
//
// This package is the command line: flags in, a call into core, printing out. It wires everything and decides nothing.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(start()) }

// start runs the program of this process and returns its exit code. The second signal ends it whatever it is doing:
// that is what a person means who presses Ctrl-C twice, and all that was acknowledged is on the disk.
func start() int {
	keepDescriptors()
	signals := newSignals(context.Background(), twinTime)
	app := newSystemApp(signals)
	ended := make(chan int, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				app.stopAsking()
				panic(p)
			}
		}()
		ended <- run(app)
	}()
	select {
	case code := <-ended:
		return code
	case <-signals.Stopping().Done():
		app.stopAsking()
		return signals.ExitCode()
	}
}

// run runs the command that app.Args names, prints what it fails with, and returns the exit code.
func run(app *App) int {
	began := app.Clock.Now()
	root := newRoot(app)
	root.SetArgs(app.Args)
	command, err := root.ExecuteContextC(app.Signals.Closing())
	code := app.report(err)
	app.logger().Debug("done", "command", command.CommandPath(), "exit", code, "took", app.Clock.Now().Sub(began).String())
	return code
}
