package sdk

import (
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// stepToWire refuses a step that the other side could not take, with an [*Error] for the provider's author.
func stepToWire(s Step) (*providerv1.ConnectResponse, error) {
	s = plain(s)
	if s == nil {
		return nil, sourceError("the provider answered without a step")
	}
	resume := ResumeOf(s)
	if len(resume) > MaxResume {
		return nil, resumeTooLong(len(resume))
	}
	out := &providerv1.ConnectResponse{Resume: resume}
	switch s := s.(type) {
	case OpenURL:
		out.Result = &providerv1.ConnectResponse_OpenUrl{OpenUrl: openURLToWire(s)}
	case Form:
		out.Result = &providerv1.ConnectResponse_Form{Form: formToWire(s)}
	case ShowCode:
		out.Result = &providerv1.ConnectResponse_ShowCode{ShowCode: showCodeToWire(s)}
	case Wait:
		out.Result = &providerv1.ConnectResponse_Wait{Wait: waitToWire(s)}
	case Connected:
		// Bytes replaced by a substitute could make two accounts one, so an id is taken as it is or not at all.
		if !utf8.ValidString(s.Account.ID) {
			return nil, sourceError("the provider's account id is not valid UTF-8")
		}
		out.Result = &providerv1.ConnectResponse_Connected{Connected: connectedToWire(s)}
	}
	return out, nil
}

// stepFromWire returns the step of a response, or its [*Error].
func stepFromWire(in *providerv1.ConnectResponse) (Step, error) {
	resume := bytesOrNil(in.GetResume())
	if len(resume) > MaxResume {
		return nil, resumeTooLong(len(resume))
	}
	switch r := in.GetResult().(type) {
	case *providerv1.ConnectResponse_OpenUrl:
		return openURLFromWire(r.OpenUrl, resume), nil
	case *providerv1.ConnectResponse_Form:
		return formFromWire(r.Form, resume), nil
	case *providerv1.ConnectResponse_ShowCode:
		return showCodeFromWire(r.ShowCode, resume), nil
	case *providerv1.ConnectResponse_Wait:
		return waitFromWire(r.Wait, resume), nil
	case *providerv1.ConnectResponse_Connected:
		return connectedFromWire(r.Connected), nil
	case *providerv1.ConnectResponse_Error:
		return nil, errorFromWire(r.Error)
	}
	return nil, sourceError("the provider answered without a step")
}

func resumeTooLong(n int) *Error {
	return sourceError("the provider wants %d bytes kept between two steps; the limit is %d", n, MaxResume)
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
	return &providerv1.OpenURL{Url: text(s.URL), ExpiresAt: timeToWire(s.ExpiresAt)}
}

func openURLFromWire(in *providerv1.OpenURL, resume []byte) OpenURL {
	return OpenURL{URL: in.GetUrl(), ExpiresAt: timeFromWire(in.GetExpiresAt()), Resume: resume}
}

func formToWire(s Form) *providerv1.Form {
	return &providerv1.Form{Title: text(s.Title), Text: text(s.Text), Fields: fieldsToWire(s.Fields)}
}

func formFromWire(in *providerv1.Form, resume []byte) Form {
	return Form{Title: in.GetTitle(), Text: in.GetText(), Fields: fieldsFromWire(in.GetFields()), Resume: resume}
}

func showCodeToWire(s ShowCode) *providerv1.ShowCode {
	return &providerv1.ShowCode{
		UserCode:                text(s.UserCode),
		VerificationUri:         text(s.VerificationURI),
		VerificationUriComplete: text(s.VerificationURIComplete),
		PollAfter:               durationToWire(s.PollAfter),
		ExpiresAt:               timeToWire(s.ExpiresAt),
	}
}

func showCodeFromWire(in *providerv1.ShowCode, resume []byte) ShowCode {
	return ShowCode{
		UserCode:                in.GetUserCode(),
		VerificationURI:         in.GetVerificationUri(),
		VerificationURIComplete: in.GetVerificationUriComplete(),
		PollAfter:               durationFromWire(in.GetPollAfter()),
		ExpiresAt:               timeFromWire(in.GetExpiresAt()),
		Resume:                  resume,
	}
}

func waitToWire(s Wait) *providerv1.Wait {
	return &providerv1.Wait{
		Text:      text(s.Text),
		PollAfter: durationToWire(s.PollAfter),
		ExpiresAt: timeToWire(s.ExpiresAt),
	}
}

func waitFromWire(in *providerv1.Wait, resume []byte) Wait {
	return Wait{
		Text:      in.GetText(),
		PollAfter: durationFromWire(in.GetPollAfter()),
		ExpiresAt: timeFromWire(in.GetExpiresAt()),
		Resume:    resume,
	}
}

func connectedToWire(s Connected) *providerv1.Connected {
	return &providerv1.Connected{
		Account:    accountToWire(s.Account),
		Credential: credentialToWire(s.Credential),
		Scopes:     texts(s.Scopes),
	}
}

func connectedFromWire(in *providerv1.Connected) Connected {
	return Connected{
		Account:    accountFromWire(in.GetAccount()),
		Credential: credentialFromWire(in.GetCredential()),
		Scopes:     in.GetScopes(),
	}
}
