package oidc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/test/peers/program"
)

const (
	// limit of everything that should be quick.
	limit = time.Minute
)

// bin has the program and a provider, as they are released.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain makes this binary the browser where open starts it as one.
func testMain(m *testing.M) int {
	if len(os.Args) != 3 || os.Args[1] != "browse" {
		return program.Main(m, &bin)
	}
	if err := browse(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// installation is a home whose sources with an authorization server are led to the stranger's.
type installation struct {
	t   *testing.T
	dir string
}

func install(t *testing.T, server string) installation {
	t.Helper()
	i := installation{t, t.TempDir()}
	i.write("config.yaml", fmt.Sprintf(`version: 1
clientId: demo
sources:
  - id: sandbox-tracker
    clientId: us
    settings: {server: %[1]q}
  - id: sandbox-scale
    clientId: us
    settings: {server: %[1]q}
`, server))
	return i
}

func (i installation) write(name, text string) {
	i.t.Helper()
	if err := os.WriteFile(filepath.Join(i.dir, name), []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
}

func (i installation) command(ctx context.Context, args ...string) *exec.Cmd {
	i.t.Helper()
	self, err := os.Executable()
	if err != nil {
		i.t.Fatal(err)
	}
	c := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect"), append([]string{"--config", "config.yaml"}, args...)...)
	c.Dir, c.Env = i.dir, []string{"HOME=" + i.dir, "PATH=" + os.Getenv("PATH"), "BROWSER=" + self + " browse"}
	return c
}

// response is what this test reads of the program's.
type response struct {
	Status         string `json:"status"`
	SessionResults struct {
		ConnectedSources, DisconnectedSources []struct{ ID, ConnectionID string }
	} `json:"sessionResults"`
	CurrentConnections []struct{ ID string } `json:"currentConnections"`
	Failures           []any                 `json:"failures"`
	Revocations        []struct{ Outcome string }
}

// opens runs a whole session. meanwhile is given what it says on standard error.
func (i installation) opens(meanwhile func(io.Reader), args ...string) response {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), limit)
	defer cancel()
	token, err := i.command(ctx, "token", "create", "--client-user-id", "ada").Output()
	if err != nil {
		i.t.Fatal(err)
	}
	i.write("token", string(token))
	open := i.command(ctx, append([]string{"open", "--token", "@token"}, args...)...)
	said, err := open.StderrPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	out, err := open.StdoutPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	if err := open.Start(); err != nil {
		i.t.Fatal(err)
	}
	meanwhile(said)
	var r response
	err = json.NewDecoder(out).Decode(&r)
	if err = errors.Join(err, open.Wait()); err != nil || r.Status != "SUCCESS" || len(r.Failures) > 0 {
		i.t.Fatalf("%v: %+v", err, r)
	}
	return r
}

// logs writes what a program says to the log of the test.
func logs(t *testing.T) func(io.Reader) {
	return func(said io.Reader) {
		text, err := io.ReadAll(said)
		if err != nil || len(text) > 0 {
			t.Logf("it says %s, %v", text, err)
		}
	}
}

var shown = regexp.MustCompile(`open (http://\S+) and enter (\S+)`)

// types does what a device asks for: it goes to the address that is shown, and types the code.
func types(t *testing.T) func(io.Reader) {
	return func(said io.Reader) {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			code := shown.FindStringSubmatch(lines.Text())
			if code == nil {
				continue
			}
			p := newPerson("")
			p.userCode = code[2]
			if _, err := p.goes(code[1]); err != nil {
				t.Error(err)
			}
		}
	}
}

// disconnects takes the one connection away, and sees that the stranger's server heard of it.
func disconnects(t *testing.T, i installation, server *peer, source string) {
	t.Helper()
	r := i.opens(logs(t), "--disconnect", source)
	if len(r.SessionResults.DisconnectedSources) != 1 || len(r.CurrentConnections) != 0 || len(r.Revocations) != 1 || r.Revocations[0].Outcome != "revoked" {
		t.Errorf("the response is %+v", r)
	}
	server.says(t, "the grant of anna is revoked")
}

func TestOpenConnectsAtAThirdPartyServerInABrowser(t *testing.T) {
	server := startPeer(t)
	i := install(t, server.address)
	r := i.opens(logs(t), "--connect", "sandbox-tracker")
	if got := r.SessionResults.ConnectedSources; len(got) != 1 || got[0].ID != "sandbox-tracker" {
		t.Fatalf("the response is %+v", r)
	}
	disconnects(t, i, server, "sandbox-tracker")
}

func TestOpenConnectsAtAThirdPartyServerWithACode(t *testing.T) {
	server := startPeer(t)
	i := install(t, server.address)
	r := i.opens(types(t), "--connect", "sandbox-scale")
	if got := r.SessionResults.ConnectedSources; len(got) != 1 || got[0].ID != "sandbox-scale" {
		t.Fatalf("the response is %+v", r)
	}
	disconnects(t, i, server, "sandbox-scale")
}
