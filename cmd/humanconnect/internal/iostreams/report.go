package iostreams

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
	Code    problem.Code `json:"code"`
	Message string       `json:"message"`
	Facts   []string     `json:"facts"`
	Hints   []string     `json:"hints"`
	// Problems has apart what facts have in columns, for an error of a file.
	Problems []problem.Place `json:"problems"`
	Exit     int             `json:"exit"`
}

// Describe collects the parts of an error. Control characters are removed from its texts.
func Describe(err error) Described {
	p := exit.ProblemOf(err)
	d := Described{
		Code: cmp.Or(p.Code(), defaultCode), Message: Clean(err.Error()), Facts: CleanAll(p.Facts()), Hints: CleanAll(p.Hints()),
		Problems: OrEmpty(p.Places()), Exit: exit.Of(err),
	}
	for i := range d.Problems {
		d.Problems[i].Message = Clean(d.Problems[i].Message)
	}
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
		d.Facts = slices.DeleteFunc(d.Facts, func(fact string) bool {
			_, placed := problem.PlaceOf(fact)
			return placed && len(d.Problems) > 0
		})
		writeJSONLine(s.Err, map[string]Described{"error": d})
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
