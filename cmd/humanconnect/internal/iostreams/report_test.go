package iostreams

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestErrorsHaveCodeFactsAndHints(t *testing.T) {
	err := fmt.Errorf("opening: %w", problem.New(problem.CodeUsage, "no \x1b[31mtoken").Fact("looked \x07here").Hint("give one").Because(errors.New("cause")))
	a := newTestIO(t)
	if got := a.Report(err); got != exit.Usage {
		t.Errorf("exit code %d", got)
	}
	text := a.err.String()
	if strings.ContainsAny(text, "\x1b\x07") {
		t.Errorf("control characters reached the terminal: %q", text)
	}
	for _, want := range []string{"humanconnect: error: opening: no ", "cause [usage]\n", "\n  looked ", "\nhumanconnect: hint: give one\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}

	a = newTestIO(t, "-o", "json")
	late := problem.New(problem.CodeTimeout, "late").Hint("wait")
	a.Report(fmt.Errorf("doing: %w", holding{problem.New(problem.CodeUsage, "held").Fact("a fact").Hint("do this").Because(late)}))
	want := `{"kind":"error","id":null,"error":{"code":"usage","message":"doing: held: late","facts":["a fact"],"hints":["do this"],"problems":[],"exit":10}}` + "\n"
	if got := a.err.String(); got != want {
		t.Errorf("JSON error\n%s want\n%s", got, want)
	}

	a = newTestIO(t)
	a.Report(failure.New(failure.AccessDenied, "no"))
	if !strings.Contains(a.err.String(), "[access_denied]\nhumanconnect: hint: connect again") {
		t.Errorf("a failure has no hint: %q", a.err.String())
	}
}

func TestWarningsAreCleanAndQuietDropsThem(t *testing.T) {
	a := newTestIO(t)
	a.Warn("unknown variable %s", "X\x1b[2J")
	if got := a.err.String(); !strings.HasPrefix(got, "humanconnect: warning: unknown variable X") || strings.Contains(got, "\x1b") {
		t.Errorf("warned %q", got)
	}
	a = newTestIO(t)
	a.Flags.Quiet = true
	a.Warn("x")
	if a.err.Len() > 0 {
		t.Errorf("--quiet warned %q", a.err.String())
	}
}

func TestTablesAreAlignedAndClean(t *testing.T) {
	var b strings.Builder
	if err := WriteTable(&b, []string{"ID", "NAME"}, [][]string{{"long-id", "x\x1b[2Jy"}, {"a", ""}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 4 || lines[0] != "ID       NAME" || !strings.HasPrefix(lines[1], "long-id  x") || strings.Contains(lines[1], "\x1b") || lines[2] != "a" {
		t.Errorf("got %q", lines)
	}
}

func TestEmptyCellsEndNoColumn(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"first", "", ""}, {"2", "", "late"}, {"3", "", ""}, {"4", "second", "x"}}
	if err := WriteTable(&b, []string{"A", "B", "C"}, rows); err != nil {
		t.Fatal(err)
	}
	want := "A      B       C\nfirst\n2              late\n3\n4      second  x\n"
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

// holding is an error of a package that wraps a problem.
type holding struct{ *problem.Problem }

func (h holding) Unwrap() error { return h.Problem }
