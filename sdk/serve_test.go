//go:build unix

package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// envRole makes the test binary a provider process, or a child of one.
const envRole = "SDK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case "":
		os.Exit(m.Run())
	case "provider":
		sdk.Serve(talkative{})
	case "prints-first":
		fmt.Println("welcome to my provider")
		sdk.Serve(talkative{})
	case "child":
		// Lives until somebody kills it.
		<-signals()
	}
}

func signals() <-chan os.Signal {
	out := make(chan os.Signal, 1)
	signal.Notify(out, syscall.SIGTERM)
	return out
}

// talkative does by user name what providers should not do.
type talkative struct{ diary }

func (talkative) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{Name: "talkative", Version: "1.0.0"}, nil
}

func (talkative) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	flood := append(bytes.Repeat([]byte("x"), 1<<20), "the end of it"...)
	switch req.Source {
	case "os-stdout":
		_, _ = os.Stdout.Write(flood)
	case "fd-1":
		_, _ = syscall.Write(1, flood)
	case "child-stdout":
		command := exec.Command("cat")
		command.Stdin = bytes.NewReader(flood)
		command.Stdout = os.Stdout
		if err := command.Run(); err != nil {
			return nil, err
		}
	case "panic":
		panic("the sky is falling")
	}
	return sdk.Connected{Account: sdk.Account{ID: "a"}}, nil
}

// lines is a writer that can be waited on.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// eventually polls until the condition holds.
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

// strangersHost starts a provider as any go-plugin host would, without anything of humanconnect's own supervision.
func strangersHost(t *testing.T, role string, stderr io.Writer) *plugin.Client {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), envRole+"="+role)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.Plugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              command,
		Stderr:           stderr,
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     20 * time.Second,
	})
	t.Cleanup(client.Kill)
	return client
}

func dispense(t *testing.T, client *plugin.Client) *host.Client {
	t.Helper()
	protocol, err := client.Client()
	noError(t, err)
	raw, err := protocol.Dispense(host.PluginName)
	noError(t, err)
	return raw.(*host.Client)
}

func TestAnyGoPluginHostCanUseAProvider(t *testing.T) {
	client := strangersHost(t, "provider", io.Discard)
	p := dispense(t, client)
	description, err := p.Describe(t.Context())
	noError(t, err)
	step, err := p.Connect(t.Context(), &sdk.ConnectRequest{Reply: sdk.Start{}})
	noError(t, err)
	if account := step.(sdk.Connected).Account.ID; description.Name != "talkative" || account != "a" {
		t.Errorf("got %q with the account %q", description.Name, account)
	}
	client.Kill()
	if !client.Exited() {
		t.Error("the provider still runs after it was asked to stop")
	}
}

func TestPrintingOnStandardOutputDoesNoHarmAndGoesToStandardError(t *testing.T) {
	for _, way := range []string{"os-stdout", "fd-1", "child-stdout"} {
		t.Run(way, func(t *testing.T) {
			stderr := &lines{}
			p := dispense(t, strangersHost(t, "provider", stderr))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for range 2 {
				req := &sdk.ConnectRequest{Reply: sdk.Start{}}
				req.Source = way
				_, err := p.Connect(ctx, req)
				noError(t, err)
			}
			eventually(t, "the print on standard error", func() bool {
				return strings.Contains(stderr.String(), "the end of it")
			})
		})
	}
}

func TestHostSeesThatAProviderPrintedBeforeItServed(t *testing.T) {
	client := strangersHost(t, "prints-first", io.Discard)
	_, err := client.Client()
	if err == nil || !strings.Contains(err.Error(), "welcome to my provider") {
		t.Errorf("got %v, want the line that the provider printed", err)
	}
}

func TestPanicEndsTheProcessAndIsOnStandardError(t *testing.T) {
	stderr := &lines{}
	client := strangersHost(t, "provider", stderr)
	p := dispense(t, client)
	req := &sdk.ConnectRequest{Reply: sdk.Start{}}
	req.Source = "panic"
	_, err := p.Connect(t.Context(), req)
	if said := (*sdk.Error)(nil); err == nil || errors.As(err, &said) {
		t.Errorf("got %v, want a broken transport", err)
	}
	eventually(t, "the panic on standard error", func() bool {
		return strings.Contains(stderr.String(), "the sky is falling")
	})
	eventually(t, "the end of the process", client.Exited)
}

func TestStartedByHandAProviderSaysWhatItIs(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), envRole+"=provider")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
	if stdout.Len() > 0 || !strings.Contains(stderr.String(), "is a provider of humanconnect") {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
}

// started is a provider process whose streams the test holds, as humanconnect's own host does.
type started struct {
	*exec.Cmd
	stdin io.Closer
	// alive is readable, with nothing to read, until every process of the provider's is gone.
	alive *os.File
}

// startHeld starts a provider with its lifeline and waits for its handshake. A child process of the provider's group
// holds the pipe alive, too.
func startHeld(t *testing.T, lifeline string) *started {
	t.Helper()
	alive, held, err := os.Pipe()
	noError(t, err)
	command := exec.Command(os.Args[0])
	handshake := host.Handshake()
	command.Env = append(os.Environ(), envRole+"=provider", host.EnvLifeline+"="+lifeline,
		handshake.MagicCookieKey+"="+handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1")
	command.ExtraFiles = []*os.File{held}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	noError(t, err)
	stdout, err := command.StdoutPipe()
	noError(t, err)
	noError(t, command.Start())

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envRole+"=child")
	child.ExtraFiles = []*os.File{held}
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: command.Process.Pid}
	childError := child.Start()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
		_ = child.Wait()
		_ = alive.Close()
	})
	noError(t, childError)
	noError(t, held.Close())

	line, err := bufio.NewReader(stdout).ReadString('\n')
	noError(t, err)
	if !strings.HasPrefix(line, "1|1|unix|") {
		t.Fatalf("handshake %q", line)
	}
	return &started{Cmd: command, stdin: stdin, alive: alive}
}

// goneWithin says whether all processes ended within the time.
func (s *started) goneWithin(t *testing.T, limit time.Duration) bool {
	t.Helper()
	noError(t, s.alive.SetReadDeadline(time.Now().Add(limit)))
	_, err := s.alive.Read(make([]byte, 1))
	if err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("lifeline of the test: %v", err)
	}
	return err == io.EOF
}

func TestEndOfTheLifelineEndsTheProviderAndItsChildren(t *testing.T) {
	p := startHeld(t, host.LifelineStdin)
	if p.goneWithin(t, 100*time.Millisecond) {
		t.Fatal("the provider ended while its lifeline was open")
	}
	noError(t, p.stdin.Close())
	if !p.goneWithin(t, time.Second) {
		t.Error("a process outlived the lifeline by a second")
	}
}

func TestStandardInputIsNoLifelineUnlessTheHostSaysSo(t *testing.T) {
	p := startHeld(t, "")
	noError(t, p.stdin.Close())
	if p.goneWithin(t, 300*time.Millisecond) {
		t.Error("the provider ended with a standard input that is no lifeline")
	}
}

func TestInterruptIsLeftToTheHost(t *testing.T) {
	p := startHeld(t, host.LifelineStdin)
	noError(t, p.Process.Signal(os.Interrupt))
	if p.goneWithin(t, 300*time.Millisecond) {
		t.Error("an interrupt ended the provider")
	}
}
