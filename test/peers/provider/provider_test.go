package provider_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/test/peers/program"
)

const (
	// limit of everything that should be quick.
	limit    = time.Minute
	notebook = "humanconnect-provider-notebook"
)

// bin has the program and a provider, as they are released.
var bin string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &bin)) }

// unpack puts the provider, the protocol and its packages into a directory, as its author would, and returns its file.
func unpack(t *testing.T, dir string) string {
	t.Helper()
	for from, to := range map[string]string{notebook: notebook, "../../../sdk/proto/provider.proto": "provider.proto"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), text, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	packages, err := filepath.Abs("node_modules")
	if err == nil {
		_, err = os.Stat(packages)
	}
	if err != nil {
		t.Fatalf("%v; run: make peers", err)
	}
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, notebook)
}

// installation is a home in which the provider is installed for the user, and pinned.
type installation struct {
	t    *testing.T
	home string
}

func install(t *testing.T) installation {
	t.Helper()
	i := installation{t, t.TempDir()}
	i.put()
	if said, code := i.run("provider", "lock", "notebook"); code != 0 {
		t.Fatal(said)
	}
	return i
}

// put lays the provider where a user's providers lie: a link to where its packages are.
func (i installation) put() {
	i.t.Helper()
	providers := filepath.Join(i.home, ".local", "share", "humanconnect", "providers")
	if err := os.MkdirAll(providers, 0o700); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Symlink(unpack(i.t, i.t.TempDir()), filepath.Join(providers, notebook)); err != nil {
		i.t.Fatal(err)
	}
}

func (i installation) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect"), args...)
	c.Dir = i.home
	c.Env = []string{"HOME=" + i.home, "PATH=" + os.Getenv("PATH"), "HUMANCONNECT_CLIENT_ID=demo"}
	return c
}

// run runs the program and returns what it prints, or where it fails what it says, and its exit code.
func (i installation) run(args ...string) (string, int) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), limit)
	defer cancel()
	out, err := i.command(ctx, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out) + string(exit.Stderr), exit.ExitCode()
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return string(out), 0
}

func (i installation) token() {
	i.t.Helper()
	token, code := i.run("token", "create", "--client-user-id", "ada")
	if err := os.WriteFile(filepath.Join(i.home, "token"), []byte(token), 0o600); err != nil || code != 0 {
		i.t.Fatal(token, err)
	}
}

// connects is a script that connects the notebook.
func connects(email, code string) []string {
	return []string{
		"--debug", "open", "--token", "@token", "--connect", "notebook",
		"--answer", "notebook.email=" + email, "--answer", "notebook.code=" + code,
	}
}

// response is what these tests read of the program's.
type response struct {
	Status             string
	CurrentConnections []struct{ ID string }
	Failures           []struct{ Code, Message string }
	Revocations        []struct{ Outcome string }
}

func decode(t *testing.T, text string) (r response) {
	t.Helper()
	_, object, _ := strings.Cut(text, "{")
	if err := json.NewDecoder(strings.NewReader("{" + object)).Decode(&r); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return r
}

func TestProviderInNodeRunsOnceItIsPinned(t *testing.T) {
	i := installation{t, t.TempDir()}
	i.put()
	said, code := i.run("provider", "show", "notebook")
	if code != 14 || !strings.Contains(said, "humanconnect provider lock notebook") {
		t.Errorf("%d:\n%s", code, said)
	}
	if said, code = i.run("provider", "lock", "notebook"); code != 0 || !strings.HasSuffix(said, "  notebook\n") {
		t.Errorf("%d:\n%s", code, said)
	}
	if said, _ = i.run("provider", "list"); !strings.Contains(said, "notebook  user     user") {
		t.Errorf("the list is\n%s", said)
	}
	if said, _ = i.run("provider", "show", "notebook"); !strings.Contains(said, "1.0.0") {
		t.Errorf("it says of itself\n%s", said)
	}
	if said, _ = i.run("source", "list", "diaries"); !strings.Contains(said, "Notebook") {
		t.Errorf("the sources are\n%s", said)
	}
}

func TestProviderInNodeConnectsAndDisconnects(t *testing.T) {
	i := install(t)
	i.token()
	said, code := i.run(append(connects("ada@notebook.example", "424242"), "--disconnect", "notebook")...)
	r := decode(t, said)
	if code != 0 || r.Status != "SUCCESS" || len(r.Failures) > 0 || len(r.Revocations) != 1 || r.Revocations[0].Outcome != "revoked" {
		t.Errorf("%d: %+v", code, r)
	}
}

func TestProviderInNodeReturnsErrorsWithTheirField(t *testing.T) {
	i := install(t)
	for _, wrong := range []struct{ email, code, message string }{
		{"ada", "424242", "This is no address."},
		{"ada@notebook.example", "1", "This is not the code."},
	} {
		i.token()
		said, _ := i.run(connects(wrong.email, wrong.code)...)
		if r := decode(t, said); len(r.Failures) != 1 || r.Failures[0].Code != "invalid_input" || r.Failures[0].Message != wrong.message {
			t.Errorf("%+v", r)
		}
	}
}

// started starts the provider as a host does that names a directory for its socket, and returns its handshake.
func started(t *testing.T, environment ...string) (c *exec.Cmd, stdin io.Closer, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	c = exec.CommandContext(ctx, unpack(t, t.TempDir()))
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	c.Stderr = &bytes.Buffer{}
	stdin, err := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err := errors.Join(err, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	line, _ = bufio.NewReader(stdout).ReadString('\n')
	return c, stdin, line
}

// No signal of the system helps here: it is the end of its standard input that ends it.
func TestProviderInNodeEndsWithItsLifeline(t *testing.T) {
	dir := t.TempDir()
	c, stdin, line := started(t, "HUMANCONNECT_PROVIDER=8f0c4f6d2c4e4b7aa1d35f6f4b2f9c11", "HUMANCONNECT_LIFELINE=stdin", "PLUGIN_UNIX_SOCKET_DIR="+dir)
	if want := "1|1|unix|" + filepath.Join(dir, "socket") + "|grpc\n"; line != want {
		t.Errorf("its handshake is %q, want %q", line, want)
	}
	if err := errors.Join(stdin.Close(), c.Wait()); err != nil {
		t.Errorf("%v: %s", err, c.Stderr)
	}
}

func TestStartedByHandAProviderInNodeSaysWhatItIs(t *testing.T) {
	c, _, line := started(t)
	if err := c.Wait(); err == nil || line != "" || !strings.Contains(fmt.Sprint(c.Stderr), "provider of humanconnect") {
		t.Errorf("%v: %q, %s", err, line, c.Stderr)
	}
}
