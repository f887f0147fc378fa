package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// The providers as they are released.
const (
	sandboxProvider = "humanconnect-provider-sandbox"
	oauth2Provider  = "humanconnect-provider-oauth2"
	keyProvider     = "humanconnect-provider-key"
)

// started times the start of a provider, with its description of all its sources or, for a source, of that one alone, and
// takes its largest memory.
func (w *world) started(name, binary, source string) action {
	return action{name: name, run: func(ctx context.Context) (sample, error) {
		ctx, cancel := context.WithTimeout(ctx, processLimit)
		defer cancel()
		began := time.Now()
		client, p, err := w.bareProvider(ctx, binary)
		if err != nil {
			return sample{}, err
		}
		defer client.Kill()
		if err := describe(ctx, p, source); err != nil {
			return sample{}, fmt.Errorf("%s: %w", binary, err)
		}
		took := time.Since(began)
		rss, err := peak(client.ReattachConfig().Pid)
		return sample{wall: took, rss: rss}, err
	}}
}

func describe(ctx context.Context, p sdk.Provider, source string) error {
	if source == "" {
		_, err := p.Describe(ctx)
		return err
	}
	one, can := p.(sdk.SourceDescriber)
	if !can {
		return fmt.Errorf("%T does not describe one source", p)
	}
	_, err := one.DescribeSource(ctx, &sdk.DescribeRequest{Source: source})
	return err
}

// bareProvider starts a provider as go-plugin does by itself.
func (w *world) bareProvider(ctx context.Context, binary string) (*plugin.Client, sdk.Provider, error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: host.Handshake(), VersionedPlugins: host.Plugins(),
		Cmd:              exec.CommandContext(ctx, w.path(binary)),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	conn, err := client.Client()
	if err != nil {
		return client, nil, err
	}
	got, err := conn.Dispense(host.PluginName)
	if err != nil {
		client.Kill()
		return client, nil, err
	}
	provider, ok := got.(sdk.Provider)
	if !ok {
		client.Kill()
		return client, nil, fmt.Errorf("dispensed %T", got)
	}
	return client, provider, nil
}
