package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// server serves a [Provider] over gRPC. An error of the source is an Error message; a gRPC status is for the transport, a
// call whose time is over, and requests that no host of ours sends.
type server struct {
	providerv1.UnimplementedProviderServer
	impl Provider
	// log gets the text of errors that is not shown to the person.
	log io.Writer
}

func newServer(p Provider) *server { return &server{impl: p, log: os.Stderr} }

// Describe implements the service.
func (s *server) Describe(ctx context.Context, in *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	d, err := s.describe(ctx, in)
	if err == nil && d != nil {
		return descriptionToWire(d), nil
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err == nil {
		err = errors.New("no description")
	}
	if said := (*Error)(nil); in.GetDefinition() != nil && errors.As(err, &said) && said != nil {
		return nil, refusedDefinition(said)
	}
	// DescribeResponse has no Error: a provider that cannot describe itself has failed.
	return nil, status.Error(codes.Internal, "describe: "+err.Error())
}

// refusedDefinition is the status for a definition that the provider does not accept. Its detail is the Error message.
func refusedDefinition(said *Error) error {
	refused := status.New(codes.InvalidArgument, "describe: "+said.Error())
	if detailed, err := refused.WithDetails(errorToWire(said)); err == nil {
		refused = detailed
	}
	return refused.Err()
}

func (s *server) describe(ctx context.Context, in *providerv1.DescribeRequest) (*Description, error) {
	if one, can := s.impl.(SourceDescriber); can && in.GetSource() != "" {
		return one.DescribeSource(ctx, &DescribeRequest{Source: in.GetSource(), Definition: definitionFromWire(in.GetDefinition())})
	}
	return s.impl.Describe(ctx)
}

// Connect implements the service.
func (s *server) Connect(ctx context.Context, in *providerv1.ConnectRequest) (*providerv1.ConnectResponse, error) {
	req, err := connectRequestFromWire(in)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	step, err := s.impl.Connect(ctx, req)
	if err == nil {
		var out *providerv1.ConnectResponse
		if out, err = stepToWire(step); err == nil {
			return out, nil
		}
	}
	refused, err := s.refusal(ctx, "connect", err, secretsOfConnect(in))
	if err != nil {
		return nil, err
	}
	return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Error{Error: refused}}, nil
}

// Disconnect implements the service.
func (s *server) Disconnect(ctx context.Context, in *providerv1.DisconnectRequest) (*providerv1.DisconnectResponse, error) {
	err := s.impl.Disconnect(ctx, credentialRequestFromWire(in))
	if err == nil {
		return &providerv1.DisconnectResponse{}, nil
	}
	refused, err := s.refusal(ctx, "disconnect", err, secretsOfCredentialRequest(in))
	if err != nil {
		return nil, err
	}
	return &providerv1.DisconnectResponse{Error: refused}, nil
}

// Refresh implements the service.
func (s *server) Refresh(ctx context.Context, in *providerv1.RefreshRequest) (*providerv1.RefreshResponse, error) {
	refreshed, err := s.refresh(ctx, credentialRequestFromWire(in))
	if err == nil {
		return &providerv1.RefreshResponse{
			Credential: credentialToWire(refreshed.Credential),
			Scopes:     wire.Texts(refreshed.Scopes),
		}, nil
	}
	refused, err := s.refusal(ctx, "refresh", err, secretsOfCredentialRequest(in))
	if err != nil {
		return nil, err
	}
	return &providerv1.RefreshResponse{Error: refused}, nil
}

func (s *server) refresh(ctx context.Context, req *CredentialRequest) (*Refreshed, error) {
	refresher, can := s.impl.(Refresher)
	if !can {
		return nil, &Error{Code: NotSupported, Message: fmt.Sprintf(wire.NoMethod, "refresh")}
	}
	refreshed, err := refresher.Refresh(ctx, req)
	if err == nil && refreshed == nil {
		return nil, sourceError(wire.NoCredential)
	}
	return refreshed, err
}

// Check implements the service.
func (s *server) Check(ctx context.Context, in *providerv1.CheckRequest) (*providerv1.CheckResponse, error) {
	err := s.check(ctx, credentialRequestFromWire(in))
	if err == nil {
		return &providerv1.CheckResponse{}, nil
	}
	refused, err := s.refusal(ctx, "check", err, secretsOfCredentialRequest(in))
	if err != nil {
		return nil, err
	}
	return &providerv1.CheckResponse{Error: refused}, nil
}

func (s *server) check(ctx context.Context, req *CredentialRequest) error {
	checker, can := s.impl.(Checker)
	if !can {
		return &Error{Code: NotSupported, Message: fmt.Sprintf(wire.NoMethod, "check")}
	}
	return checker.Check(ctx, req)
}

// refusal turns a provider's error into an Error message, or into a status where the deadline of the call has passed: its
// caller is gone, and the error then says nothing about the source.
func (s *server) refusal(ctx context.Context, method string, err error, secret []string) (*providerv1.Error, error) {
	var said *Error
	if errors.As(err, &said) && said != nil {
		return errorToWire(said), nil
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	s.report(method, err, secret)
	return errorToWire(sourceError("the provider failed with an unexpected error")), nil
}

// report writes an unexpected error to standard error for the diagnostics, without the secrets of the request.
func (s *server) report(method string, err error, secret []string) {
	cause := "a nil *sdk.Error"
	if said := (*Error)(nil); !errors.As(err, &said) {
		cause = withoutSecrets(err.Error(), secret)
	}
	_, _ = fmt.Fprintf(s.log, "%s: unexpected error: %s\n", method, cause)
}
