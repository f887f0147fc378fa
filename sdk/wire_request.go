package sdk

import (
	"errors"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

var errNoReply = errors.New("a connect request needs a reply: start, callback, form values or time passed")

// connectRequestToWire refuses values that the wire cannot carry, with the field or setting at fault.
func connectRequestToWire(r *ConnectRequest) (*providerv1.ConnectRequest, error) {
	if err := checkSettings(r.Settings); err != nil {
		return nil, err
	}
	out := &providerv1.ConnectRequest{
		Source:      text(r.Source),
		Settings:    settingsToWire(r.Settings),
		AttemptId:   text(r.AttemptID),
		RedirectUri: text(r.RedirectURI),
		OauthState:  text(r.OAuthState),
		Scopes:      texts(r.Scopes),
		FrontEnd:    &providerv1.FrontEnd{Browser: r.FrontEnd.Browser, Form: r.FrontEnd.Form, Code: r.FrontEnd.Code},
		Resume:      r.Resume,
		Locale:      text(r.Locale),
	}
	if r.Expected != nil {
		out.Expected = accountToWire(*r.Expected)
	}
	return out, replyToWire(out, r.Reply)
}

func replyToWire(out *providerv1.ConnectRequest, reply Reply) error {
	switch r := reply.(type) {
	case Start:
		out.Reply = &providerv1.ConnectRequest_Start{Start: &providerv1.Start{}}
	case Callback:
		out.Reply = &providerv1.ConnectRequest_Callback{Callback: callbackToWire(r)}
	case FormValues:
		if err := checkForm(r); err != nil {
			return err
		}
		values := &providerv1.FormValues{Values: revealed(r.Values)}
		out.Reply = &providerv1.ConnectRequest_Form{Form: values}
	case TimePassed:
		out.Reply = &providerv1.ConnectRequest_TimePassed{TimePassed: &providerv1.TimePassed{}}
	default:
		return errNoReply
	}
	return nil
}

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
		Resume:      bytesOrNil(in.GetResume()),
		Reply:       reply,
		Locale:      in.GetLocale(),
	}
	if fe := in.GetFrontEnd(); fe != nil {
		out.FrontEnd = FrontEnd{Browser: fe.GetBrowser(), Form: fe.GetForm(), Code: fe.GetCode()}
	}
	if expected := in.GetExpected(); expected != nil {
		account := accountFromWire(expected)
		out.Expected = &account
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
		return FormValues{Values: secrets(r.Form.GetValues())}, nil
	case *providerv1.ConnectRequest_TimePassed:
		return TimePassed{}, nil
	}
	return nil, errNoReply
}

func callbackToWire(c Callback) *providerv1.Callback {
	out := &providerv1.Callback{}
	for _, p := range c.Parameters {
		out.Parameters = append(out.Parameters, &providerv1.Parameter{Name: text(p.Name), Value: text(p.Value)})
	}
	return out
}

func callbackFromWire(in *providerv1.Callback) Callback {
	var out Callback
	for _, p := range in.GetParameters() {
		out.Parameters = append(out.Parameters, Parameter{Name: p.GetName(), Value: p.GetValue()})
	}
	return out
}

// grantOnWire is what the requests of Disconnect, Refresh and Check have in common.
type grantOnWire interface {
	GetSource() string
	GetSettings() *providerv1.Settings
	GetAccount() *providerv1.Account
	GetCredential() *providerv1.Credential
}

func grantFromWire(in grantOnWire) *GrantRequest {
	return &GrantRequest{
		Source:     in.GetSource(),
		Settings:   settingsFromWire(in.GetSettings()),
		Account:    accountFromWire(in.GetAccount()),
		Credential: credentialFromWire(in.GetCredential()),
	}
}

func checkSettings(s Settings) error {
	for name, value := range s.Values {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return &Error{Code: BadConfiguration, Message: "a setting is not valid UTF-8", Setting: text(name)}
		}
	}
	for name, value := range s.Secrets {
		if !utf8.ValidString(name) || !utf8.ValidString(value.Reveal()) {
			return &Error{Code: BadConfiguration, Message: "a setting is not valid UTF-8", Setting: text(name)}
		}
	}
	return nil
}

func checkForm(f FormValues) error {
	for id, value := range f.Values {
		if !utf8.ValidString(id) || !utf8.ValidString(value.Reveal()) {
			return &Error{Code: InvalidInput, Message: "the value is not valid UTF-8", Field: text(id)}
		}
	}
	return nil
}
