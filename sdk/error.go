package sdk

import "time"

// Code is a failure code of a source. The list is closed: an unknown code is taken as [SourceError].
type Code string

// The codes that a provider can answer with. humanconnect itself adds others, such as attempt_expired, of which a
// provider has no part.
const (
	// AccessDenied: the user or the source said no.
	AccessDenied Code = "access_denied"
	// ScopeMissing: a scope that the source cannot do without was not granted.
	ScopeMissing Code = "scope_missing"
	// InvalidInput: a form value; set Field. The form is shown again.
	InvalidInput Code = "invalid_input"
	// BadConfiguration: client id, secret, redirect URL …; set Setting.
	BadConfiguration Code = "bad_configuration"
	// SourceUnavailable: the source does not answer, or says so itself. Retryable.
	SourceUnavailable Code = "source_unavailable"
	// SourceError: the source answered with something unexpected.
	SourceError Code = "source_error"
	// RateLimited: set RetryAfter. Retryable.
	RateLimited Code = "rate_limited"
	// Revoked: the credential is not valid any more.
	Revoked Code = "revoked"
	// NotSupported: the source cannot do what was asked.
	NotSupported Code = "not_supported"
	// AttemptExpired: the source's own time for this attempt is over. Retryable.
	AttemptExpired Code = "attempt_expired"
	// AccountMismatch: the person signed in with another account than Expected.
	AccountMismatch Code = "account_mismatch"
)

// Error is what a source, or the provider in its name, says no with.
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
