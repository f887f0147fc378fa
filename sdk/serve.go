package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// Serve serves a provider to the host. It is the last call of main: it returns when the host has asked the provider to stop,
// and main should then return too. Started by hand, it prints on standard error what this program is, and exits with 1.
//
// While it serves:
//   - standard output belongs to the handshake. What the provider, a library or a child process prints there goes to
//     standard error. Nothing may be printed before Serve: the handshake would be lost.
//   - an interrupt (Ctrl-C reaches the whole terminal) does nothing; the host decides when to stop.
//   - where the host set HUMANCONNECT_LIFELINE=stdin, the end of standard input ends the provider at once, and with it
//     its process group if it leads one. So nothing outlives a host that was killed.
//   - a panic ends the process, with its text on standard error, as it would anywhere.
func Serve(p Provider) {
	if !startedByHost(os.Getenv) {
		explain(os.Stderr, os.Args[0])
		os.Exit(1)
	}
	if os.Getenv(wire.EnvLifeline) == wire.LifelineStdin {
		go holdLifeline(os.Stdin)
	}
	ignoreInterrupts()
	streams := takeStandardOutput()
	config := &plugin.ServeConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: (&wire.Plugin{Serve: func(r grpc.ServiceRegistrar) { Register(r, p) }}).Set(),
		GRPCServer:       streams.newGRPCServer,
		Logger: hclog.New(&hclog.LoggerOptions{
			Level:      hclog.Warn,
			Output:     os.Stderr,
			JSONFormat: true,
		}),
	}
	plugin.Serve(config)
}

// Register serves a provider on a gRPC server of one's own, without a process: for tests. [Serve] is for programs.
func Register(r grpc.ServiceRegistrar, p Provider) {
	providerv1.RegisterProviderServer(r, newServer(p))
}

func startedByHost(getenv func(string) string) bool {
	handshake := wire.Handshake()
	return getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue
}

func explain(w io.Writer, program string) {
	name := filepath.Base(program)
	_, _ = fmt.Fprintf(w, `%s is a provider of humanconnect and is not run directly.
humanconnect starts it to connect a source. Put it into the folder for providers, or add its path to "providers" in
config.yaml; then "humanconnect provider list" lists it.
`, name)
}

// holdLifeline ends the process when r ends. What the host writes there is ignored.
func holdLifeline(r io.Reader) {
	_, _ = io.Copy(io.Discard, r)
	endProcess()
}

// ignoreInterrupts catches rather than ignores the signal: an ignored one would be ignored by child processes too.
func ignoreInterrupts() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
}

// standardStreams keeps the process's own streams. go-plugin prints its handshake on os.Stdout, and then puts pipes
// in the place of os.Stdout and os.Stderr, which it streams to the host over gRPC. Those block the writer where the
// host does not read them, and lose the last lines of a crash. So the first call of the host puts standard error back in the
// place of both.
type standardStreams struct {
	stderr *os.File
	once   sync.Once
}

func (s *standardStreams) restore() {
	s.once.Do(func() { os.Stdout, os.Stderr = s.stderr, s.stderr })
}

func (s *standardStreams) newGRPCServer(options []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(MaxMessage),
		grpc.MaxSendMsgSize(MaxMessage),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
	)...)
}

func (s *standardStreams) unary(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	s.restore()
	return handle(ctx, req)
}

func (s *standardStreams) stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler,
) error {
	s.restore()
	// go-plugin always registers the reflection service, which no host of ours uses.
	if strings.HasPrefix(info.FullMethod, "/grpc.reflection.") {
		return status.Error(codes.Unimplemented, "no reflection")
	}
	return handle(srv, stream)
}
