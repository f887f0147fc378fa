package sdk

import "time"

// Code is a failure code of a source. The list is closed: an unknown code is taken as [SourceError].
type Code string

// The codes that a provider can return. humanconnect has others of its own, such as provider_timeout.
const (
	// AccessDenied: authorization was denied.
	AccessDenied Code = "access_denied"
	// ScopeMissing: a required scope was not granted.
	ScopeMissing Code = "scope_missing"
	// InvalidInput: a form value; set Field. The form is shown again.
	InvalidInput Code = "invalid_input"
	// BadConfiguration: client id, client secret, redirect URI …; set Setting.
	BadConfiguration Code = "bad_configuration"
	// SourceUnavailable: the source does not respond, or is out of service. Retryable.
	SourceUnavailable Code = "source_unavailable"
	// SourceError: an unexpected response of the source.
	SourceError Code = "source_error"
	// RateLimited: set RetryAfter. Retryable.
	RateLimited Code = "rate_limited"
	// Revoked: the credential is no longer valid.
	Revoked Code = "revoked"
	// NotSupported: the source cannot do what was asked.
	NotSupported Code = "not_supported"
	// AttemptExpired: the attempt has expired at the source. Retryable.
	AttemptExpired Code = "attempt_expired"
	// AccountMismatch: the account is not the Expected one.
	AccountMismatch Code = "account_mismatch"
)

// Error is the error response of a source, or of the provider.
type Error struct {
	Code Code
	// Message is one sentence for the person, without secrets.
	Message string
	// Retryable says whether the same action may succeed later.
	Retryable bool
	// Field is the form field of an [InvalidInput].
	Field string
	// RetryAfter says when to try again, for [RateLimited] and [SourceUnavailable].
	RetryAfter time.Duration
	// Setting is the setting of a [BadConfiguration].
	Setting string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }
