package sdk

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

func descriptionToWire(d *Description) *providerv1.DescribeResponse {
	out := &providerv1.DescribeResponse{
		Name:     wire.Text(d.Name),
		Version:  wire.Text(d.Version),
		Settings: fieldsToWire(d.Settings),

		DefinitionSchema: wire.Text(d.DefinitionSchema),
	}
	for _, s := range d.Sources {
		out.Sources = append(out.Sources, sourceToWire(s))
	}
	return out
}

// The name of an enum's value ends with the word that this package has for it: METHOD_FORM is "form". A word that the
// protocol does not have is unspecified.
func sourceToWire(s Source) *providerv1.Source {
	out := &providerv1.Source{
		Id:       wire.Text(s.ID),
		Name:     wire.Text(s.Name),
		Group:    wire.Text(s.Group),
		Fields:   fieldsToWire(s.Fields),
		Hosts:    wire.Texts(s.Hosts),
		Settings: fieldsToWire(s.Settings),

		Scopes:           wire.Texts(s.Scopes),
		DocumentationUrl: wire.Text(s.DocumentationURL),
		RedirectUris:     wire.Text(s.RedirectURIs),
		Programme:        programmeToWire(s.Programme),
		Notes:            wire.Texts(s.Notes),
		Tested:           wire.Text(s.Tested),
	}
	for _, m := range s.Methods {
		out.Methods = append(out.Methods, providerv1.Method(providerv1.Method_value["METHOD_"+strings.ToUpper(string(m))]))
	}
	for _, c := range s.Capabilities {
		number := providerv1.Capability_value["CAPABILITY_"+strings.ToUpper(string(c))]
		out.Capabilities = append(out.Capabilities, providerv1.Capability(number))
	}
	return out
}

func programmeToWire(p Programme) *providerv1.Programme {
	if p.Status == "" && p.Text == "" && len(p.Changes) == 0 {
		return nil
	}
	out := &providerv1.Programme{
		Status: providerv1.Programme_Status(providerv1.Programme_Status_value["STATUS_"+strings.ToUpper(string(p.Status))]),
		Text:   wire.Text(p.Text),
	}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, &providerv1.Programme_Change{Date: wire.Text(c.Date), Text: wire.Text(c.Text)})
	}
	return out
}

func fieldsToWire(fields []Field) []*providerv1.Field {
	var out []*providerv1.Field
	for _, f := range fields {
		w := &providerv1.Field{
			Id:       wire.Text(f.ID),
			Label:    wire.Text(f.Label),
			Kind:     providerv1.Field_Kind(providerv1.Field_Kind_value["KIND_"+strings.ToUpper(string(f.Kind))]),
			Required: f.Required,
			Help:     wire.Text(f.Help),
		}
		for _, c := range f.Choices {
			w.Choices = append(w.Choices, &providerv1.Choice{Value: wire.Text(c.Value), Label: wire.Text(c.Label)})
		}
		out = append(out, w)
	}
	return out
}

// stepToWire refuses a step that the other side could not take, with an [*Error] for the provider's author.
func stepToWire(s Step) (*providerv1.ConnectResponse, error) {
	out := &providerv1.ConnectResponse{}
	switch s := plain(s).(type) {
	case OpenURL:
		out.Resume, out.Result = s.Resume, &providerv1.ConnectResponse_OpenUrl{OpenUrl: openURLToWire(s)}
	case Form:
		out.Resume, out.Result = s.Resume, &providerv1.ConnectResponse_Form{Form: formToWire(s)}
	case ShowCode:
		out.Resume, out.Result = s.Resume, &providerv1.ConnectResponse_ShowCode{ShowCode: showCodeToWire(s)}
	case Wait:
		out.Resume, out.Result = s.Resume, &providerv1.ConnectResponse_Wait{Wait: waitToWire(s)}
	case Connected:
		// Bytes replaced by a substitute could make two accounts one, so an id is taken as it is or not at all.
		if !utf8.ValidString(s.Account.ID) {
			return nil, sourceError("the provider's account id is not valid UTF-8")
		}
		out.Result = &providerv1.ConnectResponse_Connected{Connected: connectedToWire(s)}
	default:
		return nil, sourceError(wire.NoStep)
	}
	if n := len(out.GetResume()); n > MaxResume {
		return nil, sourceError(wire.LongResume, n, MaxResume)
	}
	return out, nil
}

// plain follows a pointer to a step, which is a [Step] as well. A nil pointer is no step.
func plain(s Step) Step {
	switch p := s.(type) {
	case *OpenURL:
		return orNone(p)
	case *Form:
		return orNone(p)
	case *ShowCode:
		return orNone(p)
	case *Wait:
		return orNone(p)
	case *Connected:
		return orNone(p)
	}
	return s
}

func orNone[S Step](p *S) Step {
	if p == nil {
		return nil
	}
	return *p
}

func openURLToWire(s OpenURL) *providerv1.OpenURL {
	return &providerv1.OpenURL{Url: wire.Text(s.URL), ExpiresAt: wire.EncodeTime(s.ExpiresAt)}
}

func formToWire(s Form) *providerv1.Form {
	return &providerv1.Form{Title: wire.Text(s.Title), Text: wire.Text(s.Text), Fields: fieldsToWire(s.Fields)}
}

func showCodeToWire(s ShowCode) *providerv1.ShowCode {
	return &providerv1.ShowCode{
		UserCode:                wire.Text(s.UserCode),
		VerificationUri:         wire.Text(s.VerificationURI),
		VerificationUriComplete: wire.Text(s.VerificationURIComplete),
		PollAfter:               wire.EncodeDuration(s.PollAfter),
		ExpiresAt:               wire.EncodeTime(s.ExpiresAt),
	}
}

func waitToWire(s Wait) *providerv1.Wait {
	return &providerv1.Wait{
		Text:      wire.Text(s.Text),
		PollAfter: wire.EncodeDuration(s.PollAfter),
		ExpiresAt: wire.EncodeTime(s.ExpiresAt),
	}
}

func connectedToWire(s Connected) *providerv1.Connected {
	return &providerv1.Connected{
		Account:    wire.Account(s.Account.ID, s.Account.Label),
		Credential: credentialToWire(s.Credential),
		Scopes:     wire.Texts(s.Scopes),
	}
}

func credentialToWire(c Credential) *providerv1.Credential {
	return wire.Credential(c.Data.Reveal(), c.MediaType, c.ExpiresAt, c.ReconnectBy)
}

func errorToWire(e *Error) *providerv1.Error {
	return &providerv1.Error{
		Code:       wire.Text(string(e.Code)),
		Message:    wire.Text(e.Message),
		Retryable:  e.Retryable,
		Field:      wire.Text(e.Field),
		RetryAfter: wire.EncodeDuration(e.RetryAfter),
		Setting:    wire.Text(e.Setting),
	}
}

func sourceError(format string, args ...any) *Error {
	return &Error{Code: SourceError, Message: fmt.Sprintf(format, args...)}
}
