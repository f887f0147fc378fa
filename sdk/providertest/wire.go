// Package providertest tests providers: [Verify] runs the conformance suite, and [Wire] connects a test to a provider as its
// host.
package providertest

import (
	"testing"

	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Wire serves a provider in this process and returns the host's end: every call goes over the real wire, so that a
// test sees what a host would see. Both ends are closed when the test ends.
func Wire(t testing.TB, p sdk.Provider) *host.Client {
	t.Helper()
	return Dial(t, func(s *grpc.Server) { sdk.Register(s, p) })
}

// Dial is [Wire] for a server that registers itself, such as one that breaks the rules.
func Dial(t testing.TB, register func(*grpc.Server)) *host.Client {
	t.Helper()
	c, err := served(register)
	if err != nil {
		t.Fatalf("dial the provider: %v", err)
	}
	t.Cleanup(c.stop)
	return host.NewClient(c)
}
