package plugins

import (
	"fmt"
	"slices"
)

// Kind says what is wrong with a provider. Its text is the code that scripts match.
type Kind string

// The kinds. The first group is about finding and trusting a provider, the second about its start, the third about a
// call to it.
const (
	KindNotFound Kind = "provider_not_found"
	// KindUnknown: a person named a provider that is not installed.
	KindUnknown Kind = "provider_unknown"
	// KindReleasePin and KindConfigPin: a pin of the user's lock would be overridden.
	KindReleasePin    Kind = "provider_release_pin"
	KindConfigPin     Kind = "provider_config_pin"
	KindUntrustedFile Kind = "provider_untrusted_file"
	KindUnpinned      Kind = "provider_unpinned"
	KindChecksum      Kind = "provider_checksum"
	KindDevRefused    Kind = "provider_dev_refused"
	KindLock          Kind = "provider_lock_invalid"

	KindNotExecutable     Kind = "provider_not_executable"
	KindWrongArchitecture Kind = "provider_wrong_architecture"
	KindNotAPlugin        Kind = "provider_not_a_plugin"
	KindPrinted           Kind = "provider_printed"
	KindProtocol          Kind = "provider_protocol"
	KindStartTimeout      Kind = "provider_start_timeout"

	KindTimeout     Kind = "provider_timeout"
	KindCrashed     Kind = "provider_crashed"
	KindUnavailable Kind = "provider_unavailable"
	// KindBadAnswer is an answer that is too large or makes no sense.
	KindBadAnswer Kind = "provider_bad_answer"
)

// Error says what is wrong with a provider, exactly. Match it with errors.As and compare Kind, or the codes of its
// methods; never its text. Nothing in it is a secret, and all text of providers in it is cleaned and cut.
type Error struct {
	Kind     Kind
	Provider string
	// Message says what happened; the provider is named before it.
	Message string
	// Cause is what the error came from, or nil.
	Cause error

	facts   []string
	hints   []string
	died    bool
	forGood bool
}

func (e *Error) Error() string {
	text := e.Message
	if e.Provider != "" {
		text = fmt.Sprintf("provider %q %s", e.Provider, text)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Code is the kind as text: "provider_not_executable".
func (e *Error) Code() string { return string(e.Kind) }

// Facts are further lines: where the file lies, how the process ended, the last lines of its stderr.
func (e *Error) Facts() []string { return slices.Clone(e.facts) }

// Hints each name one thing to do.
func (e *Error) Hints() []string { return slices.Clone(e.hints) }

// FailureCode is the failure code of a source that ran into this error.
func (e *Error) FailureCode() string {
	switch e.Kind {
	case KindCrashed:
		return "provider_crashed"
	case KindTimeout, KindStartTimeout:
		return "provider_timeout"
	case KindBadAnswer:
		return "source_error"
	}
	return "provider_unavailable"
}

// Crashed says that the process ended by itself during a call, so that the call may be repeated on a fresh process if
// its kind allows that. It is false once the provider is given up.
func (e *Error) Crashed() bool { return e.died && !e.forGood }

// Retryable says whether the same action may succeed later without anybody mending the installation.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case KindCrashed:
		return !e.forGood
	case KindTimeout, KindStartTimeout, KindUnavailable:
		return true
	}
	return false
}

func newError(kind Kind, provider, format string, args ...any) *Error {
	return &Error{Kind: kind, Provider: provider, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) because(err error) *Error { e.Cause = err; return e }

func (e *Error) fact(format string, args ...any) *Error {
	e.facts = append(e.facts, fmt.Sprintf(format, args...))
	return e
}

func (e *Error) hint(format string, args ...any) *Error {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

// lines adds the last lines of a provider's stderr to the facts.
func (e *Error) lines(tail []string) *Error {
	for _, line := range tail {
		e.facts = append(e.facts, "stderr: "+line)
	}
	return e
}
