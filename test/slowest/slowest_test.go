package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files of a module whose packages end in each way that there is.
func files() map[string]string {
	return map[string]string{
		"go.mod":       "module example.com/m\n\ngo 1.26\n",
		"none/none.go": "package none\n",
		"good/good_test.go": `package good
import "testing"
func TestGood(t *testing.T) { t.Log("nobody asks") }`,
		"bad/bad_test.go": `package bad
import ("fmt"; "testing")
func TestGood(t *testing.T) { t.Log("nobody asks") }
func TestBad(t *testing.T) {
	fmt.Println("on standard output")
	t.Run("a/b", func(t *testing.T) { t.Error("the reason\nin two lines") })
	t.Run("good", func(t *testing.T) { t.Log("nobody asks") })
}`,
		"broken/broken_test.go": "package broken\nfunc f() { undefined() }\n",
		"panics/panics_test.go": `package panics
import "testing"
func TestPanic(t *testing.T) { panic("at once") }`,
		"exits/exits_test.go": `package exits
import ("os"; "testing")
func TestExit(t *testing.T) { t.Log("the last words"); os.Exit(3) }`,
	}
}

func newModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// closing returns the lines by which go test says how packages and tests ended, in the order of the alphabet, since
// packages end in any order.
func closing(text string) []string {
	lines := regexp.MustCompile(`(?m)^\s*(ok  |FAIL|--- |\?   |panic: |# ).*$`).FindAllString(text, -1)
	for i := range lines {
		lines[i] = regexp.MustCompile(`\d+\.\d+s`).ReplaceAllString(lines[i], "N")
	}
	slices.Sort(lines)
	return lines
}

func TestWhatGoTestPrintsIsPrinted(t *testing.T) {
	t.Parallel()
	dir := newModule(t)
	plain := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
	plain.Dir = dir
	want, err := plain.CombinedOutput()
	if err == nil {
		t.Fatalf("all tests pass:\n%s", want)
	}
	var out, said bytes.Buffer
	code := run(context.Background(), []string{dir, "--", "go", "test", "-json", "-count=1", "./..."}, &out, &said)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	got, table, _ := strings.Cut(out.String(), "\nThe slowest tests:\n")
	if diff := cmp.Diff(closing(string(want)), closing(got)); diff != "" {
		t.Errorf("other closing lines than those of go test:\n%s\n%s", diff, got)
	}
	if said.Len() > 0 {
		t.Errorf("the go command says\n%s", said.String())
	}
	for _, want := range []string{"on standard output", "the reason\n            in two lines", "undefined: undefined", "at once", "the last words"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not printed:\n%s", want, got)
		}
	}
	if strings.Contains(got, "nobody asks") || strings.Contains(got, "=== ") {
		t.Errorf("more is printed than by go test:\n%s", got)
	}
	if len(closing(table)) > 0 {
		t.Errorf("the table reads like an end:\n%s", table)
	}
}

func TestExitCodeIsTheFirstThatIsNotZeroAndAllModulesAreTested(t *testing.T) {
	t.Parallel()
	codes := []string{"0", "3", "4"}
	dirs := make([]string, len(codes))
	for i, code := range codes {
		dirs[i] = t.TempDir()
		event := fmt.Sprintf(`{"Action":"pass","Package":"p%s","Test":"TestIt","Elapsed":%[1]s.5}`, code)
		text := fmt.Sprintf("echo '%s'\necho '{\"Action\":\"pass\",\"Package\":\"p%s\"}'\nexit %[2]s\n", event, code)
		if err := os.WriteFile(filepath.Join(dirs[i], "test.sh"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if got := run(context.Background(), append(dirs, "--", "sh", "test.sh"), &out, io.Discard); got != 3 {
		t.Errorf("exit code %d\n%s", got, out.String())
	}
	want := "FAIL\nFAIL\n\nThe slowest tests:\n    4.50s  p4  TestIt\n    3.50s  p3  TestIt\n    0.50s  p0  TestIt\n"
	if out.String() != want {
		t.Errorf("%q is printed, want %q", out.String(), want)
	}
}

func TestACommandThatCannotBeStartedIsAFailure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"."}, {"--", "true"}, {".", "--"}, {".", "--", "/no/such/program"}} {
		var said bytes.Buffer
		if run(context.Background(), args, io.Discard, &said) == 0 || said.Len() == 0 {
			t.Errorf("%q succeeds and says %q", args, said.String())
		}
	}
}

func TestTimeOfASubtestIsNotThatOfItsParent(t *testing.T) {
	t.Parallel()
	r := newReport(&bytes.Buffer{})
	events := ""
	for name, seconds := range map[string]float64{"TestA": 5, "TestA/long": 3, "TestA/long/a/b": 2.5, "TestB": 3, "TestB/x": 3, "TestB/y": 3} {
		events += fmt.Sprintf("{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":%q,\"Elapsed\":%v}\n", name, seconds)
	}
	if err := r.read(strings.NewReader(events + `{"Action":"pass","Package":"p"}`)); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, timing := range r.timings() {
		got[timing.test] = timing.seconds
	}
	want := map[string]float64{"TestA": 2, "TestA/long": 0.5, "TestA/long/a/b": 2.5, "TestB/x": 3, "TestB/y": 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
