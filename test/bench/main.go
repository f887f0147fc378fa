// Command bench measures humanconnect beside floors that are taken in the same run: whole processes in interleaved
// pairs, so that a slow minute of the machine hits both sides. It prints a Markdown table.
//
//	go run ./test/bench [-runs 30] [-only REGEXP] [-benchstat FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	runs := flags.Int("runs", 30, "pairs of runs per row")
	only := flags.String("only", "", "only rows whose name matches")
	lines := flags.String("benchstat", "", "write each run to this file too, in the format that benchstat reads")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "humanconnect-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintln(os.Stderr, "building")
	w, err := newWorld(ctx, dir)
	if err != nil {
		return err
	}
	var rows []row
	for _, m := range w.measurements() {
		if !wanted.MatchString(m.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", m.name)
		more, err := m.take(ctx, *runs)
		if err != nil {
			return errors.Join(err, report(rows, *lines))
		}
		rows = append(rows, more...)
	}
	return report(rows, *lines)
}

// report prints the table, and writes the lines of each run to a file that is named.
func report(rows []row, lines string) error {
	if _, err := fmt.Printf("%s\n\n", machine()); err != nil {
		return err
	}
	if err := writeTable(os.Stdout, rows); err != nil || lines == "" {
		return err
	}
	f, err := os.Create(lines)
	if err != nil {
		return err
	}
	return errors.Join(writeBenchstat(f, rows), f.Close())
}
