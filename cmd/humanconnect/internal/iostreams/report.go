package iostreams

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// maxLine is the longest line of an error that is shown, in bytes.
const maxLine = 1000

// defaultCode is the code of an error that has none of its own.
const defaultCode = "error"

// Described is an error as it is printed, as text or JSON.
type Described struct {
	// Code is stable; "error" for an error that has none of its own.
	Code    problem.Code `json:"code"`
	Message string       `json:"message"`
	// Facts are further lines on what happened; JSON leaves those out that Problems has apart.
	Facts []string `json:"facts"`
	// Hints say what to do, one thing each.
	Hints    []string  `json:"hints"`
	Problems []Problem `json:"problems"`
	// Exit is the exit code.
	Exit int `json:"exit"`

	// unplaced are the facts that Problems does not have.
	unplaced []string
}

// Problem is one thing that is wrong in a file, a flag or a variable.
type Problem struct {
	// File is null for what stands in none, as a flag. Line and Column count from 1.
	File   *string `json:"file"`
	Line   *int    `json:"line"`
	Column *int    `json:"column"`
	// Key is the path of the value, as in "hooks[0].on"; null where the file as a whole is wrong.
	Key     *string `json:"key"`
	Message string  `json:"message"`
	// Suggestion is what was probably meant.
	Suggestion *string `json:"suggestion"`
}

// PrintedError is an error as -o json prints it.
type PrintedError struct {
	Kind  string    `json:"kind"`
	ID    NoID      `json:"id"`
	Error Described `json:"error"`
}

// NewPrintedError returns an error as -o json prints it.
func NewPrintedError(d Described) PrintedError {
	return PrintedError{Kind: "error", Error: d.ForJSON()}
}

func problemsOf(places []problem.Place) []Problem {
	problems := make([]Problem, 0, len(places))
	for _, p := range places {
		problems = append(problems, Problem{
			OrNull(p.File), OrNull(p.Line), OrNull(p.Column), OrNull(p.Key), Clean(p.Message), OrNull(p.Suggestion),
		})
	}
	return problems
}

// Describe collects the parts of an error. Control characters are removed from its texts.
func Describe(err error) Described {
	p := exit.ProblemOf(err)
	return Described{
		Code: cmp.Or(p.Code(), defaultCode), Message: Clean(err.Error()), Facts: CleanAll(p.Facts()), Hints: CleanAll(p.Hints()),
		Problems: problemsOf(p.Places()), Exit: exit.Of(err), unplaced: CleanAll(p.Unplaced()),
	}
}

// ForJSON returns the error without the facts that its problems say apart.
func (d Described) ForJSON() Described {
	d.Facts = d.unplaced
	return d
}

// Clean removes control characters from a text from outside, and truncates it to one line for the terminal.
func Clean(s string) string { return host.CleanText(s, maxLine) }

// CleanAll cleans each line.
func CleanAll(lines []string) []string {
	cleaned := make([]string, 0, len(lines))
	for _, line := range lines {
		cleaned = append(cleaned, Clean(line))
	}
	return cleaned
}

// Report prints the error of a command to standard error and returns the exit code.
func (s *IO) Report(err error) int {
	if err == nil {
		return exit.OK
	}
	if code, silent := exit.Silent(err); silent {
		return code
	}
	d := Describe(err)
	if s.WantsJSON() {
		writeJSONLine(s.Err, NewPrintedError(d))
		return d.Exit
	}
	s.writeError(s.Err, d)
	return d.Exit
}

// writeError writes the form of every error:
//
//	humanconnect: error: what happened [code]
//	  a fact
//	humanconnect: hint: how to fix it
func (s *IO) writeError(w io.Writer, d Described) {
	colour := s.Colour(s.ErrTerminal)
	var b strings.Builder
	fmt.Fprintf(&b, "humanconnect: %s %s [%s]\n", paint(colour, styleError, "error:"), d.Message, d.Code)
	for _, fact := range d.Facts {
		fmt.Fprintf(&b, "  %s\n", fact)
	}
	for _, hint := range d.Hints {
		fmt.Fprintf(&b, "humanconnect: %s %s\n", paint(colour, styleHint, "hint:"), hint)
	}
	_, _ = io.WriteString(w, b.String()) // if standard error is closed, there is nowhere to report it
}

// Warn prints a warning to standard error, unless --quiet.
func (s *IO) Warn(format string, args ...any) {
	if s.Flags.Quiet {
		return
	}
	_, _ = fmt.Fprintf(s.Err, "humanconnect: warning: %s\n", Clean(fmt.Sprintf(format, args...)))
}

// Hint prints what to do about a warning, unless --quiet.
func (s *IO) Hint(text string) {
	if text != "" && !s.Flags.Quiet {
		_, _ = fmt.Fprintf(s.Err, "humanconnect: hint: %s\n", Clean(text))
	}
}

// Say prints a line that a person needs to continue, even with --quiet.
func (s *IO) Say(format string, args ...any) {
	_, _ = io.WriteString(s.Err, "humanconnect: "+fmt.Sprintf(format, args...)+"\n")
}
