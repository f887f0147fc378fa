package host

import (
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk/internal/wire"
)

const (
	// PluginName is the name under which go-plugin dispenses the provider.
	PluginName = wire.PluginName
	// ProtocolVersion is the one version of the protocol that this module speaks.
	ProtocolVersion = wire.ProtocolVersion
	// EnvLifeline is the environment variable by which a host says that the provider's standard input is a lifeline:
	// with the value [LifelineStdin], the end of standard input ends the provider.
	EnvLifeline = wire.EnvLifeline
	// LifelineStdin is the value of [EnvLifeline].
	LifelineStdin = wire.LifelineStdin
)

// Handshake is go-plugin's handshake of a humanconnect provider. The cookie is not a secret: it only distinguishes a start by
// a host from a start by hand.
func Handshake() plugin.HandshakeConfig { return wire.Handshake() }

// Plugins is the host's plugin set, by protocol version. It dispenses a [*Client] as [PluginName].
func Plugins() map[int]plugin.PluginSet {
	dispense := func(cc grpc.ClientConnInterface) any { return NewClient(cc) }
	return (&wire.Plugin{Dispense: dispense}).Set()
}
