package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/terminal"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
)

// coded is an error of a package that knows nothing of core/problem.
type coded struct{ code string }

func (c *coded) Error() string   { return "coded" }
func (c *coded) Code() string    { return c.code }
func (c *coded) Hints() []string { return []string{"do this"} }
func (c *coded) Facts() []string { return []string{"a fact"} }

// caused is a coded error that came from another one.
type caused struct {
	coded
	cause error
}

func (c *caused) Unwrap() error { return c.cause }

func TestExitCodeOfEveryKindOfError(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, exitOK},
		{"a plain error", errors.New("x"), exitError},
		{"a problem", problem.New("usage", "x"), exitUsage},
		{"a wrapped problem", fmt.Errorf("doing: %w", problem.New("usage", "x")), exitUsage},
		{"an error with a code", fmt.Errorf("doing: %w", &coded{"usage"}), exitUsage},
		{"a problem that came from an error with a code", problem.New("usage", "x").Because(&coded{"timeout"}), exitUsage},
		{"an error with a code that came from a problem", &caused{coded{"usage"}, problem.New("timeout", "x")}, exitUsage},
		{"an unknown code", problem.New("never_heard_of", "x"), exitError},
		{"a failure of a source", failure.New(failure.AccessDenied, "x"), exitRefused},
		{"a failure of a provider", failure.New(failure.ProviderCrashed, "x"), exitProvider},
		{"a command that said it all", endWith(exitFailures), exitFailures},
		{"a command that ended well", endWith(exitOK), exitOK},
		{"too late", fmt.Errorf("waiting: %w", context.DeadlineExceeded), exitTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitCode(tt.err); got != tt.want {
				t.Errorf("exitCode() = %d, want %d", got, tt.want)
			}
		})
	}
}

// listed says whether the help has an exit code.
func listed(code int) bool {
	return slices.ContainsFunc(exitEntries(), func(e exitEntry) bool { return e.Code == code })
}

func TestExitCodesAreDescribedOnceAndInOrder(t *testing.T) {
	last := -1
	for _, e := range exitEntries() {
		if e.Code <= last || e.Code == 2 || e.Meaning == "" {
			t.Errorf("entry %+v is out of order, empty, or left to Go's own crashes", e)
		}
		last = e.Code
	}
	for code, exit := range problemExits() {
		if !listed(exit) {
			t.Errorf("%s ends with %d, which no entry describes", code, exit)
		}
	}
	for code, exit := range failureExits() {
		if _, known := failure.Find(code); !known || !listed(exit) {
			t.Errorf("%s ends with %d: one of them is unknown", code, exit)
		}
	}
}

func TestErrorsSayWhatHappenedAndWhatToDo(t *testing.T) {
	err := fmt.Errorf("opening: %w", problem.New("usage", "no \x1b[31mtoken").Fact("looked \x07here").Hint("give one").Because(errors.New("cause")))
	a := newTestApp(t)
	if got := a.report(err); got != exitUsage {
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

	a = newTestApp(t, "-o", "json")
	a.report(&coded{"usage"})
	want := `{"error":{"code":"usage","message":"coded","facts":["a fact"],"hints":["do this"],"exit":10}}` + "\n"
	if got := a.err.String(); got != want {
		t.Errorf("JSON error\n%s want\n%s", got, want)
	}

	a = newTestApp(t, "-o", "json")
	a.report(fmt.Errorf("doing: %w", &caused{coded{"usage"}, problem.New("timeout", "late").Hint("wait")}))
	want = `{"error":{"code":"usage","message":"doing: coded","facts":["a fact"],"hints":["do this"],"exit":10}}` + "\n"
	if got := a.err.String(); got != want {
		t.Errorf("JSON error that came from another\n%s want\n%s", got, want)
	}

	a = newTestApp(t)
	a.report(failure.New(failure.AccessDenied, "no"))
	if !strings.Contains(a.err.String(), "[access_denied]\nhumanconnect: hint: connect again") {
		t.Errorf("a failure has no hint: %q", a.err.String())
	}
}

func TestWarningsAreCleanAndQuietDropsThem(t *testing.T) {
	a := newTestApp(t)
	a.warn("unknown variable %s", "X\x1b[2J")
	if got := a.err.String(); !strings.HasPrefix(got, "humanconnect: warning: unknown variable X") || strings.Contains(got, "\x1b") {
		t.Errorf("warned %q", got)
	}
	a = newTestApp(t)
	a.global.quiet = true
	a.warn("x")
	if a.err.Len() > 0 {
		t.Errorf("--quiet warned %q", a.err.String())
	}
}

// TestEveryProblemHasAnExitCode reads the source: each code that a problem or a coded error is made with stands in the
// table of exit codes, and the table names no code that nothing has.
func TestEveryProblemHasAnExitCode(t *testing.T) {
	found := problemCodes(t, "../..")
	if len(found) < 3 {
		t.Fatalf("found %v: the search is broken", found)
	}
	table := problemExits()
	for code, at := range found {
		if _, ok := table[code]; !ok {
			t.Errorf("%s: code %q has no exit code in problemExits", at, code)
		}
	}
	for code := range table {
		if _, ok := found[code]; !ok {
			t.Errorf("problemExits names %q, and nothing makes such a problem", code)
		}
	}
}

// TestEveryProblemSaysWhatToDo reads the source: whoever makes a problem gives it a hint, there or further down.
func TestEveryProblemSaysWhatToDo(t *testing.T) {
	files := token.NewFileSet()
	for _, path := range goFiles(t, "../..") {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			made, hinted := problemsIn(decl)
			if len(made) > 0 && !hinted {
				t.Errorf("%s: a problem says nothing to do", files.Position(made[0]))
			}
		}
	}
}

