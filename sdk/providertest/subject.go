package providertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Subject is a provider to verify.
type Subject struct {
	register func(*grpc.Server)
	argv     []string
}

// Of is a provider in this process, which is called over the real wire nevertheless. It does not notice what the provider
// keeps in memory between two calls; see [Program].
func Of(p sdk.Provider) Subject {
	return Subject{register: func(s *grpc.Server) { sdk.Register(s, p) }}
}

// Program is a provider in any language: a program and its arguments. Each step starts it again, with an environment like
// that of humanconnect's providers.
func Program(argv ...string) Subject { return Subject{argv: argv} }

// connection is one to a provider that has been served or started for it. stop ends both.
type connection struct {
	grpc.ClientConnInterface
	stop func()
}

// connect serves or starts the provider, which ends with ctx at the latest.
func (s Subject) connect(ctx context.Context) (connection, error) {
	if s.register != nil {
		return served(s.register)
	}
	if len(s.argv) == 0 {
		return connection{}, errors.New("no program is named")
	}
	return s.started(ctx)
}

func served(register func(*grpc.Server)) (connection, error) {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(sdk.MaxMessage))
	register(server)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	stop := func() {
		server.Stop()
		<-ended
	}
	cc, err := grpc.NewClient("passthrough:///provider",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
	if err != nil {
		stop()
		return connection{}, err
	}
	return connection{cc, func() {
		_ = cc.Close()
		stop()
	}}, nil
}

func (s Subject) started(ctx context.Context) (connection, error) {
	command := exec.CommandContext(ctx, s.argv[0], s.argv[1:]...)
	dir, err := socketDir()
	if err != nil {
		return connection{}, err
	}
	command.Env = append(environment(), plugin.EnvUnixSocketDir+"="+dir)
	said := &tailBuffer{}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.Plugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              command,
		SkipHostEnv:      true,
		Stderr:           said,
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     startLimit,
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(sdk.MaxMessage), grpc.MaxCallSendMsgSize(sdk.MaxMessage))},
	})
	stop := func() {
		client.Kill()
		_ = os.RemoveAll(dir)
	}
	protocol, err := client.Client()
	if err != nil {
		stop()
		why, _, _ := strings.Cut(err.Error(), "\n")
		return connection{}, fmt.Errorf("%s (its standard error: %q)", why, said)
	}
	spoken, ok := protocol.(*plugin.GRPCClient)
	if !ok {
		stop()
		return connection{}, fmt.Errorf("it speaks %T", protocol)
	}
	return connection{spoken.Conn, stop}, nil
}

// socketDir makes a directory whose path leaves room for that of a socket, which has 103 bytes at most.
func socketDir() (string, error) {
	base := os.TempDir()
	if len(base) > 55 {
		base = "/tmp"
	}
	return os.MkdirTemp(base, "provider-")
}

// tailBuffer keeps the end of what is written to it. It is safe for concurrent use.
type tailBuffer struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer].
func (l *tailBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-2000):]
	return len(p), nil
}

func (l *tailBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// environment has the variables of ours that a provider gets.
func environment() []string {
	passed := []string{"PATH", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
	var out []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(passed, strings.ToUpper(name)) || strings.HasPrefix(name, "LC_") {
			out = append(out, entry)
		}
	}
	return out
}
