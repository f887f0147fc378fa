package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// TestMain makes the test binary the provider itself where a host starts it.
func TestMain(m *testing.M) {
	handshake := host.Handshake()
	if os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		main()
		return
	}
	os.Exit(m.Run())
}

// process starts the provider as a process.
func process(t *testing.T) *host.Client {
	t.Helper()
	started := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: host.Handshake(), VersionedPlugins: host.Plugins(), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd: exec.Command(os.Args[0]), Stderr: io.Discard, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(started.Kill)
	protocol, err := started.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*host.Client)
}

// offering is a provider of the shipped sources and those of a test, over the wire.
func offering(t *testing.T, texts ...string) (*provider, *host.Client) {
	t.Helper()
	p := newProvider()
	p.load = func(id string) (*catalog.Source, error) {
		for _, text := range texts {
			if s, err := catalog.Parse([]byte(text)); err != nil || s.ID == id {
				return s, err
			}
		}
		return catalog.Load(id)
	}
	return p, providertest.Wire(t, p)
}

// testServer are the settings by which a server on loopback is every host.
func testServer(url string) sdk.Settings {
	return sdk.Settings{Values: map[string]string{endpoint.SettingTestServer: url}}
}

// connects starts a source and answers its form.
func connects(t *testing.T, c *host.Client, source string, settings sdk.Settings, typed map[string]string) (sdk.Connected, error) {
	t.Helper()
	req := &sdk.ConnectRequest{Source: source, Settings: settings, AttemptID: "att_1", Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Form: true}}
	step, err := c.Connect(t.Context(), req)
	if form, ok := step.(sdk.Form); ok && err == nil {
		values := make(map[string]sdk.Secret)
		for _, field := range form.Fields {
			if typed[field.ID] != "" {
				values[field.ID] = sdk.Secret(typed[field.ID])
			}
		}
		req.Resume, req.Reply = host.ResumeOf(step), sdk.FormValues{Values: values}
		step, err = c.Connect(t.Context(), req)
	}
	connected, ok := step.(sdk.Connected)
	if err == nil && !ok {
		t.Fatalf("%s: step %+v", source, step)
	}
	return connected, err
}

// refusal is an error of a source; the zero value where there is none.
func refusal(err error) sdk.Error {
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return *said
	}
	return sdk.Error{}
}

func whole(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
