// Package providertest helps to test a provider.
package providertest

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/humanconnect/humanconnect/sdk"
)

// Wire serves a provider in this process and returns the host's end: every call goes over the real wire, so that a
// test sees what a host would see. Both ends are closed when the test ends.
func Wire(t testing.TB, p sdk.Provider) *sdk.Client {
	t.Helper()
	return Dial(t, func(s *grpc.Server) { sdk.Register(s, p) })
}

// Dial is [Wire] for a server that registers itself, such as one that breaks the rules.
func Dial(t testing.TB, register func(*grpc.Server)) *sdk.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(sdk.MaxMessage))
	register(server)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	cc, err := grpc.NewClient("passthrough:///provider",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
	if err != nil {
		t.Fatalf("dial the provider: %v", err)
	}
	t.Cleanup(func() {
		_ = cc.Close()
		server.Stop()
		<-served
	})
	return sdk.NewClient(cc)
}
