// Command slowest runs tests in several modules, and says in the end which were the slowest of all.
//
//	slowest DIRECTORY… -- go test -json ARG…
//
// It runs the command in each directory, whatever became of the others, and prints what go test prints without -json: a
// line for each package, and all that a failed test wrote. It ends with the first exit code that is not 0.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// listed is how many tests the table has.
const listed = 20

// module is left out of the names of packages.
const module = "github.com/humanconnect/humanconnect"

// exitUsage is the exit code of a wrong call.
const exitUsage = 2

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	split := slices.Index(args, "--")
	if split < 1 || split == len(args)-1 {
		_, _ = fmt.Fprintln(stderr, "usage: slowest DIRECTORY... -- go test -json ARG...")
		return exitUsage
	}
	var all []timing
	code := 0
	for _, dir := range args[:split] {
		r := newReport(stdout)
		got, err := test(ctx, r, dir, args[split+1:], stderr)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "slowest: in %s: %v\n", dir, err)
		}
		code = cmp.Or(code, got)
		all = append(all, r.timings()...)
	}
	printSlowest(stdout, all)
	return code
}

// test runs the command in a directory and returns its exit code.
func test(ctx context.Context, r *report, dir string, command []string, stderr io.Writer) (int, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Stderr = dir, stderr
	events, err := c.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := c.Start(); err != nil {
		return 1, err
	}
	unread := r.read(events)
	_, _ = io.Copy(io.Discard, events) // a command that nobody reads would not end
	err = c.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.line("FAIL")
		return max(exit.ExitCode(), 1), unread // -1 after a signal
	}
	if err := errors.Join(err, unread); err != nil {
		return 1, err
	}
	return 0, nil
}

// printSlowest prints the table.
func printSlowest(w io.Writer, all []timing) {
	slices.SortStableFunc(all, func(a, b timing) int { return cmp.Compare(b.seconds, a.seconds) })
	all = all[:min(len(all), listed)]
	if len(all) == 0 {
		return
	}
	var text strings.Builder
	text.WriteString("\nThe slowest tests:\n")
	for _, t := range all {
		fmt.Fprintf(&text, "%8.2fs  %s  %s\n", t.seconds, t.pkg, t.test)
	}
	_, _ = io.WriteString(w, text.String())
}
