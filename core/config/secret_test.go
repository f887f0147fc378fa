package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// refTo loads a config whose store.key is the given reference.
func refTo(t *testing.T, reference string) (*config.SecretRef, string) {
	t.Helper()
	path := write(t, "version: 1\nstore: {key: "+reference+"}\n")
	return load(t, options(path)).Store.Key, filepath.Dir(path)
}

func TestSecretOfAFileIsItsTextButForOneNewline(t *testing.T) {
	ref, dir := refTo(t, "{file: sub/../key}")
	for text, want := range map[string]string{
		"abc": "abc", "abc\n": "abc", "abc\r\n": "abc", "abc\n\n": "abc\n", " a b ": " a b ", strings.Repeat("x", config.MaxSecret): strings.Repeat("x", config.MaxSecret),
	} {
		overwrite(t, filepath.Join(dir, "key"), text)
		got, err := ref.Resolve(t.Context(), nil)
		if err != nil || got.Reveal() != want {
			t.Errorf("%.20q: %.20q, %v", text, got.Reveal(), err)
		}
	}
	for _, text := range []string{"", "\n", strings.Repeat("x", config.MaxSecret+1)} {
		overwrite(t, filepath.Join(dir, "key"), text)
		if _, err := ref.Resolve(t.Context(), nil); problem.CodeOf(err) != config.CodeSecret {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestSecretIsReadWhenItIsUsed(t *testing.T) {
	ref, dir := refTo(t, "{file: key}") // not there while the config is loaded
	if _, err := ref.Resolve(t.Context(), nil); problem.CodeOf(err) != config.CodeSecret || !strings.Contains(err.Error(), "store.key") {
		t.Errorf("%v", err)
	}
	overwrite(t, filepath.Join(dir, "key"), "one")
	_, _ = ref.Resolve(t.Context(), nil)
	overwrite(t, filepath.Join(dir, "key"), "two")
	if got, err := ref.Resolve(t.Context(), nil); err != nil || got.Reveal() != "two" {
		t.Errorf("%v", err)
	}
}

func TestSecretThatIsNotThereSaysWhatToDo(t *testing.T) {
	for reference, want := range map[string]string{
		"{file: key}":          "write the secret to that file, or correct store.key",
		"{env: THE_KEY}":       "set THE_KEY, or correct store.key",
		"{command: [no-such]}": "run the command by hand to see what it lacks, or correct store.key",
	} {
		ref, _ := refTo(t, reference)
		_, err := ref.Resolve(t.Context(), nil)
		var p *problem.Problem
		if !errors.As(err, &p) || len(p.Hints()) != 1 || p.Hints()[0] != want {
			t.Errorf("%s: %v", reference, err)
		}
	}
}

func TestSecretFileThatEveryoneCanReadIsAWarning(t *testing.T) {
	path := write(t, "version: 1\nstore: {key: {file: key}}\n")
	key := filepath.Join(filepath.Dir(path), "key")
	overwrite(t, key, "abc")
	load(t, options(path))
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	_, warnings, err := config.Load(options(path))
	if err != nil || len(warnings) != 1 || warnings[0].Code != "secret_mode" {
		t.Errorf("%v %v", warnings, err)
	}
}

func TestSecretOfAVariable(t *testing.T) {
	ref, _ := refTo(t, "{env: THE_KEY}")
	got, err := ref.Resolve(t.Context(), config.Environment{"THE_KEY=old", "THE_KEY=a=b\n"})
	if err != nil || got.Reveal() != "a=b\n" {
		t.Errorf("%q %v", got.Reveal(), err)
	}
	for _, env := range []config.Environment{nil, {"THE_KEY="}} {
		if _, err := ref.Resolve(t.Context(), env); problem.CodeOf(err) != config.CodeSecret {
			t.Errorf("%v", err)
		}
	}
}

func TestSecretOfACommandRunsWithoutAShellInTheDirectoryOfTheConfig(t *testing.T) {
	ref, dir := refTo(t, `{command: [./tool, "$HOME;x", y]}`)
	tool := "#!/bin/sh\nread -r none && exit 9\necho \"$1|$2|$PWD|$THE_VAR|$HUMANCONNECT_SESSION_TOKEN\"\n"
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte(tool), 0o700); err != nil {
		t.Fatal(err)
	}
	env := config.Environment{"THE_VAR=v", "HUMANCONNECT_SESSION_TOKEN=hcs_x"}
	got, err := ref.Resolve(t.Context(), env)
	if want := "$HOME;x|y|" + dir + "|v|"; err != nil || got.Reveal() != want {
		t.Errorf("%q %v, want %q", got.Reveal(), err, want)
	}
}

func TestSecretCommandGetsNothingOfTheProcess(t *testing.T) {
	t.Setenv("HUMANCONNECT_SESSION_TOKEN", "hcs_x")
	ref, _ := refTo(t, `{command: [sh, -c, 'echo "<$HUMANCONNECT_SESSION_TOKEN>"']}`)
	if got, err := ref.Resolve(t.Context(), nil); err != nil || got.Reveal() != "<>" {
		t.Errorf("%q %v", got.Reveal(), err)
	}
}

func TestSecretCommandThatFailsTellsOneCleanLine(t *testing.T) {
	ref, _ := refTo(t, `{command: [sh, -c, "echo s3cret; printf 'first\nnot \\033[31mlogged in\n' >&2; exit 3"]}`)
	_, err := ref.Resolve(t.Context(), nil)
	if problem.CodeOf(err) != config.CodeSecret {
		t.Fatalf("%v", err)
	}
	text := err.Error()
	if !strings.HasSuffix(text, "exit status 3: not [31mlogged in") || strings.Contains(text, "s3cret") {
		t.Errorf("%q", text)
	}
	ref, _ = refTo(t, `{command: [no-such-program-anywhere]}`)
	if _, err := ref.Resolve(t.Context(), nil); problem.CodeOf(err) != config.CodeSecret {
		t.Errorf("%v", err)
	}
}

func TestSecretCommandEndsWithItsContextChildrenIncluded(t *testing.T) {
	ref, dir := refTo(t, `{command: [sh, -c, "sleep 300 & echo $! > pid; wait"]}`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := ref.Resolve(ctx, config.Environment{"PATH=" + os.Getenv("PATH")})
		done <- err
	}()
	var pid string
	within(t, "the child starts", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		pid = strings.TrimSpace(string(text))
		return pid != ""
	})
	cancel()
	select {
	case err := <-done:
		if problem.CodeOf(err) != config.CodeSecret {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Resolve does not return")
	}
	within(t, "the child is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// within polls until the condition holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit, tick := time.After(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}

func TestSecretCommandThatPrintsWithoutEndIsCut(t *testing.T) {
	ref, _ := refTo(t, `{command: [sh, -c, "yes | head -c 2000000"]}`)
	if _, err := ref.Resolve(t.Context(), config.Environment{"PATH=" + os.Getenv("PATH")}); problem.CodeOf(err) != config.CodeSecret {
		t.Errorf("%v", err)
	}
}

func TestTextOfValuesIsNotPrinted(t *testing.T) {
	c := load(t, options(write(t, "version: 1\nsources: [{id: s, settings: {k: s3cret}}]\n")))
	if text := fmt.Sprintf("%v %+v %#v", c.Sources, c.Sources[0], c.Sources[0].Settings); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}

func TestSecretFileThatNobodyFillsEndsWithItsContext(t *testing.T) {
	ref, dir := refTo(t, "{file: key}")
	if err := syscall.Mkfifo(filepath.Join(dir, "key"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ref.Resolve(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestCommandThatIsLateIsTold(t *testing.T) {
	ref, _ := refTo(t, "{command: [sleep, '100']}")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := ref.Resolve(ctx, config.Environment{"PATH=" + os.Getenv("PATH")})
	if problem.CodeOf(err) != config.CodeSecret || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "was not done in time") {
		t.Errorf("%v", err)
	}
}

// TestBlanksAtTheEndsOfASecretAreWarnedOf: a byte order mark is no part of it, blanks are, and are hardly meant.
func TestBlanksAtTheEndsOfASecretAreWarnedOf(t *testing.T) {
	for text, want := range map[string]string{
		"s3cret \n": "ends with a blank", "\ufeff s3cret-that-is-long\n": "begins with a blank", "a s3cret of words\n": "", "s3cret\r\n": "", "s3cret-that-is-long\t": "ends with a blank",
	} {
		path := write(t, "version: 1\nstore: {key: {file: key}}\n")
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, warnings, err := config.Load(options(path))
		if err != nil {
			t.Fatal(err)
		}
		if (len(warnings) == 1) != (want != "") || want != "" && !strings.Contains(warnings[0].Message, want) || strings.Contains(fmt.Sprint(warnings), "s3cret") {
			t.Errorf("%q: %v", text, warnings)
		}
		if got, err := c.Store.Key.Resolve(t.Context(), nil); err != nil || strings.HasPrefix(got.Reveal(), "\ufeff") {
			t.Errorf("%q is %q, %v", text, got.Reveal(), err)
		}
	}
}
