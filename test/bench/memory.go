package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/test/bench/floor/kv"
)

// memory compares the largest memory of the provider with that of the smallest plugin. That of the core stands in the
// rows of its whole processes.
func (w *world) memory(ctx context.Context, _ int) (row, error) {
	client, _, err := w.bareProvider(ctx, sandboxProvider)
	if err != nil {
		return row{}, err
	}
	defer client.Kill()
	provider, err := peak(client.ReattachConfig().Pid)
	if err != nil {
		return row{}, err
	}
	floor, err := w.floorPlugin(ctx)
	if err != nil {
		return row{}, err
	}
	c := comparison{what: "memory of the provider, started", floor: "memory of the smallest plugin, started"}
	c.a, c.b = []sample{{rss: provider}}, []sample{{rss: floor}}
	return row{comparison: c}, nil
}

func (w *world) floorPlugin(ctx context.Context) (int64, error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: kv.Handshake(), Plugins: kv.Plugins(), Cmd: exec.CommandContext(ctx, w.path("floor-plugin")),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	if _, err := client.Client(); err != nil {
		return 0, err
	}
	return peak(client.ReattachConfig().Pid)
}

// peak reads the largest memory that a process had so far (proc(5), VmHWM), in bytes.
func peak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kibibytes(status, "VmHWM:")
}
