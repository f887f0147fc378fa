package sdk

import (
	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

func connectRequestFromWire(in *providerv1.ConnectRequest) (*ConnectRequest, error) {
	reply, err := replyFromWire(in)
	if err != nil {
		return nil, err
	}
	out := &ConnectRequest{
		Source:      in.GetSource(),
		Settings:    settingsFromWire(in.GetSettings()),
		AttemptID:   in.GetAttemptId(),
		RedirectURI: in.GetRedirectUri(),
		OAuthState:  in.GetOauthState(),
		Scopes:      in.GetScopes(),
		Resume:      wire.Bytes(in.GetResume()),
		Reply:       reply,
		Locale:      in.GetLocale(),
		Definition:  definitionFromWire(in.GetDefinition()),
	}
	if fe := in.GetFrontEnd(); fe != nil {
		out.FrontEnd = FrontEnd{Browser: fe.GetBrowser(), Form: fe.GetForm(), Code: fe.GetCode()}
	}
	if expected := in.GetExpected(); expected != nil {
		out.Expected = &Account{ID: expected.GetId(), Label: expected.GetLabel()}
	}
	return out, nil
}

func replyFromWire(in *providerv1.ConnectRequest) (Reply, error) {
	switch r := in.GetReply().(type) {
	case *providerv1.ConnectRequest_Start:
		return Start{}, nil
	case *providerv1.ConnectRequest_Callback:
		return callbackFromWire(r.Callback), nil
	case *providerv1.ConnectRequest_Form:
		return FormValues{Values: secretsFromWire(r.Form.GetValues())}, nil
	case *providerv1.ConnectRequest_TimePassed:
		return TimePassed{}, nil
	}
	return nil, wire.ErrNoReply
}

func callbackFromWire(in *providerv1.Callback) Callback {
	var out Callback
	for _, p := range in.GetParameters() {
		out.Parameters = append(out.Parameters, Parameter{Name: p.GetName(), Value: p.GetValue()})
	}
	return out
}

// credentialRequestOnWire is what the requests of Disconnect, Refresh and Check have in common.
type credentialRequestOnWire interface {
	GetSource() string
	GetSettings() *providerv1.Settings
	GetAccount() *providerv1.Account
	GetCredential() *providerv1.Credential
	GetDefinition() *providerv1.Definition
}

func credentialRequestFromWire(in credentialRequestOnWire) *CredentialRequest {
	credential := in.GetCredential()
	return &CredentialRequest{
		Source:   in.GetSource(),
		Settings: settingsFromWire(in.GetSettings()),
		Account:  Account{ID: in.GetAccount().GetId(), Label: in.GetAccount().GetLabel()},
		Credential: Credential{
			Data:        Secret(credential.GetData()),
			MediaType:   credential.GetMediaType(),
			ExpiresAt:   wire.DecodeTime(credential.GetExpiresAt()),
			ReconnectBy: wire.DecodeTime(credential.GetReconnectBy()),
		},
		Definition: definitionFromWire(in.GetDefinition()),
	}
}

func definitionFromWire(in *providerv1.Definition) *Definition {
	if in == nil {
		return nil
	}
	return &Definition{JSON: wire.Bytes(in.GetJson()), NewOnly: in.GetNewOnly()}
}

func settingsFromWire(in *providerv1.Settings) Settings {
	out := Settings{Secrets: secretsFromWire(in.GetSecrets())}
	if len(in.GetValues()) > 0 {
		out.Values = in.GetValues()
	}
	return out
}

func secretsFromWire(in map[string]string) map[string]Secret {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]Secret, len(in))
	for name, value := range in {
		out[name] = Secret(value)
	}
	return out
}
