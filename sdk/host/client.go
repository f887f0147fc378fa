package host

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// Client calls a provider at the other end of a connection. Every method returns what came over the wire: an [*sdk.Error]
// for an error of the source, a gRPC status (see [status.FromError]) where the transport or the provider failed. A method
// blocks until its context ends; the client itself sets no limit. It is safe for concurrent use.
//
// No response makes it panic: an unknown method or capability is left out, an unknown kind of field is text, an unknown
// error code is [sdk.SourceError], a missing step is an [*sdk.Error].
type Client struct {
	wire providerv1.ProviderClient
}

var (
	_ sdk.Provider  = (*Client)(nil)
	_ sdk.Refresher = (*Client)(nil)
	_ sdk.Checker   = (*Client)(nil)

	_ sdk.SourceDescriber = (*Client)(nil)
)

// NewClient calls the provider behind a connection, which the caller closes.
func NewClient(cc grpc.ClientConnInterface) *Client {
	return &Client{wire: providerv1.NewProviderClient(cc)}
}

// Describe implements [sdk.Provider].
func (c *Client) Describe(ctx context.Context) (*sdk.Description, error) {
	out, err := c.wire.Describe(ctx, &providerv1.DescribeRequest{})
	if err != nil {
		return nil, err
	}
	return descriptionFromWire(out), nil
}

// DescribeSource implements [sdk.SourceDescriber]. A provider that does not know this request describes all its sources. An
// [*sdk.Error] is what it has against the definition.
func (c *Client) DescribeSource(ctx context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	out, err := c.wire.Describe(ctx, &providerv1.DescribeRequest{
		Source: wire.Text(req.Source), Definition: definitionToWire(req.Definition),
	})
	if said := refusedDefinition(err); req.Definition != nil && said != nil {
		return nil, said
	}
	if err != nil {
		return nil, err
	}
	return descriptionFromWire(out), nil
}

// refusedDefinition is what a provider has against a definition, or nil: a status with an Error message for its detail.
func refusedDefinition(err error) *sdk.Error {
	s, _ := status.FromError(err)
	if s.Code() != codes.InvalidArgument {
		return nil
	}
	for _, detail := range s.Details() {
		if said, ok := detail.(*providerv1.Error); ok {
			return errorFromWire(said)
		}
	}
	return nil
}

// Connect implements [sdk.Provider].
func (c *Client) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	in, err := connectRequestToWire(req)
	if err != nil {
		return nil, err
	}
	out, err := c.wire.Connect(ctx, in)
	if err != nil {
		return nil, err
	}
	return stepFromWire(out)
}

// Disconnect implements [sdk.Provider].
func (c *Client) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	if err := checkSettings(req.Settings); err != nil {
		return err
	}
	out, err := c.wire.Disconnect(ctx, &providerv1.DisconnectRequest{
		Source:     wire.Text(req.Source),
		Settings:   settingsToWire(req.Settings),
		Account:    accountToWire(req.Account),
		Credential: credentialToWire(req.Credential),
		Definition: definitionToWire(req.Definition),
	})
	return callError(out, err, "disconnect")
}

// Refresh implements [sdk.Refresher].
func (c *Client) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	if err := checkSettings(req.Settings); err != nil {
		return nil, err
	}
	out, err := c.wire.Refresh(ctx, &providerv1.RefreshRequest{
		Source:     wire.Text(req.Source),
		Settings:   settingsToWire(req.Settings),
		Account:    accountToWire(req.Account),
		Credential: credentialToWire(req.Credential),
		Definition: definitionToWire(req.Definition),
	})
	if err := callError(out, err, "refresh"); err != nil {
		return nil, err
	}
	if out.GetCredential() == nil {
		return nil, sourceError(wire.NoCredential)
	}
	return &sdk.Refreshed{Credential: credentialFromWire(out.GetCredential()), Scopes: out.GetScopes()}, nil
}

// Check implements [sdk.Checker].
func (c *Client) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	if err := checkSettings(req.Settings); err != nil {
		return err
	}
	out, err := c.wire.Check(ctx, &providerv1.CheckRequest{
		Source:     wire.Text(req.Source),
		Settings:   settingsToWire(req.Settings),
		Account:    accountToWire(req.Account),
		Credential: credentialToWire(req.Credential),
		Definition: definitionToWire(req.Definition),
	})
	return callError(out, err, "check")
}

// callError is the error of a call: of the transport, or of the source. A provider without the method does not support it.
func callError(out interface{ GetError() *providerv1.Error }, err error, method string) error {
	if status.Code(err) == codes.Unimplemented {
		return &sdk.Error{Code: sdk.NotSupported, Message: fmt.Sprintf(wire.NoMethod, method)}
	}
	if err != nil {
		return err
	}
	if said := out.GetError(); said != nil {
		return errorFromWire(said)
	}
	return nil
}
