package host

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// MarshalStep encodes a step for storage: the bytes of the wire's ConnectResponse, so that a later version reads what
// an earlier one wrote. The same step gives the same bytes within one build. They may hold a credential and must be
// sealed. It fails for nil and for what [sdk.MaxResume] and the wire do not allow.
func MarshalStep(s sdk.Step) ([]byte, error) {
	// A provider's end of the wire encodes steps, so a provider that returns this step is called.
	var end providersEnd
	sdk.Register(&end, answering{step: s})
	start := &providerv1.ConnectRequest{Reply: &providerv1.ConnectRequest_Start{Start: &providerv1.Start{}}}
	out, err := end.Connect(context.Background(), start)
	if err == nil && out.GetError() != nil {
		err = errorFromWire(out.GetError())
	}
	if err != nil {
		return nil, fmt.Errorf("encode step: %w", err)
	}
	return marshal(out)
}

// answering is a provider that returns one step.
type answering struct {
	sdk.Provider
	step sdk.Step
}

// Connect implements [sdk.Provider].
func (a answering) Connect(context.Context, *sdk.ConnectRequest) (sdk.Step, error) {
	return a.step, nil
}

// providersEnd takes what a provider would serve on a gRPC server.
type providersEnd struct{ providerv1.ProviderServer }

// RegisterService implements [grpc.ServiceRegistrar].
func (e *providersEnd) RegisterService(_ *grpc.ServiceDesc, server any) {
	e.ProviderServer, _ = server.(providerv1.ProviderServer)
}

// UnmarshalStep decodes what [MarshalStep] encoded. It never returns a nil step without an error.
func UnmarshalStep(data []byte) (sdk.Step, error) {
	in := &providerv1.ConnectResponse{}
	if err := proto.Unmarshal(data, in); err != nil {
		return nil, fmt.Errorf("decode step: %w", err)
	}
	if _, isError := in.GetResult().(*providerv1.ConnectResponse_Error); isError {
		return nil, errors.New("decode step: it is an error, not a step")
	}
	step, err := stepFromWire(in)
	if err != nil {
		return nil, fmt.Errorf("decode step: %w", err)
	}
	return step, nil
}

// ResumeOf returns the bytes of a step that the next request sends back.
func ResumeOf(s sdk.Step) []byte {
	switch s := s.(type) {
	case sdk.OpenURL:
		return s.Resume
	case sdk.Form:
		return s.Resume
	case sdk.ShowCode:
		return s.Resume
	case sdk.Wait:
		return s.Resume
	}
	return nil
}

// MarshalCallback encodes the parameters of a redirect for storage, in their order. They hold an authorization code
// and must be sealed.
func MarshalCallback(c sdk.Callback) ([]byte, error) { return marshal(callbackToWire(c)) }

// UnmarshalCallback decodes what [MarshalCallback] encoded.
func UnmarshalCallback(data []byte) (sdk.Callback, error) {
	in := &providerv1.Callback{}
	if err := proto.Unmarshal(data, in); err != nil {
		return sdk.Callback{}, fmt.Errorf("decode callback: %w", err)
	}
	return callbackFromWire(in), nil
}

func marshal(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
