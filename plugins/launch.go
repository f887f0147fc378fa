package plugins

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// exitLimit is how long a failed handshake or call waits for the process to exit, to distinguish a crash from other failures.
const exitLimit = 250*time.Millisecond + drainLimit

// closedLimit is how long a program that has closed its standard output without a handshake may take to exit, so that how it ends
// is known.
const closedLimit = time.Second + drainLimit

// launch starts one process of a provider. It is the runner that go-plugin drives; we see every failure of it first, so that
// no text of go-plugin's errors is parsed.
type launch struct {
	spec    Spec
	file    *os.File
	path    string
	dir     string
	environ []string
	out     *output

	// stdio is the output on go-plugin's stdio stream: what a Go server writes once it serves.
	stdio     struct{ stdout, stderr lineWriter }
	handshake *handshake
	childEnv  []string
	conns     connections

	mu     sync.Mutex
	proc   *process
	killed bool
	err    error
	// foreign is why the socket of the handshake was refused.
	foreign error
}

var _ runner.Runner = (*launch)(nil)

// errStopped is the error of a start that was killed before its program ran.
var errStopped = errors.New("start was stopped")

// config is go-plugin's configuration of a client that runs this launch.
func (l *launch) config(limit time.Duration) *plugin.ClientConfig {
	l.stdio.stdout.take, l.stdio.stderr.take = l.out.pass, l.out.keep
	l.out.stop = l.stopFlood
	l.stdio.stdout.measure, l.stdio.stderr.measure = l.out.measure, l.out.measure
	return &plugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.Plugins(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socketDir string) (runner.Runner, error) {
			l.handshake = newHandshake(l.spec.Name, socketDir, l.out)
			l.handshake.await = func() { l.process().endsWithin(closedLimit) }
			l.handshake.killed = l.wasKilled
			l.childEnv = childEnvironment(l.environ, cmd.Env, l.dir)
			return l, nil
		},
		SkipHostEnv:      true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: l.dir},
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       &l.stdio.stdout,
		SyncStderr:       &l.stdio.stderr,
		// Our own limit comes first; this one is the last resort.
		StartTimeout: limit + 5*time.Second,
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(sdk.MaxMessage), grpc.MaxCallSendMsgSize(sdk.MaxMessage)),
			grpc.WithContextDialer(l.dial), // in place of go-plugin's
			grpc.WithChainStreamInterceptor(l.conns.interceptStream),
			grpc.WithStatsHandler(responseTracker{}),
		},
	}
}

// Start implements runner.Runner.
func (l *launch) Start(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		return errStopped
	}
	path, err := executable(l.file, l.path, l.dir, Prefix+l.spec.Name)
	if err == nil {
		l.proc, err = startProcess(&exec.Cmd{
			Path: path, Args: l.spec.Command, Env: l.childEnv, Dir: l.dir, ExtraFiles: []*os.File{l.file},
		}, readers{stdout: l.readStdout, stderr: l.readStderr})
	}
	l.err = err
	return err
}

// tail is the last of standard error, see output.tail.
func (l *launch) tail() []string {
	l.stdio.stderr.flush()
	return l.out.tail()
}

func (l *launch) readStdout(stdout io.Reader) { l.handshake.run(measured{stdout, l.out}) }

func (l *launch) readStderr(stderr io.Reader) {
	eachLine(bufio.NewReaderSize(measured{stderr, l.out}, lineBuffer), l.out.keep)
}

// Wait implements runner.Runner.
func (l *launch) Wait(context.Context) error {
	<-l.process().done
	return nil
}

// Kill implements runner.Runner. It kills the whole group, also of a program that is about to start.
func (l *launch) Kill(context.Context) error {
	l.mu.Lock()
	l.killed = true
	proc := l.proc
	l.mu.Unlock()
	if proc != nil {
		proc.kill()
	}
	return nil
}

func (l *launch) wasKilled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.killed
}

func (l *launch) process() *process {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proc
}

// Stdout implements runner.Runner: the handshake's line and no more.
func (l *launch) Stdout() io.ReadCloser { return l.handshake }

// Stderr implements runner.Runner: nothing, it is read by us.
func (l *launch) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (l *launch) Name() string { return l.spec.Name }

// ID implements runner.Runner; empty until the program runs.
func (l *launch) ID() string {
	if proc := l.process(); proc != nil {
		return fmt.Sprint(proc.cmd.Process.Pid)
	}
	return ""
}

