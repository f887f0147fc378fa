package host

import (
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// connectRequestToWire refuses values that the wire cannot carry, with the field or setting at fault.
func connectRequestToWire(r *sdk.ConnectRequest) (*providerv1.ConnectRequest, error) {
	if err := checkSettings(r.Settings); err != nil {
		return nil, err
	}
	out := &providerv1.ConnectRequest{
		Source:      wire.Text(r.Source),
		Settings:    settingsToWire(r.Settings),
		AttemptId:   wire.Text(r.AttemptID),
		RedirectUri: wire.Text(r.RedirectURI),
		OauthState:  wire.Text(r.OAuthState),
		Scopes:      wire.Texts(r.Scopes),
		FrontEnd:    &providerv1.FrontEnd{Browser: r.FrontEnd.Browser, Form: r.FrontEnd.Form, Code: r.FrontEnd.Code},
		Resume:      r.Resume,
		Locale:      wire.Text(r.Locale),
		Definition:  definitionToWire(r.Definition),
	}
	if r.Expected != nil {
		out.Expected = accountToWire(*r.Expected)
	}
	return out, replyToWire(out, r.Reply)
}

func replyToWire(out *providerv1.ConnectRequest, reply sdk.Reply) error {
	switch r := reply.(type) {
	case sdk.Start:
		out.Reply = &providerv1.ConnectRequest_Start{Start: &providerv1.Start{}}
	case sdk.Callback:
		out.Reply = &providerv1.ConnectRequest_Callback{Callback: callbackToWire(r)}
	case sdk.FormValues:
		values := revealed(r.Values)
		if name, found := invalid(values); found {
			return &sdk.Error{Code: sdk.InvalidInput, Message: "the value is not valid UTF-8", Field: wire.Text(name)}
		}
		out.Reply = &providerv1.ConnectRequest_Form{Form: &providerv1.FormValues{Values: values}}
	case sdk.TimePassed:
		out.Reply = &providerv1.ConnectRequest_TimePassed{TimePassed: &providerv1.TimePassed{}}
	default:
		return wire.ErrNoReply
	}
	return nil
}

func callbackToWire(c sdk.Callback) *providerv1.Callback {
	out := &providerv1.Callback{}
	for _, p := range c.Parameters {
		out.Parameters = append(out.Parameters, &providerv1.Parameter{Name: wire.Text(p.Name), Value: wire.Text(p.Value)})
	}
	return out
}

func accountToWire(a sdk.Account) *providerv1.Account { return wire.Account(a.ID, a.Label) }

func credentialToWire(c sdk.Credential) *providerv1.Credential {
	return wire.Credential(c.Data.Reveal(), c.MediaType, c.ExpiresAt, c.ReconnectBy)
}

func definitionToWire(d *sdk.Definition) *providerv1.Definition {
	if d == nil {
		return nil
	}
	return &providerv1.Definition{Json: d.JSON, NewOnly: d.NewOnly}
}

func settingsToWire(s sdk.Settings) *providerv1.Settings {
	return &providerv1.Settings{Values: s.Values, Secrets: revealed(s.Secrets)}
}

func revealed(in map[string]sdk.Secret) map[string]string {
	out := make(map[string]string, len(in))
	for name, value := range in {
		out[name] = value.Reveal()
	}
	return out
}

func checkSettings(s sdk.Settings) error {
	for _, values := range []map[string]string{s.Values, revealed(s.Secrets)} {
		if name, found := invalid(values); found {
			return &sdk.Error{Code: sdk.BadConfiguration, Message: "a setting is not valid UTF-8", Setting: wire.Text(name)}
		}
	}
	return nil
}

// invalid finds a name or value that is not UTF-8.
func invalid(values map[string]string) (name string, found bool) {
	for name, value := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return name, true
		}
	}
	return "", false
}
