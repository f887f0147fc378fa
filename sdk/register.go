package sdk

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// Register serves a provider on a gRPC server of one's own, without a process: for tests. [Serve] is for programs.
func Register(r grpc.ServiceRegistrar, p Provider) {
	providerv1.RegisterProviderServer(r, newServer(p))
}

// served is a provider as go-plugin sees it from the provider's side.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	impl Provider
}

var _ plugin.GRPCPlugin = (*served)(nil)

// GRPCServer implements [plugin.GRPCPlugin].
func (p *served) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	Register(s, p.impl)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin]. No host is here.
func (p *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.ErrUnsupported
}
