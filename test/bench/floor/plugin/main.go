// Command plugin serves the smallest plugin there is.
package main

import (
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/test/bench/floor/kv"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: kv.Handshake(), Plugins: kv.Plugins(), GRPCServer: plugin.DefaultGRPCServer,
	})
}
