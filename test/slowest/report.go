package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// timing is how long one test took, without its subtests.
type timing struct {
	pkg, test string
	seconds   float64
}

// report prints the tests of one module as they end, and notes how long they took.
type report struct {
	out     io.Writer
	running map[string]*packageRun
	ended   []timing
}

// packageRun is what is known of a package whose tests run.
type packageRun struct {
	// said is what it wrote itself.
	said []string
	// tests by their names, and their names in the order in which they began.
	tests map[string]*testRun
	names []string
}

// testRun is one test that runs, has failed, or has passed.
type testRun struct {
	passed  bool
	said    []string
	seconds float64
}

func newReport(out io.Writer) *report {
	return &report{out: out, running: make(map[string]*packageRun)}
}

// timings returns those of the packages that ended.
func (r *report) timings() []timing { return r.ended }

// line prints a line of the report's own.
func (r *report) line(text string) { r.print(text + "\n") }

func (r *report) print(text string) { _, _ = io.WriteString(r.out, text) }

// read prints events until there are no more. A line that is none, of the go command itself, is printed as it is.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				r.take(e)
			} else {
				r.print(line)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	if e.Action == "build-output" { // of a package that need not be one of the tested ones
		r.print(e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := r.running[e.Package]
	if p == nil {
		p = &packageRun{tests: make(map[string]*testRun)}
		r.running[e.Package] = p
	}
	if e.Test == "" {
		r.takePackage(p, e)
		return
	}
	t := p.tests[e.Test]
	if t == nil {
		t = &testRun{}
		p.tests[e.Test] = t
		p.names = append(p.names, e.Test)
	}
	switch e.Action {
	case "output":
		t.said = append(t.said, e.Output)
	case "pass", "skip":
		t.passed, t.said, t.seconds = true, nil, e.Elapsed
	case "fail":
		t.seconds = e.Elapsed
	}
}

func (r *report) takePackage(p *packageRun, e event) {
	switch e.Action {
	case "output":
		p.said = append(p.said, e.Output)
		return
	case "pass", "skip":
		if len(p.said) > 0 { // the last line is the one that go test prints
			r.print(p.said[len(p.said)-1])
		}
	case "fail":
		for _, name := range p.names {
			r.printFailed(p.tests[name], p.indent(name))
		}
		for _, text := range p.said {
			r.print(text)
		}
	default:
		return
	}
	delete(r.running, e.Package)
	r.note(p, e.Package)
}

// printFailed prints a test that did not pass: the line that says so, then what it wrote. A test that had not ended when
// its package did has no such line.
func (r *report) printFailed(t *testRun, indent string) {
	if t.passed {
		return
	}
	verdict := slices.IndexFunc(t.said, func(text string) bool {
		return strings.HasPrefix(strings.TrimLeft(text, " "), "--- FAIL: ")
	})
	if verdict >= 0 {
		r.print(indent + t.said[verdict])
	}
	for i, text := range t.said {
		if i != verdict && !strings.HasPrefix(text, "=== ") {
			r.print(indent + text)
		}
	}
}

// note keeps how long the tests of a package took. What a test spent in its subtests, one after another, is theirs; a test
// whose subtests ran side by side has nothing of its own that could be told.
func (r *report) note(p *packageRun, pkg string) {
	own := make(map[string]float64, len(p.tests))
	for name, t := range p.tests {
		own[name] += t.seconds
		if parent := p.parent(name); parent != "" {
			own[parent] -= t.seconds
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if own[name] > 0 {
			r.ended = append(r.ended, timing{strings.TrimPrefix(pkg, module+"/"), name, own[name]})
		}
	}
}

// indent returns what stands before the lines of a test: four spaces for each one above it.
func (p *packageRun) indent(name string) string {
	indent := ""
	for name = p.parent(name); name != ""; name = p.parent(name) {
		indent += "    "
	}
	return indent
}

// parent returns the test that this one is a subtest of, or "". A subtest may have a slash in its name.
func (p *packageRun) parent(name string) string {
	for i := strings.LastIndexByte(name, '/'); i >= 0; i = strings.LastIndexByte(name, '/') {
		name = name[:i]
		if p.tests[name] != nil {
			return name
		}
	}
	return ""
}
