package house_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script runs a script of test/ and returns what it says.
func script(t *testing.T, environ []string, name string, args ...string) (string, error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, sh, append([]string{filepath.Join(root, "test", name)}, args...)...)
	c.Env = environ
	said, err := c.CombinedOutput()
	return string(said), err
}

func TestWhatTheTestsNeedIsNamedWhereItIsMissing(t *testing.T) {
	said, err := script(t, []string{"PATH=" + t.TempDir()}, "needs.sh") // nothing is there, and nothing to install it with
	if err == nil {
		t.Errorf("nothing is missing:\n%s", said)
	}
	for _, name := range []string{"gcc", "openssl", "nodejs", "npm", "chromium"} {
		if !strings.Contains(said, " "+name) {
			t.Errorf("does not name %s:\n%s", name, said)
		}
	}
}

// fakeGo has the packages good, bad, broken (does not compile) and last, and a target in each. FuzzGood comes late once.
const fakeGo = `#!/bin/sh
case "$*" in
list*) case $PWD in */sdk) ;; *) echo good; echo bad; echo broken; echo last ;; esac ;;
*-list*good) echo FuzzGood ;;
*-list*bad) echo FuzzBad ;;
*-list*broken) echo "does not compile" >&2; exit 1 ;;
*-list*last) echo FuzzLast ;;
*FuzzGood*)
	[ -e "$MARK" ] && { echo PASS; exit; }
	: > "$MARK"
	echo "    context deadline exceeded"
	exit 1 ;;
*FuzzBad*) echo "    Failing input written to testdata/fuzz/FuzzBad/1"; echo "    context deadline exceeded"; exit 1 ;;
*FuzzLast*) echo PASS ;;
esac
`

func TestFuzzingGoesOnAfterAFailureAndFailsInTheEnd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(fakeGo), 0o700); err != nil {
		t.Fatal(err)
	}
	environ := []string{"PATH=" + os.Getenv("PATH"), "GO=" + filepath.Join(dir, "go"), "MARK=" + filepath.Join(dir, "late"), "TMPDIR=" + dir}
	said, err := script(t, environ, "fuzz.sh", "1s")
	if err == nil || !strings.HasSuffix(said, "failed: bad.FuzzBad broken\n") {
		t.Errorf("%v\n%s", err, said)
	}
	for line, times := range map[string]int{"== good FuzzGood\n": 2, "== bad FuzzBad\n": 1, "== last FuzzLast\n": 1} {
		if strings.Count(said, line) != times {
			t.Errorf("not %d times %q\n%s", times, line, said)
		}
	}
}
