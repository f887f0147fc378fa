// Package wire has what both ends of the plugin protocol share: the handshake, and values of messages that are of no type
// of package sdk.
package wire

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

const (
	// PluginName is the name under which go-plugin dispenses the provider.
	PluginName = "provider"
	// ProtocolVersion is the one version of the protocol that this module speaks.
	ProtocolVersion = 1
	// EnvLifeline is the environment variable by which a host says that the provider's standard input is a lifeline.
	EnvLifeline = "HUMANCONNECT_LIFELINE"
	// LifelineStdin is the value of EnvLifeline.
	LifelineStdin = "stdin"
)

// Handshake is go-plugin's handshake of a humanconnect provider, the same at both ends.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   "HUMANCONNECT_PROVIDER",
		MagicCookieValue: "8f0c4f6d2c4e4b7aa1d35f6f4b2f9c11",
	}
}

// Plugin is a provider as go-plugin sees it: the provider's end has Serve, and the host's end has Dispense.
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin
	Serve    func(grpc.ServiceRegistrar)
	Dispense func(grpc.ClientConnInterface) any
}

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// Set is the plugin set of either end, by protocol version.
func (p *Plugin) Set() map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {PluginName: p}}
}

// GRPCServer implements [plugin.GRPCPlugin].
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	p.Serve(s)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin].
func (p *Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return p.Dispense(cc), nil
}
