package host_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// foreign is a plugin that was written without this package, against a later version of the proto.
type foreign struct {
	providerv1.UnimplementedProviderServer
	describe *providerv1.DescribeResponse
	connect  *providerv1.ConnectResponse
	err      error
}

func (f *foreign) Describe(context.Context, *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	return f.describe, f.err
}

func (f *foreign) Connect(context.Context, *providerv1.ConnectRequest) (*providerv1.ConnectResponse, error) {
	return f.connect, f.err
}

func dial(t *testing.T, f *foreign) *host.Client {
	return providertest.Dial(t, func(s *grpc.Server) { providerv1.RegisterProviderServer(s, f) })
}

func TestHostReadsMessagesOfALaterVersion(t *testing.T) {
	c := dial(t, &foreign{describe: &providerv1.DescribeResponse{
		Settings: []*providerv1.Field{{Id: "a", Kind: 99}, {Id: "b"}},
		Sources: []*providerv1.Source{{
			Id:           "clinic",
			Methods:      []providerv1.Method{99, providerv1.Method_METHOD_FORM, 0},
			Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_CHECK, 99, 0},
		}},
	}})
	got, err := c.Describe(t.Context())
	noError(t, err)
	same(t, "description", got, &sdk.Description{
		Settings: []sdk.Field{{ID: "a", Kind: sdk.KindText}, {ID: "b", Kind: sdk.KindText}},
		Sources: []sdk.Source{{
			ID:           "clinic",
			Methods:      []sdk.Method{sdk.MethodForm},
			Capabilities: []sdk.Capability{sdk.CapabilityCheck},
		}},
	})
}

func TestHostSurvivesEmptyMessages(t *testing.T) {
	f := &foreign{describe: &providerv1.DescribeResponse{}, connect: &providerv1.ConnectResponse{}}
	c := dial(t, f)
	_, err := c.Describe(t.Context())
	noError(t, err)
	_, err = c.Connect(t.Context(), startRequest())
	refusedWith(t, err, sdk.SourceError)

	for _, answer := range []*providerv1.ConnectResponse{
		{Result: &providerv1.ConnectResponse_OpenUrl{OpenUrl: &providerv1.OpenURL{}}},
		{Result: &providerv1.ConnectResponse_Form{Form: &providerv1.Form{Fields: []*providerv1.Field{{}}}}},
		{Result: &providerv1.ConnectResponse_ShowCode{ShowCode: &providerv1.ShowCode{}}},
		{Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{}}},
		{Result: &providerv1.ConnectResponse_Connected{Connected: &providerv1.Connected{}}},
	} {
		f.connect = answer
		_, err := c.Connect(t.Context(), startRequest())
		noError(t, err)
	}
}

func TestUnknownFailureCodeIsASourceError(t *testing.T) {
	f := &foreign{connect: &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Error{
		Error: &providerv1.Error{Code: "moon_phase", Message: "not today", Retryable: true},
	}}}
	_, err := dial(t, f).Connect(t.Context(), startRequest())
	same(t, "error", refusedWith(t, err, sdk.SourceError),
		&sdk.Error{Code: sdk.SourceError, Message: "not today", Retryable: true})
}

func TestResumeOverItsLimitFromAForeignPluginIsRefused(t *testing.T) {
	f := &foreign{connect: &providerv1.ConnectResponse{
		Resume: make([]byte, sdk.MaxResume+1),
		Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{}},
	}}
	_, err := dial(t, f).Connect(t.Context(), startRequest())
	refusedWith(t, err, sdk.SourceError)
}

func TestTimesOutOfRangeAreNone(t *testing.T) {
	f := &foreign{connect: &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{
		PollAfter: &durationpb.Duration{Seconds: -5},
		ExpiresAt: &timestamppb.Timestamp{Seconds: 1 << 60},
	}}}}
	step, err := dial(t, f).Connect(t.Context(), startRequest())
	noError(t, err)
	same(t, "step", step, sdk.Wait{})

	f.connect.GetWait().PollAfter = &durationpb.Duration{Seconds: 1 << 60}
	step, err = dial(t, f).Connect(t.Context(), startRequest())
	noError(t, err)
	if d := step.(sdk.Wait).PollAfter; d < time.Hour {
		t.Errorf("an endless poll interval became %v", d)
	}
}

func TestStatusOfThePluginReachesTheHost(t *testing.T) {
	c := dial(t, &foreign{err: status.Error(codes.ResourceExhausted, "too much")})
	_, err := c.Connect(t.Context(), startRequest())
	if s, ok := status.FromError(err); !ok || s.Code() != codes.ResourceExhausted {
		t.Errorf("got %v, want the plugin's own status", err)
	}
}

func TestMethodsThatAForeignPluginLacksAreNotSupported(t *testing.T) {
	c := dial(t, &foreign{})
	refusedWith(t, c.Disconnect(t.Context(), &sdk.CredentialRequest{}), sdk.NotSupported)
	refusedWith(t, c.Check(t.Context(), &sdk.CredentialRequest{}), sdk.NotSupported)
	_, err := c.Refresh(t.Context(), &sdk.CredentialRequest{})
	refusedWith(t, err, sdk.NotSupported)
}

// A value that is added to the protocol needs its constant: hosts know no other.
func TestEveryWordOfTheProtocolHasAConstant(t *testing.T) {
	in, numbers := &providerv1.Source{Id: "clinic"}, func(names map[int32]string) []int32 { return slices.Sorted(maps.Keys(names)) }
	for _, n := range numbers(providerv1.Method_name) {
		in.Methods = append(in.Methods, providerv1.Method(n))
	}
	for _, n := range numbers(providerv1.Capability_name) {
		in.Capabilities = append(in.Capabilities, providerv1.Capability(n))
	}
	for _, n := range numbers(providerv1.Field_Kind_name) {
		in.Fields = append(in.Fields, &providerv1.Field{Kind: providerv1.Field_Kind(n)})
	}
	got, err := dial(t, &foreign{describe: &providerv1.DescribeResponse{Sources: []*providerv1.Source{in}}}).Describe(t.Context())
	noError(t, err)
	want := sdk.Source{
		ID: "clinic", Methods: []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode},
		Capabilities: []sdk.Capability{sdk.CapabilityRevoke, sdk.CapabilityRefresh, sdk.CapabilityCheck},
	}
	for _, kind := range []sdk.Kind{sdk.KindText, sdk.KindText, sdk.KindSecret, sdk.KindURL, sdk.KindChoice, sdk.KindOTP} {
		want.Fields = append(want.Fields, sdk.Field{Kind: kind})
	}
	same(t, "source", got.Sources[0], want)
}