// Diagnose implements runner.Runner: nothing, see failure.
func (l *launch) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.AddrTranslator.
func (l *launch) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin implements runner.AddrTranslator.
func (l *launch) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// failure returns why the start failed; cause is the error of go-plugin.
func (l *launch) failure(cause error) *Error {
	switch {
	case l.err != nil:
		return execFailure(l.spec, l.file, l.err)
	case l.process() == nil:
		return newError(CodeUnavailable, l.spec.Name, "could not be started").because(cause)
	}
	select {
	case <-l.handshake.read:
	default:
		return newError(CodeUnavailable, l.spec.Name, "could not be reached").because(cause)
	}
	if e := l.handshake.failure; e != nil {
		return e.lines(l.tail())
	}
	if e := l.flooded(); e != nil {
		return e
	}
	switch {
	case l.handshake.silent:
		return l.noHandshake()
	case l.wasKilled(): // by go-plugin, which saw in the handshake what we do not
		return newError(CodeUnavailable, l.spec.Name, "could not be reached").because(cause).lines(l.tail())
	}
	return l.noConnection()
}

// noHandshake is the error for the end of standard output without a handshake. go-plugin has killed the program since, unless it
// had exited before.
func (l *launch) noHandshake() *Error {
	proc, name, path := l.process(), l.spec.Name, l.spec.Path()
	if !proc.endsWithin(exitLimit) {
		return newError(CodeNotAPlugin, name, "closed its standard output without a handshake, and cannot be killed").fact("file: %s", path).
			hint("is this file a provider of humanconnect?")
	}
	tail := l.tail()
	if e := l.missingProgram(); e != nil {
		return e.lines(tail)
	}
	if proc.wasKilled() {
		return newError(CodeNotAPlugin, name, "closed its standard output without a handshake, and did not exit").
			fact("file: %s", path).lines(tail).
			hint("is this file a provider of humanconnect? If it is, it prints the handshake before it closes its standard output")
	}
	state := proc.state()
	if signal, ok := signalOf(state); ok {
		return newError(CodeCrashed, name, "was killed by a signal during its start (%s)", signal).lines(tail).hint("%s", signalHint(signal))
	}
	e := newError(CodeNotAPlugin, name, "exited before the handshake (%s)", state).fact("file: %s", path).lines(tail)
	switch {
	case len(tail) > 0:
		return e.hint("is this file a provider of humanconnect? If it is, its standard error says why it exited")
	case state.ExitCode() == notFoundStatus:
		return e.hint("is this file a provider of humanconnect? If it is, a program or a library that it needs is not installed")
	}
	return e.hint("is this file a provider of humanconnect? If it is, report to its author that it exits without a word")
}

// noConnection is the error for a valid handshake and then no connection.
func (l *launch) noConnection() *Error {
	if e := l.foreignSocket(); e != nil {
		return e
	}
	if l.process().endsWithin(exitLimit) {
		return newError(CodeCrashed, l.spec.Name, "exited just after the handshake (%s)", l.process().state()).
			lines(l.tail()).hint("this is a fault of the provider: report it to its author")
	}
	return newError(CodeProtocol, l.spec.Name, "does not answer on its socket").lines(l.tail()).
		hint("report it to the provider's author")
}

// flooded is the error of a process that was killed because it wrote too much; nil if it did not.
func (l *launch) flooded() *Error {
	reason := l.out.tooMuch()
	if reason == "" {
		return nil
	}
	return newError(CodeFlood, l.spec.Name, "was stopped because it wrote too much: %s", reason).lines(l.tail()).
		hint("this is a fault of the provider: report it to its author")
}

// stopFlood kills a program that writes too much.
func (l *launch) stopFlood() {
	if proc := l.process(); proc != nil {
		proc.kill()
	}
}

// connections keeps the gRPC connections of a client, because go-plugin does not close them when its own start of the
// standard services fails, and refuses its broker: no provider calls back, and the broker has no limits.
type connections struct {
	mu   sync.Mutex
	open map[*grpc.ClientConn]bool
}

func (c *connections) interceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	c.mu.Lock()
	if c.open == nil {
		c.open = map[*grpc.ClientConn]bool{}
	}
	c.open[cc] = true
	c.mu.Unlock()
	if strings.HasPrefix(method, "/plugin.GRPCBroker/") {
		return nil, status.Error(codes.Unimplemented, "the broker is disabled")
	}
	return next(ctx, desc, cc, method, opts...)
}

// ready returns when a connection is ready, or with an error when it fails or ctx ends.
func (c *connections) ready(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cc := range c.open {
		for {
			state := cc.GetState()
			if state == connectivity.Ready {
				return nil
			}
			if state == connectivity.TransientFailure || state == connectivity.Shutdown ||
				!cc.WaitForStateChange(ctx, state) {
				return fmt.Errorf("connection is %s", state)
			}
		}
	}
	return errors.New("no connection")
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cc := range c.open {
		_ = cc.Close()
	}
}
