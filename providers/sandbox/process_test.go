//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// TestMain makes the test binary the provider itself where a host starts it.
func TestMain(m *testing.M) {
	handshake := host.Handshake()
	if os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		main()
		return
	}
	os.Exit(m.Run())
}

// stderrOf keeps what a process says on standard error.
type stderrOf struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *stderrOf) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stderrOf) contains(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.text.Bytes(), []byte(text))
}

// process starts the provider as a process, in a group of its own that ends with the test.
func process(t *testing.T, stderr io.Writer) (*host.Client, *plugin.Client, *exec.Cmd) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.Plugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              command,
		Stderr:           stderr,
		Logger:           hclog.NewNullLogger(),
	})
	t.Cleanup(started.Kill)
	protocol, err := started.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*host.Client), started, command
}

func processTalk(t *testing.T, c *host.Client) *talk {
	t.Helper()
	k := &talk{t: t, c: c, req: sdk.ConnectRequest{Source: clinic}}
	return k.reply(sdk.Start{})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// crashed checks that a call ended with the process, and the process with a panic.
func crashed(t *testing.T, err error, host *plugin.Client, stderr *stderrOf) {
	t.Helper()
	if said := (*sdk.Error)(nil); err == nil || errors.As(err, &said) {
		t.Errorf("got %v, want a broken transport", err)
	}
	eventually(t, "the end of the process", host.Exited)
	eventually(t, "the panic on standard error", func() bool { return stderr.contains("panic: sandbox") })
}

func TestCrashesOnDemandEndTheProcess(t *testing.T) {
	t.Run("crash", func(t *testing.T) {
		stderr := &stderrOf{}
		c, host, _ := process(t, stderr)
		crashed(t, processTalk(t, c).login("crash").err, host, stderr)
	})
	t.Run("crash_wait", func(t *testing.T) {
		stderr := &stderrOf{}
		c, host, _ := process(t, stderr)
		k := processTalk(t, c).login("crash_wait")
		if _, ok := k.step.(sdk.Wait); !ok {
			t.Fatalf("step %+v, %v", k.step, k.err)
		}
		crashed(t, k.reply(sdk.TimePassed{}).err, host, stderr)
	})
	t.Run("revoke_crash", func(t *testing.T) {
		stderr := &stderrOf{}
		c, host, _ := process(t, stderr)
		grant := processTalk(t, c).login("revoke_crash").connected()
		err := c.Disconnect(t.Context(), &sdk.CredentialRequest{Source: clinic, Credential: grant.Credential})
		crashed(t, err, host, stderr)
	})
}

func TestHangsOnDemandLastAsLongAsTheCaller(t *testing.T) {
	c, client, _ := process(t, io.Discard)
	k := processTalk(t, c)
	grant := processTalk(t, c).login("revoke_hang").connected()

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k.req.Resume = host.ResumeOf(k.step)
	k.req.Reply = sdk.FormValues{Values: map[string]sdk.Secret{fieldUsername: "hang", fieldPassword: "password"}}
	if _, err := c.Connect(ctx, &k.req); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want deadline exceeded", err)
	}
	err := c.Disconnect(ctx, &sdk.CredentialRequest{Source: clinic, Credential: grant.Credential})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want deadline exceeded", err)
	}
	if client.Exited() {
		t.Error("the process ended")
	}
}

func TestAFloodOnStandardOutputDoesNoHarm(t *testing.T) {
	c, _, _ := process(t, io.Discard)
	processTalk(t, c).login("stdout").connected()
	processTalk(t, c).login("stdout").connected()
}

func TestTheGrandchildIsInTheProvidersGroup(t *testing.T) {
	c, host, command := process(t, io.Discard)
	processTalk(t, c).login("grandchild").connected()
	group := -command.Process.Pid
	host.Kill()
	if err := syscall.Kill(group, 0); err != nil {
		t.Errorf("nothing is left of the group: %v", err)
	}
	if err := syscall.Kill(group, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestAnyProcessCanGoOnWithAnAttempt(t *testing.T) {
	first, host, _ := process(t, io.Discard)
	k := &talk{t: t, c: first, req: sdk.ConnectRequest{Source: family}}
	k.reply(sdk.Start{}).login("demouser")
	host.Kill()
	k.c, _, _ = process(t, io.Discard)
	k.answer(fieldMember, "robin").connected()
}
