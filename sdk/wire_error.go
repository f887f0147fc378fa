package sdk

import (
	"fmt"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

func errorToWire(e *Error) *providerv1.Error {
	return &providerv1.Error{
		Code:       text(string(e.Code)),
		Message:    text(e.Message),
		Retryable:  e.Retryable,
		Field:      text(e.Field),
		RetryAfter: durationToWire(e.RetryAfter),
		Setting:    text(e.Setting),
	}
}

func errorFromWire(in *providerv1.Error) *Error {
	return &Error{
		Code:       codeFromWire(in.GetCode()),
		Message:    in.GetMessage(),
		Retryable:  in.GetRetryable(),
		Field:      in.GetField(),
		RetryAfter: durationFromWire(in.GetRetryAfter()),
		Setting:    in.GetSetting(),
	}
}

// codeFromWire takes a code outside of the closed list as [SourceError].
func codeFromWire(code string) Code {
	switch c := Code(code); c {
	case AccessDenied, ScopeMissing, InvalidInput, BadConfiguration, SourceUnavailable, SourceError, RateLimited,
		Revoked, NotSupported, AttemptExpired, AccountMismatch:
		return c
	}
	return SourceError
}

func sourceError(format string, args ...any) *Error {
	return &Error{Code: SourceError, Message: fmt.Sprintf(format, args...)}
}
