package host

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/internal/wire"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

func descriptionFromWire(in *providerv1.DescribeResponse) *sdk.Description {
	out := &sdk.Description{
		Name:     in.GetName(),
		Version:  in.GetVersion(),
		Settings: fieldsFromWire(in.GetSettings()),

		DefinitionSchema: in.GetDefinitionSchema(),
	}
	for _, s := range in.GetSources() {
		out.Sources = append(out.Sources, sourceFromWire(s))
	}
	return out
}

// sourceFromWire leaves out methods and capabilities that came after this version: a source with one of them can still be
// listed.
func sourceFromWire(in *providerv1.Source) sdk.Source {
	out := sdk.Source{
		ID:       in.GetId(),
		Name:     in.GetName(),
		Group:    in.GetGroup(),
		Fields:   fieldsFromWire(in.GetFields()),
		Hosts:    in.GetHosts(),
		Settings: fieldsFromWire(in.GetSettings()),

		Scopes:           in.GetScopes(),
		DocumentationURL: in.GetDocumentationUrl(),
		RedirectURIs:     in.GetRedirectUris(),
		Programme:        programmeFromWire(in.GetProgramme()),
		Notes:            in.GetNotes(),
		Tested:           in.GetTested(),
	}
	for _, m := range in.GetMethods() {
		if w := word(providerv1.Method_name[int32(m)], "METHOD_"); w != "" {
			out.Methods = append(out.Methods, sdk.Method(w))
		}
	}
	for _, c := range in.GetCapabilities() {
		if w := word(providerv1.Capability_name[int32(c)], "CAPABILITY_"); w != "" {
			out.Capabilities = append(out.Capabilities, sdk.Capability(w))
		}
	}
	return out
}

// programmeFromWire takes a status that came after this version as none.
func programmeFromWire(in *providerv1.Programme) sdk.Programme {
	out := sdk.Programme{
		Status: sdk.ProgrammeStatus(word(providerv1.Programme_Status_name[int32(in.GetStatus())], "STATUS_")), Text: in.GetText(),
	}
	for _, c := range in.GetChanges() {
		out.Changes = append(out.Changes, sdk.Change{Date: c.GetDate(), Text: c.GetText()})
	}
	return out
}

// word is what package sdk has for the value of an enum: METHOD_FORM is "form". It is empty for the unspecified one, and for
// one without a name.
func word(name, prefix string) string {
	if name == prefix+"UNSPECIFIED" {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}

// fieldsFromWire takes a kind that came after this version as plain text, the one kind that any front end can ask for.
func fieldsFromWire(in []*providerv1.Field) []sdk.Field {
	var out []sdk.Field
	for _, w := range in {
		f := sdk.Field{
			ID:       w.GetId(),
			Label:    w.GetLabel(),
			Kind:     cmp.Or(sdk.Kind(word(providerv1.Field_Kind_name[int32(w.GetKind())], "KIND_")), sdk.KindText),
			Required: w.GetRequired(),
			Help:     w.GetHelp(),
		}
		for _, c := range w.GetChoices() {
			f.Choices = append(f.Choices, sdk.Choice{Value: c.GetValue(), Label: c.GetLabel()})
		}
		out = append(out, f)
	}
	return out
}

// stepFromWire returns the step of a response, or its [*sdk.Error].
func stepFromWire(in *providerv1.ConnectResponse) (sdk.Step, error) {
	resume := wire.Bytes(in.GetResume())
	if n := len(resume); n > sdk.MaxResume {
		return nil, sourceError(wire.LongResume, n, sdk.MaxResume)
	}
	switch r := in.GetResult().(type) {
	case *providerv1.ConnectResponse_OpenUrl:
		expires := wire.DecodeTime(r.OpenUrl.GetExpiresAt())
		return sdk.OpenURL{URL: r.OpenUrl.GetUrl(), ExpiresAt: expires, Resume: resume}, nil
	case *providerv1.ConnectResponse_Form:
		fields := fieldsFromWire(r.Form.GetFields())
		return sdk.Form{Title: r.Form.GetTitle(), Text: r.Form.GetText(), Fields: fields, Resume: resume}, nil
	case *providerv1.ConnectResponse_ShowCode:
		return showCodeFromWire(r.ShowCode, resume), nil
	case *providerv1.ConnectResponse_Wait:
		return waitFromWire(r.Wait, resume), nil
	case *providerv1.ConnectResponse_Connected:
		return connectedFromWire(r.Connected), nil
	case *providerv1.ConnectResponse_Error:
		return nil, errorFromWire(r.Error)
	}
	return nil, sourceError(wire.NoStep)
}

func showCodeFromWire(in *providerv1.ShowCode, resume []byte) sdk.ShowCode {
	return sdk.ShowCode{
		UserCode:                in.GetUserCode(),
		VerificationURI:         in.GetVerificationUri(),
		VerificationURIComplete: in.GetVerificationUriComplete(),
		PollAfter:               wire.DecodeDuration(in.GetPollAfter()),
		ExpiresAt:               wire.DecodeTime(in.GetExpiresAt()),
		Resume:                  resume,
	}
}

func waitFromWire(in *providerv1.Wait, resume []byte) sdk.Wait {
	return sdk.Wait{
		Text:      in.GetText(),
		PollAfter: wire.DecodeDuration(in.GetPollAfter()),
		ExpiresAt: wire.DecodeTime(in.GetExpiresAt()),
		Resume:    resume,
	}
}

func connectedFromWire(in *providerv1.Connected) sdk.Connected {
	return sdk.Connected{
		Account:    sdk.Account{ID: in.GetAccount().GetId(), Label: in.GetAccount().GetLabel()},
		Credential: credentialFromWire(in.GetCredential()),
		Scopes:     in.GetScopes(),
	}
}

func credentialFromWire(in *providerv1.Credential) sdk.Credential {
	return sdk.Credential{
		Data:        sdk.Secret(in.GetData()),
		MediaType:   in.GetMediaType(),
		ExpiresAt:   wire.DecodeTime(in.GetExpiresAt()),
		ReconnectBy: wire.DecodeTime(in.GetReconnectBy()),
	}
}

func callbackFromWire(in *providerv1.Callback) sdk.Callback {
	var out sdk.Callback
	for _, p := range in.GetParameters() {
		out.Parameters = append(out.Parameters, sdk.Parameter{Name: p.GetName(), Value: p.GetValue()})
	}
	return out
}

func errorFromWire(in *providerv1.Error) *sdk.Error {
	return &sdk.Error{
		Code:       codeFromWire(in.GetCode()),
		Message:    in.GetMessage(),
		Retryable:  in.GetRetryable(),
		Field:      in.GetField(),
		RetryAfter: wire.DecodeDuration(in.GetRetryAfter()),
		Setting:    in.GetSetting(),
	}
}

// codeFromWire takes a code outside of the closed list as [sdk.SourceError].
func codeFromWire(code string) sdk.Code {
	switch c := sdk.Code(code); c {
	case sdk.AccessDenied, sdk.ScopeMissing, sdk.InvalidInput, sdk.BadConfiguration, sdk.SourceUnavailable, sdk.SourceError,
		sdk.RateLimited, sdk.Revoked, sdk.NotSupported, sdk.AttemptExpired, sdk.AccountMismatch:
		return c
	}
	return sdk.SourceError
}

func sourceError(format string, args ...any) *sdk.Error {
	return &sdk.Error{Code: sdk.SourceError, Message: fmt.Sprintf(format, args...)}
}
