// Command frozen is a provider as it was written when the plugin protocol was frozen: a plain server of go-plugin, which
// has nothing of today's SDK but a copy of provider.proto and of the code that was generated from it. It is built and run by
// TestProviderOfTheFrozenProtocolStillWorks, and is never changed: whoever has to change it has broken every provider that
// is out there.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/humanconnect/humanconnect/plugins/testdata/frozen/providerv1"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "HUMANCONNECT_PROVIDER",
			MagicCookieValue: "8f0c4f6d2c4e4b7aa1d35f6f4b2f9c11",
		},
		Plugins:    plugin.PluginSet{"provider": &frozen{}},
		GRPCServer: plugin.DefaultGRPCServer,
	})
}

type frozen struct{ plugin.NetRPCUnsupportedPlugin }

func (*frozen) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	providerv1.RegisterProviderServer(s, provider{})
	return nil
}

func (*frozen) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not here")
}

type provider struct {
	providerv1.UnimplementedProviderServer
}

// until is when every step and credential expires.
func until() *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC))
}

func fields() []*providerv1.Field {
	return []*providerv1.Field{
		{Id: "user", Label: "User", Kind: providerv1.Field_KIND_TEXT, Required: true, Help: "Your name"},
		{Id: "password", Label: "Password", Kind: providerv1.Field_KIND_SECRET},
		{Id: "otp", Label: "Code", Kind: providerv1.Field_KIND_OTP},
		{Id: "portal", Label: "Portal", Kind: providerv1.Field_KIND_URL},
		{
			Id: "country", Label: "Country", Kind: providerv1.Field_KIND_CHOICE,
			Choices: []*providerv1.Choice{{Value: "at", Label: "Austria"}, {Value: "de", Label: "Germany"}},
		},
	}
}

func (provider) Describe(context.Context, *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	return &providerv1.DescribeResponse{
		Name: "frozen", Version: "1.0.0",
		Settings: []*providerv1.Field{{Id: "region", Label: "Region", Kind: providerv1.Field_KIND_TEXT}},
		Sources: []*providerv1.Source{{
			Id: "frozen", Name: "Frozen", Group: "Tests", Fields: fields(), Hosts: []string{"frozen.example"},
			Ways: []providerv1.Way{providerv1.Way_WAY_FORM, providerv1.Way_WAY_BROWSER, providerv1.Way_WAY_CODE},
			Capabilities: []providerv1.Capability{
				providerv1.Capability_CAPABILITY_REVOKE, providerv1.Capability_CAPABILITY_REFRESH, providerv1.Capability_CAPABILITY_CHECK,
			},
			Settings: []*providerv1.Field{{Id: "client_id", Label: "Client", Kind: providerv1.Field_KIND_TEXT}},
		}},
	}, nil
}

// Connect asks for a form, a browser, a code and time, and what it was asked is in the texts of its steps.
func (provider) Connect(_ context.Context, req *providerv1.ConnectRequest) (*providerv1.ConnectResponse, error) {
	out := &providerv1.ConnectResponse{}
	switch reply := req.GetReply().(type) {
	case *providerv1.ConnectRequest_Start:
		out.Resume = []byte("form")
		out.Result = &providerv1.ConnectResponse_Form{Form: &providerv1.Form{Title: "Sign in", Text: heard(req), Fields: fields()}}
	case *providerv1.ConnectRequest_Form:
		if reply.Form.GetValues()["password"] != "right" {
			out.Result = &providerv1.ConnectResponse_Error{Error: &providerv1.Error{
				Code: "invalid_input", Field: "password", Message: "Not this one.",
			}}
			return out, nil
		}
		out.Resume = []byte("browser")
		address := "https://frozen.example/?state=" + req.GetOauthState()
		out.Result = &providerv1.ConnectResponse_OpenUrl{OpenUrl: &providerv1.OpenURL{Url: address, ExpiresAt: until()}}
	case *providerv1.ConnectRequest_Callback:
		var said []string
		for _, p := range reply.Callback.GetParameters() {
			said = append(said, p.GetName()+p.GetValue())
		}
		out.Resume = []byte("code")
		out.Result = &providerv1.ConnectResponse_ShowCode{ShowCode: &providerv1.ShowCode{
			UserCode: strings.Join(said, "-"), VerificationUri: "https://frozen.example/device",
			VerificationUriComplete: "https://frozen.example/device?code=1",
			PollAfter:               durationpb.New(2 * time.Second), ExpiresAt: until(),
		}}
	case *providerv1.ConnectRequest_TimePassed:
		if string(req.GetResume()) == "code" {
			out.Resume = []byte("wait")
			out.Result = &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{
				Text: "The source is working.", PollAfter: durationpb.New(3 * time.Second), ExpiresAt: until(),
			}}
			return out, nil
		}
		out.Result = &providerv1.ConnectResponse_Connected{Connected: &providerv1.Connected{
			Account: &providerv1.Account{Id: "7", Label: "Seven"}, Credential: credential("first"), Scopes: []string{"read", "write"},
		}}
	}
	return out, nil
}

// heard is all that the request of a start says.
func heard(req *providerv1.ConnectRequest) string {
	can := req.GetFrontEnd()
	return strings.Join([]string{
		req.GetSource(), req.GetSettings().GetValues()["client_id"], req.GetSettings().GetSecrets()["client_secret"],
		req.GetAttemptId(), req.GetRedirectUri(), req.GetOauthState(), req.GetExpected().GetId(), req.GetExpected().GetLabel(),
		strings.Join(req.GetScopes(), "+"), fmt.Sprint(can.GetBrowser(), can.GetForm(), can.GetCode()), req.GetLocale(),
	}, " ")
}

func credential(data string) *providerv1.Credential {
	return &providerv1.Credential{Data: []byte(data), MediaType: "text/plain", ExpiresAt: until()}
}

// asking is what the requests that have a credential have in common.
type asking interface {
	GetSource() string
	GetSettings() *providerv1.Settings
	GetAccount() *providerv1.Account
	GetCredential() *providerv1.Credential
}

// refused is an error that has every field, unless the whole request has come.
func refused(req asking) *providerv1.Error {
	c := req.GetCredential()
	if req.GetSource() == "frozen" && req.GetSettings().GetSecrets()["client_secret"] == "hush-hush" &&
		req.GetAccount().GetId() == "7" && req.GetAccount().GetLabel() == "Seven" &&
		string(c.GetData()) == "first" && c.GetMediaType() == "text/plain" && c.GetExpiresAt().AsTime().Equal(until().AsTime()) {
		return nil
	}
	return &providerv1.Error{
		Code: "rate_limited", Message: "Not so fast.", Retryable: true, RetryAfter: durationpb.New(time.Minute), Setting: "client_id",
	}
}

func (provider) Disconnect(_ context.Context, req *providerv1.DisconnectRequest) (*providerv1.DisconnectResponse, error) {
	return &providerv1.DisconnectResponse{Error: refused(req)}, nil
}

func (provider) Refresh(_ context.Context, req *providerv1.RefreshRequest) (*providerv1.RefreshResponse, error) {
	if no := refused(req); no != nil {
		return &providerv1.RefreshResponse{Error: no}, nil
	}
	return &providerv1.RefreshResponse{Credential: credential("second"), Scopes: []string{"read"}}, nil
}

func (provider) Check(_ context.Context, req *providerv1.CheckRequest) (*providerv1.CheckResponse, error) {
	return &providerv1.CheckResponse{Error: refused(req)}, nil
}
