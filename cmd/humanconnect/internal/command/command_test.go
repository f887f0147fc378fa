package command_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// s3cret is what a person may type in the wrong place.
const s3cret = "hc_S3CRET"

// wantUsage is a usage error that does not repeat a secret, with a word that it says.
func wantUsage(t *testing.T, name string, err error, says string) {
	t.Helper()
	p := (*problem.Problem)(nil)
	if !errors.As(err, &p) || p.Code() != problem.CodeUsage || len(p.Hints()) == 0 {
		t.Errorf("%s: %v", name, err)
		return
	}
	text := p.Error() + " " + strings.Join(p.Hints(), " ")
	if strings.Contains(text, s3cret) || !strings.Contains(text, says) {
		t.Errorf("%s: %s", name, text)
	}
}

func TestArgumentsAreCountedAndNeverRepeated(t *testing.T) {
	c := &cobra.Command{Use: "show"}
	for name, f := range map[string]struct {
		args  cobra.PositionalArgs
		given []string
		says  string // "" for what is accepted
	}{
		"one":               {command.ExactArgs("ID"), []string{s3cret}, ""},
		"none of one":       {command.ExactArgs("ID"), nil, "ID"},
		"second of two":     {command.ExactArgs("ID", "NAME"), []string{s3cret}, "NAME"},
		"two of one":        {command.ExactArgs("ID"), []string{"a", s3cret}, "one argument"},
		"some of none":      {command.ExactArgs(), []string{s3cret}, "no arguments"},
		"three of two":      {command.UpToArgs(2), []string{"a", "b", s3cret}, "2 arguments"},
		"none of up to two": {command.UpToArgs(2), nil, ""},
	} {
		if err := f.args(c, f.given); f.says != "" {
			wantUsage(t, name, err, f.says)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownWordIsRepeatedOnlyIfItLooksLikeACommand(t *testing.T) {
	c := command.Group(&cobra.Command{Use: "hook"})
	c.AddCommand(&cobra.Command{Use: "list", Run: func(*cobra.Command, []string) {}}, &cobra.Command{Use: "lisp", Hidden: true, Run: func(*cobra.Command, []string) {}})
	wantUsage(t, "near", c.Args(c, []string{"lst"}), "did you mean: hook list")
	wantUsage(t, "hidden", c.Args(c, []string{"lisb"}), "hook list")
	wantUsage(t, "no command", c.Args(c, []string{s3cret}), "hook")
	if err := c.Args(c, nil); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("a", 32)
	if err := command.UnknownCommand(c, long); strings.Contains(err.Error(), long) {
		t.Errorf("repeated: %v", err)
	}
}

func TestWrongFlagsNeverRepeatWhatWasTyped(t *testing.T) {
	for name, c := range map[string]struct{ args, says string }{
		"near":      {"--limt=3", "did you mean: --limit"},
		"unknown":   {"--" + s3cret, "unknown flag"},
		"shorthand": {"-t" + s3cret, "-t"},
		"number":    {"--limit=" + s3cret, "whole number"},
		"duration":  {"--wait=" + s3cret, "duration"},
		"bool":      {"--all=" + s3cret, "true or false"},
		"choice":    {"--ui=" + s3cret, "a, b or c"},
		"no value":  {"--limit", "--limit"},
		"syntax":    {"--=" + s3cret, "--name=value"},
	} {
		cmd := &cobra.Command{Use: "show"}
		ui := "a"
		cmd.Flags().Int("limit", 0, "")
		cmd.Flags().Duration("wait", 0, "")
		cmd.Flags().Bool("all", false, "")
		cmd.Flags().Var(&command.Choice{Value: &ui, Of: []string{"a", "b", "c"}}, "ui", "")
		wantUsage(t, name, command.FlagProblem(cmd, cmd.ParseFlags([]string{c.args})), c.says)
		if err := cmd.ParseFlags([]string{"--ui=b"}); err != nil || ui != "b" {
			t.Errorf("a choice: %q, %v", ui, err)
		}
	}
	if err := command.FlagProblem(nil, pflag.ErrHelp); !errors.Is(err, pflag.ErrHelp) {
		t.Error(err)
	}
}

func TestFlagsThatWereGivenSetTheConfigAndPathsAreNotEmpty(t *testing.T) {
	run := func(args ...string) (map[string]string, error) {
		a := apptest.New(t)
		c := &cobra.Command{Use: "show"}
		c.Flags().String("state-dir", "", "`DIR` of the state")
		c.Flags().Duration("ttl", 0, "")
		c.Flags().String("name", "", "")
		command.SetsConfig(c.Flags(), "state-dir", "stateDir")
		command.SetsConfig(c.Flags(), "ttl", "token.ttl")
		if err := c.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		err := command.ReadFlags(a.App, c)
		return a.Overrides, err
	}
	if got, err := run("--ttl=1h", "--name="); err != nil || len(got) != 1 || got["token.ttl"] != "1h0m0s" {
		t.Errorf("%v, %v", got, err)
	}
	_, err := run("--state-dir=")
	wantUsage(t, "an empty path", err, "--state-dir")
	_, err = run("--ttl=-1h")
	wantUsage(t, "a wrong value", err, "--ttl")
}

func TestInputIsAValueAFileOrStandardInput(t *testing.T) {
	a := apptest.New(t)
	answer := command.Input{What: "--answer", Secret: true}
	dir := filepath.Join(t.TempDir(), "of zoe")
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a.IO.In = strings.NewReader(" in \n")
	for value, want := range map[string]string{" tok ": "tok", "@" + file("a", "\ufeff\ttok\r\n"): "tok", "-": "in"} {
		if got, err := command.SessionToken(t.Context(), a.App, "--token", value); err != nil || got.Reveal() != want {
			t.Errorf("%q: %q, %v", value, got.Reveal(), err)
		}
	}
	if got, err := answer.Of(t.Context(), a.App, "@"+file("b", " x \n\r\n")); err != nil || got != " x " {
		t.Errorf("a text: %q, %v", got, err)
	}
	if got, err := answer.Of(t.Context(), a.App, "@"+file("c", strings.Repeat("x", command.MaxInput))); err != nil || len(got) != command.MaxInput {
		t.Errorf("the largest: %d, %v", len(got), err)
	}
	for _, value := range []string{"@" + file("d", strings.Repeat("x", command.MaxInput+1)), "@" + filepath.Join(dir, "absent")} {
		if _, err := answer.Of(t.Context(), a.App, value); problem.CodeOf(err) != exit.CodeInputFile || strings.Contains(err.Error(), "zoe") || !strings.Contains(err.Error(), "--answer") {
			t.Errorf("got %v", err)
		}
	}
}

// TestAtMeansAFile: who did not mean one learns how to say so, and who did which one it is.
func TestAtMeansAFile(t *testing.T) {
	a := apptest.New(t)
	for value, want := range map[string]string{"@@alice:example.org": "@alice:example.org", "@@@x": "@@x", "a@b": "a@b"} {
		if got, err := (command.Input{What: "--client-user-id"}).Of(t.Context(), a.App, value); err != nil || got != want {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	for value, want := range map[string]string{"@alice:example.org": "@@alice:example.org", "@~/t": `"~/t": ~ is not expanded here`, "@$HOME/t": `"$HOME/t": $ is not expanded here`} {
		_, err := command.Input{What: "--token"}.Of(t.Context(), a.App, value)
		p := exit.ProblemOf(err)
		if p.Code() != exit.CodeInputFile || !strings.Contains(p.Message(), "@ means a file, and \""+value[1:]+"\"") || len(p.Hints()) != 1 || !strings.Contains(p.Hints()[0], want) {
			t.Errorf("%q: %v, %v", value, err, p.Hints())
		}
	}
}

func TestControlCharactersOfAnIdAreShownEscaped(t *testing.T) {
	c := &cobra.Command{Use: "x"}
	for _, id := range []string{"demo\r", "a\x1b[2J", "\x00", "a\nb", "\x7f"} {
		err := command.Plain(c, "--client-id", id)
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(id)) || strings.Contains(err.Error(), id) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := command.Plain(c, "--client-id", "ädä \u009b"); err != nil {
		t.Error(err)
	}
}

func TestTokenOfTheEnvironmentIsThatOfItsFileFirst(t *testing.T) {
	a := apptest.New(t)
	if got, err := command.EnvironmentToken(t.Context(), a.App); got != "" || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
	a.Vars["HUMANCONNECT_SESSION_TOKEN"] = "one\n"
	if got, err := command.EnvironmentToken(t.Context(), a.App); got.Reveal() != "one" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.Vars["HUMANCONNECT_SESSION_TOKEN_FILE"] = path
	if got, err := command.EnvironmentToken(t.Context(), a.App); got.Reveal() != "two" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadingOfInputThatNeverComesEndsWithItsCause(t *testing.T) {
	a := apptest.New(t)
	in, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	a.IO.In = in
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	if _, err := command.SessionToken(ctx, a.App, "--token", "-"); !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestRowThatIsNotThereIsNamedAndOtherErrorsStay(t *testing.T) {
	full := errors.New("the disk is full")
	ses := id.New[id.Session]()
	if err := command.NotFound(store.ErrNotFound, "session_not_found", "session", ses); problem.CodeOf(err) != "session_not_found" || !strings.Contains(err.Error(), string(ses)) {
		t.Error(err)
	}
	if err := command.NotFound(full, "session_not_found", "session", ses); !errors.Is(err, full) || problem.CodeOf(err) != "" {
		t.Error(err)
	}
	if err := command.NotFound[id.Session](nil, "session_not_found", "session", ses); err != nil {
		t.Error(err)
	}
}

func TestExitCodesOfACommandAreInItsHelpInOrder(t *testing.T) {
	c := command.Exits(&cobra.Command{Long: "Shows."}, exit.Store, exit.OK, exit.Error)
	text := command.LongOf(c)
	var at []int
	for _, line := range []string{"Shows.", "\n    0  ", "\n    1  ", "\n   19  "} {
		at = append(at, strings.Index(text, line))
	}
	for i := 1; i < len(at); i++ {
		if at[i] <= at[i-1] {
			t.Fatalf("%v in:\n%s", at, text)
		}
	}
	if strings.Contains(text, "\n   10  ") {
		t.Errorf("it lists codes of others:\n%s", text)
	}
	if got := command.LongOf(&cobra.Command{Long: "Shows."}); got != "Shows." {
		t.Errorf("without codes: %q", got)
	}
}

func TestFilterOfAListIsChecked(t *testing.T) {
	ses := id.New[id.Session]()
	for name, c := range map[string]struct {
		args  []string
		want  id.Session
		wrong string
	}{
		"nothing":       {nil, "", ""},
		"a session":     {[]string{"--session=" + string(ses), "--limit=0"}, ses, ""},
		"no id":         {[]string{"--session=" + s3cret}, "", "id"},
		"another's id":  {[]string{"--session=" + string(id.New[id.Event]())}, "", "id"},
		"negative rows": {[]string{"--limit=-1"}, "", "--limit"},
	} {
		cmd := &cobra.Command{Use: "list"}
		p := command.NewPage(cmd, "events", "newest")
		p.SessionFlag(cmd)
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		if err := p.Read(apptest.New(t).App, cmd); c.wrong != "" {
			wantUsage(t, name, err, c.wrong)
		} else if err != nil || p.Session != c.want {
			t.Errorf("%s: %q, %v", name, p.Session, err)
		}
	}
}

func TestSinceIsATimeADayOrHowLongAgo(t *testing.T) {
	a := apptest.New(t)
	now := a.Fake.Now()
	for text, want := range map[string]time.Time{
		"2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "2026-03-01T10:00:00+02:00": time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
		"36h": now.Add(-36 * time.Hour), "7d": now.AddDate(0, 0, -7), "yesterday": {}, "-1h": {}, "-1d": {}, "": {}, "99999999999d": {},
	} {
		cmd := &cobra.Command{Use: "list"}
		p := command.NewPage(cmd, "events", "newest")
		p.SinceFlag(cmd)
		if err := cmd.ParseFlags([]string{"--since=" + text}); err != nil {
			t.Fatal(err)
		}
		if err := p.Read(a.App, cmd); want.IsZero() {
			wantUsage(t, text, err, "--since")
		} else if err != nil || !p.Since.Equal(want) {
			t.Errorf("%s: %s, %v", text, p.Since, err)
		}
	}
}
