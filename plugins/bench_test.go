package plugins_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// BenchmarkStart measures a start, one step and the stop; "bare" is go-plugin by itself, the floor.
func BenchmarkStart(b *testing.B) {
	self := benchSelf(b)
	request := &sdk.ConnectRequest{Source: "instant", Reply: sdk.Start{}}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			client, calls := bare(b, self)
			if _, err := calls.Connect(b.Context(), request); err != nil {
				b.Fatal(err)
			}
			client.Kill()
		}
	})
	digest, err := plugins.Digest(self)
	if err != nil {
		b.Fatal(err)
	}
	command := []string{self, actPrefix + "provider", "bench"}
	for name, options := range map[string]plugins.Options{
		"unpinned":      {Specs: []plugins.Spec{{Name: "test", Dev: true, Command: command}}},
		"pin, hashed":   {Specs: []plugins.Spec{{Name: "test", SHA256: digest, Command: command}}},
		"pin, recalled": {Specs: []plugins.Spec{{Name: "test", SHA256: digest, Command: command}}, CacheDir: b.TempDir()},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				host := plugins.New(options)
				p, err := host.Provider(b.Context(), "test", "instant")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Connect(b.Context(), request); err != nil {
					b.Fatal(err)
				}
				if err := host.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStep measures a step of a provider that runs; "bare" is the same call on go-plugin's own connection.
func BenchmarkStep(b *testing.B) {
	self := benchSelf(b)
	request := &sdk.ConnectRequest{
		Source: "instant", Resume: make([]byte, 256), OAuthState: "0123456789012345678901234567890123456789",
		Reply: sdk.FormValues{Values: map[string]sdk.Secret{"username": "demouser", "password": "password"}},
	}
	b.Run("bare", func(b *testing.B) {
		client, calls := bare(b, self)
		defer client.Kill()
		for b.Loop() {
			if _, err := calls.Connect(b.Context(), request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		host := plugins.New(plugins.Options{Specs: []plugins.Spec{{
			Name: "test", Dev: true, Command: []string{self, actPrefix + "provider", "bench"},
		}}})
		defer func() { _ = host.Close(context.Background()) }()
		p, err := host.Provider(b.Context(), "test", "instant")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := p.Connect(b.Context(), request); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func bare(b *testing.B, self string) (*plugin.Client, *host.Client) {
	b.Helper()
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: host.Handshake(), VersionedPlugins: host.Plugins(),
		Cmd:              exec.Command(self, actPrefix+"provider", "bench"),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	protocol, err := client.Client()
	if err != nil {
		b.Fatal(err)
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		b.Fatal(err)
	}
	calls, ok := raw.(*host.Client)
	if !ok {
		b.Fatalf("dispensed a %T", raw)
	}
	return client, calls
}

func benchSelf(b *testing.B) string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	return self
}