// problemsIn finds where a declaration makes problems, and whether it hints at anything.
func problemsIn(decl ast.Node) (made []token.Pos, hinted bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "New" && identifier(f.X) == "problem" {
				made = append(made, n.Pos())
			}
		case *ast.CompositeLit:
			if s, ok := n.Type.(*ast.SelectorExpr); ok && identifier(s.X) == "problem" && s.Sel.Name == "Problem" {
				made = append(made, n.Pos())
			}
		case *ast.KeyValueExpr: // facts that are given at once are what is wrong, each with its place
			hinted = hinted || identifier(n.Key) == "Facts"
		case *ast.Ident:
			hinted = hinted || n.Name == "Hint" || n.Name == "Hints"
		}
		return true
	})
	return made, hinted
}

// problemCodes finds the codes and one place of each. A code is a string that is given to problem.New or to the field
// Code of a Problem, or a string constant called Code… (Kind… in plugins).
func problemCodes(t *testing.T, root string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files := token.NewFileSet()
	for _, path := range goFiles(t, root) {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, code := range codesIn(n, file.Name.Name) {
				found[code] = files.Position(n.Pos()).String()
			}
			return true
		})
	}
	return found
}

// goFiles lists the sources of the program without its tests. Failures have a table of their own.
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{"cmd", "core", "plugins"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "failure":
				return fs.SkipDir
			case !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func codesIn(n ast.Node, pkg string) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if ok && f.Sel.Name == "New" && len(n.Args) > 1 && identifier(f.X) == "problem" {
			return literals(n.Args[:1])
		}
	case *ast.CompositeLit:
		if identifier(n.Type) == "Problem" {
			return literals(fieldValues(n, "Code"))
		}
	case *ast.ValueSpec:
		if codeConstant(n.Names[0].Name, pkg) {
			return literals(n.Values)
		}
	}
	return nil
}

var (
	codeName = regexp.MustCompile(`^[Cc]ode[A-Z]`)
	kindName = regexp.MustCompile(`^Kind[A-Z]`)
)

func codeConstant(name, pkg string) bool {
	return codeName.MatchString(name) || pkg == "plugins" && kindName.MatchString(name)
}

func identifier(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func fieldValues(lit *ast.CompositeLit, name string) []ast.Expr {
	var values []ast.Expr
	for _, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok && identifier(kv.Key) == name {
			values = append(values, kv.Value)
		}
	}
	return values
}

func literals(values []ast.Expr) []string {
	var found []string
	for _, v := range values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				found = append(found, s)
			}
		}
	}
	return found
}

// The contract: a signal, then a token, a time limit, failures, a hook.
func TestExitCodeOfASessionIsTheHighestOfAllThatItEndedWith(t *testing.T) {
	good, expired := session.Final{Status: event.Success}, session.Final{Status: event.TokenExpired}
	with := func(f session.Final, cut session.Cut, failed, other bool) session.Final {
		f.Cut, f.Failed, f.OtherScript = cut, failed, other
		return f
	}
	for _, tt := range []struct {
		final      session.Final
		unaccepted bool
		own        session.Cut
		want       int
	}{
		{good, false, session.CutNone, exitOK},
		{good, true, session.CutNone, exitHook},
		{with(good, session.CutNone, true, false), true, session.CutNone, exitFailures},
		{with(good, session.CutTimeLimit, true, false), true, session.CutNone, exitTimeout},
		{with(good, session.CutNone, true, false), true, session.CutTimeLimit, exitTimeout},
		{with(expired, session.CutTimeLimit, true, false), true, session.CutTimeLimit, exitToken},
		{with(expired, session.CutInterrupt, true, false), true, session.CutNone, exitInterrupted},
		{with(expired, session.CutTerminate, true, false), true, session.CutTimeLimit, exitTerminated},
		{with(expired, session.CutInterrupt, true, false), true, session.CutTerminate, exitTerminated},
		{expired, true, session.CutHangup, exitHangup},
		{with(good, session.CutNone, false, true), true, session.CutNone, exitFailures},
		{with(expired, session.CutInterrupt, true, true), true, session.CutNone, exitFailures},
		{with(good, session.CutNone, false, true), false, session.CutTimeLimit, exitTimeout},
		{with(good, session.CutNone, false, true), false, session.CutInterrupt, exitInterrupted},
	} {
		if got := exitOf(&tt.final, tt.unaccepted, tt.own); got != tt.want {
			t.Errorf("%+v, unaccepted %t, cut by %q: exit code %d, want %d", tt.final, tt.unaccepted, tt.own, got, tt.want)
		}
	}
}

func TestWhatCutsACallSaysSoToTheEngine(t *testing.T) {
	for want, cause := range map[session.Cut]error{
		session.CutInterrupt: &Interrupted{Signal: syscall.SIGINT}, session.CutTerminate: &Interrupted{Signal: syscall.SIGTERM},
		session.CutHangup: &Interrupted{Signal: syscall.SIGHUP}, session.CutTimeLimit: errTimeLimit,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if got := session.CutOf(ctx); got != want {
			t.Errorf("%v is %q, want %q", cause, got, want)
		}
		if exitCode(cause) != cutExits()[want] {
			t.Errorf("%v ends with %d alone, and with %d after a close", cause, exitCode(cause), cutExits()[want])
		}
	}
	if !errors.Is(terminal.ErrLost, session.ErrFrontEndLost) {
		t.Error("a lost terminal is no lost front end")
	}
}
