package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode"
)

// writeBenchstat writes each run as a line of its own in the benchmark format of Go, which benchstat reads: with
// "benchstat -col /side FILE" it compares both sides of one run, with "benchstat OLD NEW" two runs
// (https://go.dev/design/14313-benchmark-format).
func writeBenchstat(w io.Writer, rows []row) error {
	if _, err := fmt.Fprintf(w, "goos: %s\ngoarch: %s\ncpu: %s\npkg: humanconnect\n", runtime.GOOS, runtime.GOARCH, processor()); err != nil {
		return err
	}
	for _, r := range rows {
		for i := range r.a {
			for _, side := range []struct {
				name string
				sample
			}{{"humanconnect", r.a[i]}, {"beside", r.b[i]}} {
				if err := writeRun(w, r.name(), side.name, side.sample); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func writeRun(w io.Writer, name, side string, s sample) error {
	line := fmt.Sprintf("Benchmark%s/side=%s 1", name, side)
	if s.wall > 0 {
		line += fmt.Sprintf(" %d ns/op", s.wall)
	}
	if s.rss > 0 {
		line += fmt.Sprintf(" %d max-rss-B", s.rss)
	}
	_, err := io.WriteString(w, line+"\n")
	return err
}

// name is what a row measures, beside what, in one word that stays the same from run to run. What stands after a semicolon in
// the title is a result.
func (r row) name() string {
	title, _, _ := strings.Cut(r.what, ";")
	other, _, _ := strings.Cut(r.floor, ";")
	words := strings.FieldsFunc(title+" beside "+other, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// machine says on what was measured, and when.
func machine() string {
	return fmt.Sprintf("%s, %d cores; %s on %s/%s; %s", processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format(time.DateOnly))
}

// processor is the model of the processor as proc(5) has it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
