package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// maxLine is how many bytes of one line of an error are shown.
const maxLine = 1000

// codeless stands for the code of an error that has none of its own.
const codeless = "error"

// described is an error as a person or a script gets it.
type described struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Facts   []string `json:"facts"`
	Hints   []string `json:"hints"`
	Exit    int      `json:"exit"`
}

// withCode is an error with a code, of a package that knows nothing of problems.
type withCode interface {
	error
	Code() string
}

// firstCoded returns the first error in the chain that has a code, which is a problem, an error of another kind, or
// nothing. What that came from may have a code as well, which says less of what went wrong: that the key of the state is
// lost, and not that some secret is.
func firstCoded(err error) (*problem.Problem, withCode) {
	var p *problem.Problem
	var c withCode
	isProblem, isOther := errors.As(err, &p), errors.As(err, &c)
	if isOther && (!isProblem || errors.Is(c, p)) {
		return nil, c
	}
	return p, nil
}

// codeOf returns the code of the first error in the chain that has one, or "".
func codeOf(err error) string {
	p, c := firstCoded(err)
	switch {
	case p != nil:
		return p.Code
	case c != nil:
		return c.Code()
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return string(f.Code)
	}
	return ""
}

// describe collects what an error has to say. Text that may come from outside is cleaned of control characters.
func describe(err error) described {
	d := described{Code: codeOf(err), Message: clean(err.Error()), Facts: []string{}, Hints: []string{}, Exit: exitCode(err)}
	if d.Code == "" {
		d.Code = codeless
	}
	if p, _ := firstCoded(err); p != nil {
		d.Facts, d.Hints = cleanAll(p.Facts), cleanAll(p.Hints)
		return d
	}
	var facts interface{ Facts() []string }
	if errors.As(err, &facts) {
		d.Facts = cleanAll(facts.Facts())
	}
	var hints interface{ Hints() []string }
	if errors.As(err, &hints) {
		d.Hints = cleanAll(hints.Hints())
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) && len(d.Hints) == 0 {
		if entry, ok := failure.Find(f.Code); ok {
			d.Hints = []string{entry.Hint}
		}
	}
	return d
}

func clean(s string) string { return host.CleanText(s, maxLine) }

// cleanAddress makes an address of a source fit for the terminal. It is not cut: half an address leads nowhere.
func cleanAddress(s string) string { return host.CleanText(s, session.MaxURL) }

func cleanAll(lines []string) []string {
	cleaned := make([]string, 0, len(lines))
	for _, line := range lines {
		cleaned = append(cleaned, clean(line))
	}
	return cleaned
}

// report prints what a command failed with to standard error and returns the exit code.
func (a *App) report(err error) int {
	if err == nil {
		return exitOK
	}
	if e := (*ended)(nil); errors.As(err, &e) {
		return e.code
	}
	// Whoever pressed Ctrl-C knows what happened.
	if first := a.Signals.First(); first != nil && cut(err) {
		return first.ExitCode()
	}
	d := describe(err)
	if a.wantsJSON() {
		writeJSONLine(a.Streams.Err, map[string]described{"error": d})
		return d.Exit
	}
	a.writeError(a.Streams.Err, d)
	return d.Exit
}

// cut says whether an error is only that the work was to end.
func cut(err error) bool {
	i := (*Interrupted)(nil)
	return errors.Is(err, context.Canceled) || errors.As(err, &i)
}

// writeError writes the form of every error:
//
//	humanconnect: error: what happened [code]
//	  a fact
//	humanconnect: hint: one thing to do
func (a *App) writeError(w io.Writer, d described) {
	colour := a.colour(a.Streams.ErrTerminal)
	var b strings.Builder
	fmt.Fprintf(&b, "humanconnect: %s %s [%s]\n", paint(colour, styleError, "error:"), d.Message, d.Code)
	for _, fact := range d.Facts {
		fmt.Fprintf(&b, "  %s\n", fact)
	}
	for _, hint := range d.Hints {
		fmt.Fprintf(&b, "humanconnect: %s %s\n", paint(colour, styleHint, "hint:"), hint)
	}
	_, _ = io.WriteString(w, b.String()) // nobody is left to tell that standard error is closed
}

// warn says on standard error what a person should know and no script depends on. --quiet drops it.
func (a *App) warn(format string, args ...any) {
	if a.global.quiet {
		return
	}
	_, _ = fmt.Fprintf(a.Streams.Err, "humanconnect: warning: %s\n", clean(fmt.Sprintf(format, args...)))
}
