package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/help"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

const day = "86400"

// written are the pages as they are in files, by their names.
func written(t *testing.T) (dir string, texts map[string]string) {
	t.Helper()
	dir, texts = t.TempDir(), map[string]string{}
	if err := write(dir, "1.2.3", day); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "man[17]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(filepath.Dir(path), filepath.Ext(path)[1:]) {
			t.Errorf("%s: %v", path, err)
		}
		texts[filepath.Base(path)] = string(text)
	}
	return dir, texts
}

// plain is a page without the escapes of roff.
func plain(page string) string {
	return strings.NewReplacer(`\-`, "-", `\(rs`, `\`, `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\(dq`, `"`).Replace(page)
}

func TestEachCommandHasAPageWithItsFlagsAndExitCodes(t *testing.T) {
	_, texts := written(t)
	names := []string{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c.Name() != "help" && c.HasParent() {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		names = append(names, name)
		text := plain(texts[name])
		check := func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && !regexp.MustCompile(`(?m)^\.B "(-., )?--`+f.Name+`[ "]`).MatchString(text) {
				t.Errorf("%s does not have --%s", name, f.Name)
			}
		}
		c.LocalFlags().VisitAll(check)
		c.InheritedFlags().VisitAll(check)
		for _, e := range command.ExitsOf(c) {
			if !strings.Contains(text, plain("\n"+e.Meaning+"\n")) {
				t.Errorf("%s does not have the exit code %d", name, e.Code)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cli.NewRoot(&app.App{IO: &iostreams.IO{}}))
	for _, topic := range help.TopicNames() {
		names = append(names, "humanconnect-"+topic+".7")
	}
	if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		t.Errorf("the pages are %v, want %v", got, names)
	}
	for name, want := range map[string]string{
		"humanconnect-exit-codes.7": "timeout", "humanconnect-failures.7": "scope_missing", "humanconnect-environment.7": "HUMANCONNECT_CONFIG",
	} {
		if !strings.Contains(texts[name], want) {
			t.Errorf("%s does not name %s", name, want)
		}
	}
}

func TestPagesReferToPagesThatAreThere(t *testing.T) {
	_, texts := written(t)
	followed := 0
	for name, text := range texts {
		for _, m := range regexp.MustCompile(`(humanconnect[a-z-]*)\(([17])\)`).FindAllStringSubmatch(plain(text), -1) {
			if followed++; texts[m[1]+"."+m[2]] == "" {
				t.Errorf("%s refers to %s, which is not there", name, m[0])
			}
		}
	}
	if followed < 100 {
		t.Errorf("found only %d references", followed)
	}
}

func TestPagesAreTheSameOnEveryMachineAndDay(t *testing.T) {
	_, texts := written(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if !strings.HasPrefix(text, ".TH ") || !strings.Contains(text, `"1970-01-02"`) || !strings.Contains(text, "humanconnect 1.2.3") {
			t.Errorf("%s begins with %.80q", name, text)
		}
		for _, never := range []string{here, os.TempDir() + "/", "spf13", "cobra", "\n\n"} {
			if strings.Contains(plain(text), never) {
				t.Errorf("%s has %q", name, never)
			}
		}
		for _, r := range text {
			if r > '~' {
				t.Errorf("%s has the character %q, which some readers do not show", name, r)
			}
		}
	}
	if !maps.Equal(texts, pages("1.2.3", "1970-01-02")) {
		t.Error("pages that are made again are others")
	}
	if err := write(t.TempDir(), "", "today"); err == nil {
		t.Error("a date that is none is taken")
	}
}

// TestPagesAreWellFormed asks the programs that show them, where they are installed.
func TestPagesAreWellFormed(t *testing.T) {
	dir, _ := written(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, program := range [][]string{{"groff", "-man", "-ww", "-z"}, {"mandoc", "-T", "lint", "-W", "warning"}} {
		if _, err := exec.LookPath(program[0]); err != nil {
			continue
		}
		asked++
		for _, path := range paths {
			said, err := exec.CommandContext(t.Context(), program[0], append(program[1:], path)...).CombinedOutput()
			if err != nil || len(bytes.TrimSpace(said)) > 0 {
				t.Errorf("%s of %s: %v\n%s", program[0], filepath.Base(path), err, said)
			}
		}
	}
	if asked == 0 {
		t.Log("neither groff nor mandoc is installed: nothing is tested")
	}
}
