package plugins

import (
	"fmt"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// The codes of problems with a provider. The first group is about finding and trusting it, the second about its start, the
// third about a call to it.
const (
	// CodeRunDir: no directory can have the sockets of providers.
	CodeRunDir   problem.Code = "provider_run_dir"
	CodeNotFound problem.Code = "provider_not_found"
	// CodeMissing: the release lock names it, and its file is not there.
	CodeMissing problem.Code = "provider_missing"
	// CodeUnknown: a command names a provider that is not installed.
	CodeUnknown problem.Code = "provider_unknown"
	// CodeReleasePin and CodeConfigPin: a pin of the user's lock would be overridden.
	CodeReleasePin    problem.Code = "provider_release_pin"
	CodeConfigPin     problem.Code = "provider_config_pin"
	CodeUntrustedFile problem.Code = "provider_untrusted_file"
	CodeUnpinned      problem.Code = "provider_unpinned"
	CodeChecksum      problem.Code = "provider_checksum"
	CodeDevRefused    problem.Code = "provider_dev_refused"
	CodeLock          problem.Code = "provider_lock_invalid"
	// CodeClaims: it offers sources that its pin does not have.
	CodeClaims problem.Code = "provider_claims"
	// CodeReplaced: it was replaced while this command runs, by what this command cannot use. A new command can.
	CodeReplaced problem.Code = "provider_replaced"

	CodeNotExecutable     problem.Code = "provider_not_executable"
	CodeWrongArchitecture problem.Code = "provider_wrong_architecture"
	CodeNotAPlugin        problem.Code = "provider_not_a_plugin"
	CodePrinted           problem.Code = "provider_printed"
	CodeProtocol          problem.Code = "provider_protocol"
	CodeStartTimeout      problem.Code = "provider_start_timeout"

	CodeTimeout     problem.Code = "provider_timeout"
	CodeCrashed     problem.Code = "provider_crashed"
	CodeUnavailable problem.Code = "provider_unavailable"
	// CodeFlood: it wrote so much that it was stopped.
	CodeFlood problem.Code = "provider_flood"
	// CodeBadAnswer is a response that is too large or invalid.
	CodeBadAnswer problem.Code = "provider_bad_answer"
)

// Error is a problem with a provider. Nothing in it is a secret, and all text of providers in it is cleaned and cut.
type Error struct {
	*problem.Problem

	died   bool
	gaveUp bool
}

// Unwrap returns the problem.
func (e *Error) Unwrap() error { return e.Problem }

// FailureCode is the failure code of a source that ran into this error.
func (e *Error) FailureCode() problem.Code {
	switch e.Code() {
	case CodeCrashed, CodeFlood:
		return CodeCrashed
	case CodeTimeout, CodeStartTimeout:
		return CodeTimeout
	case CodeBadAnswer:
		return problem.Code(sdk.SourceError)
	}
	return CodeUnavailable
}

// Crashed says that the process crashed during a call, so that the call may be retried on a fresh process if its kind allows
// that. It is false once the provider is not started again.
func (e *Error) Crashed() bool { return e.died && !e.gaveUp }

// Replaced says that the provider was replaced during this run, and that nothing of the call has reached it: a new command can make it.
func (e *Error) Replaced() bool { return e.Code() == CodeReplaced }

// Retryable says whether the same action may succeed later without a repair of the installation.
func (e *Error) Retryable() bool {
	switch e.Code() {
	case CodeCrashed:
		return !e.gaveUp
	case CodeTimeout, CodeStartTimeout, CodeUnavailable, CodeReplaced:
		return true
	}
	return false
}

// newError makes an error that names the provider, if there is one.
func newError(code problem.Code, provider, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	if provider != "" {
		message = fmt.Sprintf("provider %q %s", provider, message)
	}
	return &Error{Problem: problem.New(code, "%s", message)}
}

func (e Error) because(err error) *Error { e.Problem = e.Because(err); return &e }

func (e Error) fact(format string, args ...any) *Error {
	e.Problem = e.Fact(format, args...)
	return &e
}

func (e Error) hint(format string, args ...any) *Error {
	e.Problem = e.Hint(format, args...)
	return &e
}

// lines adds the last lines of a provider's stderr to the facts.
func (e *Error) lines(tail []string) *Error {
	for _, line := range tail {
		e = e.fact("stderr: %s", line)
	}
	return e
}
