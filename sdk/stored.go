package sdk

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// MarshalStep encodes a step for storage: the bytes of the wire's ConnectResponse, so that a later version reads what
// an earlier one wrote. The same step gives the same bytes within one build. They may hold a credential and must be
// sealed. It fails for nil and for what [MaxResume] and the wire do not allow.
func MarshalStep(s Step) ([]byte, error) {
	out, err := stepToWire(s)
	if err != nil {
		return nil, fmt.Errorf("encode step: %w", err)
	}
	return marshal(out)
}

// UnmarshalStep decodes what [MarshalStep] encoded. It never returns a nil step without an error.
func UnmarshalStep(data []byte) (Step, error) {
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

// MarshalCallback encodes the parameters of a redirect for storage, in their order. They hold an authorization code
// and must be sealed.
func MarshalCallback(c Callback) ([]byte, error) { return marshal(callbackToWire(c)) }

// UnmarshalCallback decodes what [MarshalCallback] encoded.
func UnmarshalCallback(data []byte) (Callback, error) {
	in := &providerv1.Callback{}
	if err := proto.Unmarshal(data, in); err != nil {
		return Callback{}, fmt.Errorf("decode callback: %w", err)
	}
	return callbackFromWire(in), nil
}

func marshal(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
