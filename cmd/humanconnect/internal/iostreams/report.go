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

// maxLine is how many bytes of one line of an error are shown.
const maxLine = 1000

// codeless stands for the code of an error that has none of its own.
const codeless = "error"

// Described is an error as a person or a script gets it.
type Described struct {
	Code    problem.Code `json:"code"`
	Message string       `json:"message"`
	Facts   []string     `json:"facts"`
	Hints   []string     `json:"hints"`
	Exit    int          `json:"exit"`
}

// Describe collects what an error has to say. Text that may come from outside is cleaned of control characters.
func Describe(err error) Described {
	p := exit.ProblemOf(err)
	return Described{
		Code: cmp.Or(p.Code(), codeless), Message: Clean(err.Error()), Facts: CleanAll(p.Facts()), Hints: CleanAll(p.Hints()), Exit: exit.Of(err),
	}
}

// Clean makes a line of text from outside fit for the terminal, and cuts it.
func Clean(s string) string { return host.CleanText(s, maxLine) }

// CleanAll cleans each line.
func CleanAll(lines []string) []string {
	cleaned := make([]string, 0, len(lines))
	for _, line := range lines {
		cleaned = append(cleaned, Clean(line))
	}
	return cleaned
}

// Report prints what a command failed with to standard error and returns the exit code.
func (s *IO) Report(err error) int {
	if err == nil {
		return exit.OK
	}
	if code, ended := exit.Ended(err); ended {
		return code
	}
	d := Describe(err)
	if s.WantsJSON() {
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
//	humanconnect: hint: one thing to do
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
	_, _ = io.WriteString(w, b.String()) // nobody is left to tell that standard error is closed
}

// Warn says on standard error what a person should know and no script depends on. --quiet drops it.
func (s *IO) Warn(format string, args ...any) {
	if s.Flags.Quiet {
		return
	}
	_, _ = fmt.Fprintf(s.Err, "humanconnect: warning: %s\n", Clean(fmt.Sprintf(format, args...)))
}

// Hint names one thing to do about a warning. --quiet drops it.
func (s *IO) Hint(text string) {
	if text != "" && !s.Flags.Quiet {
		_, _ = fmt.Fprintf(s.Err, "humanconnect: hint: %s\n", Clean(text))
	}
}

// Say writes a line that a person needs to go on. --quiet does not drop it.
func (s *IO) Say(format string, args ...any) {
	_, _ = io.WriteString(s.Err, "humanconnect: "+fmt.Sprintf(format, args...)+"\n")
}
