// Package kv is the smallest plugin there is, in the manner of go-plugin's own gRPC example: one call that takes a key
// and gives a value.
package kv

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Handshake of the plugin.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "FLOOR_PLUGIN", MagicCookieValue: "floor"}
}

// Plugins of either side.
func Plugins() plugin.PluginSet { return plugin.PluginSet{"kv": &Plugin{}} }

// Plugin is the plugin as go-plugin sees it.
type Plugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer implements [plugin.GRPCPlugin].
func (*Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(service(), nil)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin]; it returns a [*Client].
func (*Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return &Client{cc}, nil
}

// Client calls the plugin.
type Client struct{ cc *grpc.ClientConn }

const method = "/kv.KV/Get"

// Get returns the value of a key.
func (c *Client) Get(ctx context.Context, key string) ([]byte, error) {
	value := &wrapperspb.BytesValue{}
	if err := c.cc.Invoke(ctx, method, wrapperspb.String(key), value); err != nil {
		return nil, err
	}
	return value.GetValue(), nil
}

// service is what protoc-gen-go-grpc would write for one unary method.
func service() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "kv.KV",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: get}},
	}
}

//nolint:revive // the signature is gRPC's
func get(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	key := &wrapperspb.StringValue{}
	if err := decode(key); err != nil {
		return nil, err
	}
	return wrapperspb.Bytes([]byte("value of " + key.GetValue())), nil
}
