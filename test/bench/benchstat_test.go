package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestEachRunIsALineThatBenchstatReads(t *testing.T) {
	t.Parallel()
	r := row{comparison: comparison{
		what: "64 `open --connect x` at once, each; slowest 3 ms", floor: "4 at once, each",
		a: []sample{{wall: 2 * time.Millisecond, rss: 4096}, {wall: 3 * time.Millisecond}}, b: []sample{{wall: time.Millisecond}, {wall: time.Millisecond}},
	}}
	var out strings.Builder
	if err := writeBenchstat(&out, []row{r}); err != nil {
		t.Fatal(err)
	}
	_, runs, _ := strings.Cut(out.String(), "pkg: humanconnect\n")
	want := "Benchmark64OpenConnectXAtOnceEachBeside4AtOnceEach/side=humanconnect 1 2000000 ns/op 4096 max-rss-B\n" +
		"Benchmark64OpenConnectXAtOnceEachBeside4AtOnceEach/side=beside 1 1000000 ns/op\n" +
		"Benchmark64OpenConnectXAtOnceEachBeside4AtOnceEach/side=humanconnect 1 3000000 ns/op\n" +
		"Benchmark64OpenConnectXAtOnceEachBeside4AtOnceEach/side=beside 1 1000000 ns/op\n"
	if runs != want {
		t.Errorf("%s\nis written, want\n%s", runs, want)
	}
	// https://go.dev/design/14313-benchmark-format: a name, how often it ran, and pairs of a number and its unit.
	format := regexp.MustCompile(`^Benchmark\S+ [0-9]+( [0-9]+ \S+)+$`)
	for line := range strings.Lines(runs) {
		if !format.MatchString(strings.TrimSpace(line)) {
			t.Errorf("no line of a benchmark: %s", line)
		}
	}
}
