// Package failure has the closed list of codes with which connecting or disconnecting a source fails, and the failure
// itself: the reason why an action failed. Errors of the program or its use are in internal/problem.
package failure

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// The closed list of codes.
const (
	AccessDenied        problem.Code = "access_denied"
	AttemptExpired      problem.Code = "attempt_expired"
	AttemptInterrupted  problem.Code = "attempt_interrupted"
	AccountMismatch     problem.Code = "account_mismatch"
	ScopeMissing        problem.Code = "scope_missing"
	InvalidInput        problem.Code = "invalid_input"
	BadConfiguration    problem.Code = "bad_configuration"
	SourceUnavailable   problem.Code = "source_unavailable"
	SourceError         problem.Code = "source_error"
	RateLimited         problem.Code = "rate_limited"
	Revoked             problem.Code = "revoked"
	NotSupported        problem.Code = "not_supported"
	ProviderCrashed     problem.Code = "provider_crashed"
	ProviderTimeout     problem.Code = "provider_timeout"
	ProviderUnavailable problem.Code = "provider_unavailable"
	SourceUnknown       problem.Code = "source_unknown"
	NotConnected        problem.Code = "not_connected"
	SourceNotAllowed    problem.Code = "source_not_allowed"
	InputRequired       problem.Code = "input_required"
	InteractionRequired problem.Code = "interaction_required"
)

// Entry describes a code to a person.
type Entry struct {
	Code problem.Code
	// Retryable says whether the same action may succeed later, unless the failure says otherwise itself.
	Retryable bool
	// Meaning completes "the action failed because …".
	Meaning string
	// Hint names one thing to do.
	Hint string
}

// Entries returns the closed list in the order of the help.
func Entries() []Entry {
	return []Entry{
		{AccessDenied, false, "authorization was denied by the user or the source", "connect again and allow the access"},
		{AttemptExpired, true, "the attempt took longer than the source or its 15 minutes allow", "connect again"},
		{AttemptInterrupted, true, "the action was interrupted before it was finished", "connect again"},
		{AccountMismatch, false, "the reconnect was authorized with another account", "authorize with the account of the connection"},
		{ScopeMissing, false, "a scope that the source cannot do without was not granted", "connect again and leave every box ticked"},
		{InvalidInput, false, "a form value was rejected", "correct the field and connect again"},
		{BadConfiguration, false, "a setting of the source is wrong", "correct the setting that it names in the config file"},
		{SourceUnavailable, true, "the source is unreachable, or reports that it is unavailable", "try again later"},
		{SourceError, false, "the source sent an unexpected response", "try again; if it stays so, report it to the author of the provider"},
		{RateLimited, true, "the source limits the rate of requests", "try again after the time that the failure names"},
		{Revoked, false, "the credential is no longer valid", "connect the source again"},
		{NotSupported, false, "the source does not support the action", "see `humanconnect source show ID` for what it can do"},
		{ProviderCrashed, true, "the provider process crashed", "try again; if it stays so, report it with the last lines of its output to the author of the provider"},
		{ProviderTimeout, true, "the provider exceeded its time limit", "try again later"},
		{ProviderUnavailable, false, "the provider could not be started", "see `humanconnect doctor`"},
		{SourceUnknown, false, "no installed provider offers the source", "see `humanconnect source list`"},
		{NotConnected, false, "the connection does not exist", "see `humanconnect connection list`"},
		{SourceNotAllowed, false, "the session token does not allow the source", "create a token that names the source"},
		{InputRequired, false, "the source needs input that the script does not have", "give it with --answer SOURCE.FIELD=VALUE"},
		{InteractionRequired, false, "the source needs a person with a browser", "run it at a terminal, or name a browser in BROWSER"},
	}
}

// Find returns the entry of a code.
func Find(c problem.Code) (Entry, bool) {
	for _, e := range Entries() {
		if e.Code == c {
			return e, true
		}
	}
	return Entry{}, false
}

// Failure is what came of an action that failed. It implements error.
type Failure struct {
	Code problem.Code
	// Message is one sentence for a person, cleaned of control characters, without secrets.
	Message    string
	Retryable  bool
	Field      string
	Setting    string
	RetryAfter time.Duration
	// Source is the id of the source, "" where it is not known.
	Source string
	// DocumentationURL is the source's page on how to get access, for a wrong configuration; else "".
	DocumentationURL string
}

// maxMessage is how much of a message is kept, in characters.
const maxMessage = 300

// New makes a failure with the code's own retryability.
func New(c problem.Code, format string, args ...any) *Failure {
	e, _ := Find(c)
	return &Failure{Code: c, Message: fmt.Sprintf(format, args...), Retryable: e.Retryable}
}

func (f *Failure) Error() string { return string(f.Code) + ": " + f.Message }

// Problem returns the failure as a problem, with its hints.
func (f *Failure) Problem() *problem.Problem {
	return problem.New(f.Code, "%s", f.Message).WithHints(f.Hints()...)
}

// External is what an error of a provider's host tells of a failure that is not the source's: that the provider
// crashed, hung, or could not be started.
type External interface {
	error
	// FailureCode is one of the closed list.
	FailureCode() problem.Code
}

// Of makes a failure of any error that a provider call ended with: what the source said, what became of the provider,
// or else a source_error without details.
func Of(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	var said *sdk.Error
	if errors.As(err, &said) {
		return ofSource(said)
	}
	var ext External
	if errors.As(err, &ext) {
		return ofExternal(ext)
	}
	return New(SourceError, "the provider answered with an unexpected error")
}

// ofExternal takes what the host says, and the last words of a provider that crashed.
func ofExternal(ext External) *Failure {
	text := ext.Error()
	if p := (*problem.Problem)(nil); errors.As(ext, &p) {
		text += lastWords(p.Facts())
	}
	f := New(ext.FailureCode(), "%s", host.CleanText(text, maxMessage))
	if r, ok := ext.(interface{ Retryable() bool }); ok {
		f.Retryable = r.Retryable()
	}
	return f
}

// lastWords is the fact that tells most: where a Go program says why it ends, else the last one.
func lastWords(facts []string) string {
	for _, fact := range facts {
		if strings.Contains(fact, "panic: ") || strings.Contains(fact, "fatal error: ") {
			return "; " + fact
		}
	}
	if len(facts) == 0 {
		return ""
	}
	return "; " + facts[len(facts)-1]
}

// OfSettings makes a failure of an error with which the settings of a source could not be had.
func OfSettings(err error) *Failure {
	var f *Failure
	var ext External
	if errors.As(err, &f) || errors.As(err, &ext) {
		return Of(err)
	}
	return New(BadConfiguration, "a setting of the source could not be read")
}

func ofSource(said *sdk.Error) *Failure {
	f := &Failure{
		Code: problem.Code(said.Code), Message: host.CleanText(said.Message, maxMessage), Retryable: said.Retryable,
		Field: host.CleanText(said.Field, 64), Setting: host.CleanText(said.Setting, 64), RetryAfter: said.RetryAfter,
	}
	e, known := Find(f.Code)
	if !known {
		f.Code = SourceError
		e, _ = Find(SourceError)
	}
	f.Retryable = f.Retryable || e.Retryable
	if f.Message == "" {
		f.Message = e.Meaning
	}
	return f
}
