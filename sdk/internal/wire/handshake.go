// Package wire has what both ends of the plugin protocol share: the handshake, and values of messages that are of no type
// of package sdk.
package wire

import "github.com/hashicorp/go-plugin"

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
