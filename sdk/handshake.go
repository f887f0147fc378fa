package sdk

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// PluginName is the name under which go-plugin dispenses the provider.
const PluginName = "provider"

// ProtocolVersion is the one version of the protocol that this package speaks.
const ProtocolVersion = 1

// EnvLifeline is the environment variable by which a host says that the provider's standard input is a lifeline: with
// the value [LifelineStdin], the end of standard input ends the provider.
const EnvLifeline = "HUMANCONNECT_LIFELINE"

// LifelineStdin is the value of [EnvLifeline].
const LifelineStdin = "stdin"

// MaxMessage limits a message of the wire in either direction: 4 MiB.
const MaxMessage = 4 << 20

// Handshake is go-plugin's handshake of a humanconnect provider, the same for hosts and providers. The cookie is no
// secret: it only tells a start by a host from a start by hand.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   "HUMANCONNECT_PROVIDER",
		MagicCookieValue: "8f0c4f6d2c4e4b7aa1d35f6f4b2f9c11",
	}
}

// VersionedPlugins is the plugin set of either side, by protocol version. A host gives nil for p.
func VersionedPlugins(p Provider) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {PluginName: &Plugin{Impl: p}}}
}

// Plugin is a provider as go-plugin sees it. On the host's side it dispenses a [*Client].
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin
	// Impl is the provider to serve; a host leaves it nil.
	Impl Provider
}

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer implements [plugin.GRPCPlugin].
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	Register(s, p.Impl)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin]; it returns a [*Client].
func (p *Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return NewClient(cc), nil
}

// Register serves a provider on a gRPC server, without a process of its own: for tests, and for hosts that do not use
// go-plugin.
func Register(r grpc.ServiceRegistrar, p Provider) {
	providerv1.RegisterProviderServer(r, newServer(p))
}
