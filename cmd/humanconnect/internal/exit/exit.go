// Package exit has the exit codes: what each means, which one an error has, and which one outranks another.
package exit

import (
	"context"
	"errors"
	"fmt"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/problem"
)

// The exit codes. New ones may come; a script treats those that it does not know as a failure.
const (
	OK          = 0
	Error       = 1
	Failures    = 3
	Token       = 4
	Usage       = 10
	Config      = 11
	NotFound    = 12
	InUse       = 13
	Provider    = 14
	Refused     = 15
	Timeout     = 16
	Hook        = 17
	Network     = 18
	Store       = 19
	Hangup      = 129
	Interrupted = 130
	Terminated  = 143
)

// Entry describes an exit code to a person.
type Entry struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

// Entries lists the exit codes in order.
func Entries() []Entry {
	return []Entry{
		{OK, "it worked"},
		{Error, "an error without a code of its own"},
		{Failures, "the session closed with SUCCESS, and failures is not empty; or it is closed and was asked for another list of actions"},
		{Token, "the session token is missing, invalid or expired; status in the response says which"},
		{Usage, "wrong use, or an answer is missing"},
		{Config, "the config is wrong"},
		{NotFound, "there is no such thing"},
		{InUse, "in use by another process, or taken over by one"},
		{Provider, "a provider is missing, not verified, or speaks another protocol"},
		{Refused, "the source refused"},
		{Timeout, "it took too long"},
		{Hook, "a hook with required: true had not accepted the events of the session in time"},
		{Network, "the network failed"},
		{Store, "the store or its key failed"},
		{Hangup, "SIGHUP: the terminal went away; the session stays open for resuming"},
		{Interrupted, "SIGINT: interrupted"},
		{Terminated, "SIGTERM: terminated"},
	}
}

// problems is the one place that knows which exit code a problem has.
func problems() map[string]int {
	return map[string]int{
		"usage":                Usage,
		"answer_missing":       Usage,
		"answer_unknown":       Usage,
		"input_file":           Usage,
		"provider_config_pin":  Usage,
		"provider_release_pin": Usage,
		"token_foreign":        Usage,

		"config_invalid":        Config,
		"config_mode":           Config,
		"config_not_found":      Config,
		"config_unreadable":     Config,
		"plan_invalid":          Config,
		"secret_unavailable":    Config,
		"source_config_invalid": Config,
		"no_home":               Config,
		"jwks_invalid":          Config,
		"callback_unavailable":  Config,
		"introspection_refused": Config,

		"source_unknown":       NotFound,
		"provider_unknown":     NotFound,
		"session_not_found":    NotFound,
		"connection_not_found": NotFound,
		"delivery_not_found":   NotFound,
		"event_not_found":      NotFound,
		"hook_unknown":         NotFound,

		"hook_not_accepted": Error,
		"hook_secret":       Config,

		"session_in_use": InUse,
		"taken_over":     InUse,
		"token_missing":  Token,
		"timeout":        Timeout,
		"network":        Network,

		"source_conflict":             Provider,
		"source_unknown_provider":     Provider,
		"provider_not_found":          Provider,
		"provider_untrusted_file":     Provider,
		"provider_unpinned":           Provider,
		"provider_checksum":           Provider,
		"provider_dev_refused":        Provider,
		"provider_lock_invalid":       Provider,
		"provider_not_executable":     Provider,
		"provider_wrong_architecture": Provider,
		"provider_not_a_plugin":       Provider,
		"provider_printed":            Provider,
		"provider_protocol":           Provider,
		"provider_start_timeout":      Provider,
		"provider_timeout":            Provider,
		"provider_crashed":            Provider,
		"provider_unavailable":        Provider,
		"provider_bad_answer":         Provider,

		"sandbox_missing": Provider,
		"sandbox_ended":   Error,

		"grant_lost": Store,

		"store_key":        Store,
		"store_busy":       Store,
		"store_newer":      Store,
		"store_older":      Store,
		"store_missing":    Store,
		"store_damaged":    Store,
		"store_path":       Store,
		"store_network_fs": Store,
		"store_full":       Store,
		"store_failed":     Store,
	}
}

// failures has the failures of a source that are not simply its refusal.
func failures() map[failure.Code]int {
	return map[failure.Code]int{
		failure.AttemptExpired:      Timeout,
		failure.BadConfiguration:    Config,
		failure.SourceUnavailable:   Network,
		failure.ProviderCrashed:     Provider,
		failure.ProviderTimeout:     Timeout,
		failure.ProviderUnavailable: Provider,
		failure.SourceUnknown:       NotFound,
		failure.NotConnected:        NotFound,
		failure.InvalidInput:        Usage,
		failure.InputRequired:       Usage,
		failure.InteractionRequired: Usage,
	}
}

// Signal is an error that says that a signal ended the work.
type Signal interface {
	error
	// ExitCode is 128 and the number of the signal, as a shell would say.
	ExitCode() int
}

// ended is how a command ends with an exit code of its own after it said all that there is to say.
type ended struct{ code int }

func (e *ended) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// With returns nil for 0, and else an error that ends the program with the code and prints nothing.
func With(code int) error {
	if code == OK {
		return nil
	}
	return &ended{code}
}

// outranking is an error that is told, and the exit code that stands before its own.
type outranking struct {
	error
	code int
}

func (o *outranking) Unwrap() error { return o.error }

// Outranked gives an error the exit code of a signal, if that is what code is.
func Outranked(code int, err error) error {
	if err == nil || code < Hangup {
		return err
	}
	return &outranking{err, code}
}

// Of returns the exit code of what a command returned.
func Of(err error) int {
	if err == nil {
		return OK
	}
	if o := (*outranking)(nil); errors.As(err, &o) {
		return o.code
	}
	if e := (*ended)(nil); errors.As(err, &e) {
		return e.code
	}
	if s := Signal(nil); errors.As(err, &s) {
		return s.ExitCode()
	}
	code := CodeOf(err)
	if exit, ok := problems()[code]; ok {
		return exit
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		if exit, ok := failures()[f.Code]; ok {
			return exit
		}
		return Refused
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Error
}

// Ended returns the exit code of a command that has said all that there is to say, and false for any other error.
func Ended(err error) (code int, yes bool) {
	e := (*ended)(nil)
	if errors.As(err, &e) {
		return e.code, true
	}
	return 0, false
}

// withCode is an error with a code, of a package that knows nothing of problems.
type withCode interface {
	error
	Code() string
}

// FirstCoded returns the first error in the chain that has a code, which is a problem, an error of another kind, or
// nothing. What that came from may have a code as well, which says less of what went wrong: that the key of the state is
// lost, and not that some secret is.
func FirstCoded(err error) (*problem.Problem, withCode) {
	var p *problem.Problem
	var c withCode
	isProblem, isOther := errors.As(err, &p), errors.As(err, &c)
	if isOther && (!isProblem || errors.Is(c, p)) {
		return nil, c
	}
	return p, nil
}

// CodeOf returns the code of the first error in the chain that has one, or "".
func CodeOf(err error) string {
	p, c := FirstCoded(err)
	switch {
	case p != nil:
		return p.Code
	case c != nil:
		return c.Code()
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return string(f.Code)
	}
	return ""
}
