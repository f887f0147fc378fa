// Package exit has the exit codes: what each means, which one an error has, and which one outranks another.
package exit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
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

// table is the one place that knows which exit code the code of a problem or a failure has.
func table() map[problem.Code]int {
	all := make(map[problem.Code]int)
	for _, part := range tables() {
		maps.Copy(all, part)
	}
	return all
}

// tables are the parts of the table; a code is in one of them.
func tables() []map[problem.Code]int {
	return []map[problem.Code]int{ofCommandLine(), ofCore(), ofStore(), ofProviders(), ofFailures()}
}

// ofCommandLine has the codes of the command line, and of every package.
func ofCommandLine() map[problem.Code]int {
	return map[problem.Code]int{
		problem.CodeUsage:   Usage,
		problem.CodeTimeout: Timeout,
		problem.CodeNetwork: Network,

		CodeInputFile:       Usage,
		CodeTokenForeign:    Usage,
		CodeTokenMissing:    Token,
		CodeNoHome:          Config,
		CodeCallback:        Config,
		CodeHookUnknown:     NotFound,
		CodeHookNotAccepted: Error,
		CodeSandboxMissing:  Provider,
		CodeSandboxEnded:    Error,
	}
}

// ofCore has the codes of core but for the store and the failures of a source.
func ofCore() map[problem.Code]int {
	return map[problem.Code]int{
		config.CodeInvalid:    Config,
		config.CodeMode:       Config,
		config.CodeNotFound:   Config,
		config.CodeUnreadable: Config,
		config.CodePlan:       Config,
		config.CodeSecret:     Config,

		token.CodeJWKS:          Config,
		token.CodeIntrospection: Config,

		hook.CodeSecret: Config,

		source.CodeInvalid:         Config,
		source.CodeConflict:        Provider,
		source.CodeUnknownProvider: Provider,

		session.CodeAnswerMissing: Usage,
		session.CodeAnswerUnknown: Usage,
		connection.CodeNotFound:   NotFound,
		session.CodeInUse:         InUse,
		session.CodeTakenOver:     InUse,
		session.CodeGrantLost:     Store,

		query.CodeSessionNotFound:  NotFound,
		query.CodeDeliveryNotFound: NotFound,
		query.CodeEventNotFound:    NotFound,
	}
}

// ofStore has the codes of the store.
func ofStore() map[problem.Code]int {
	return map[problem.Code]int{
		sqlite.CodeKey:       Store,
		sqlite.CodeBusy:      Store,
		sqlite.CodeNewer:     Store,
		sqlite.CodeOlder:     Store,
		sqlite.CodeMissing:   Store,
		sqlite.CodeDamaged:   Store,
		sqlite.CodePath:      Store,
		sqlite.CodeNetworkFS: Store,
		sqlite.CodeFull:      Store,
		sqlite.CodeFailed:    Store,
	}
}

// ofProviders has the codes of the host of the providers.
func ofProviders() map[problem.Code]int {
	return map[problem.Code]int{
		plugins.CodeConfigPin:  Usage,
		plugins.CodeReleasePin: Usage,
		plugins.CodeUnknown:    NotFound,

		plugins.CodeNotFound:          Provider,
		plugins.CodeUntrustedFile:     Provider,
		plugins.CodeUnpinned:          Provider,
		plugins.CodeChecksum:          Provider,
		plugins.CodeDevRefused:        Provider,
		plugins.CodeLock:              Provider,
		plugins.CodeNotExecutable:     Provider,
		plugins.CodeWrongArchitecture: Provider,
		plugins.CodeNotAPlugin:        Provider,
		plugins.CodePrinted:           Provider,
		plugins.CodeProtocol:          Provider,
		plugins.CodeStartTimeout:      Provider,
		plugins.CodeBadAnswer:         Provider,
	}
}

// ofFailures has the failure codes of a source.
func ofFailures() map[problem.Code]int {
	return map[problem.Code]int{
		failure.AccessDenied:        Refused,
		failure.AttemptExpired:      Timeout,
		failure.AttemptInterrupted:  Refused,
		failure.AccountMismatch:     Refused,
		failure.ScopeMissing:        Refused,
		failure.InvalidInput:        Usage,
		failure.BadConfiguration:    Config,
		failure.SourceUnavailable:   Network,
		failure.SourceError:         Refused,
		failure.RateLimited:         Refused,
		failure.Revoked:             Refused,
		failure.NotSupported:        Refused,
		failure.ProviderCrashed:     Provider,
		failure.ProviderTimeout:     Provider,
		failure.ProviderUnavailable: Provider,
		failure.SourceUnknown:       NotFound,
		failure.NotConnected:        NotFound,
		failure.SourceNotAllowed:    Refused,
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

// cuts has the exit codes of what cuts a session.
func cuts() map[session.Cut]int {
	return map[session.Cut]int{
		session.CutNone: OK, session.CutTimeLimit: Timeout, session.CutInterrupt: Interrupted,
		session.CutTerminate: Terminated, session.CutHangup: Hangup,
	}
}

// OfCut returns the exit code of what cuts a session.
func OfCut(c session.Cut) int { return cuts()[c] }

// OfSession is the one place that ranks what a session ended with, whether a required hook has not accepted its events, and
// what cut this very call: a signal, then a token, a time limit, failures, a hook. Of two signals that of this call counts.
func OfSession(f *session.Final, unaccepted bool, own session.Cut) int {
	codes := []int{OfCut(own)}
	if f.OtherScript { // whatever the session ended with was not asked for
		codes = append(codes, Failures)
	} else {
		codes = append(codes, OfCut(f.Cut))
		if f.Status != event.Success {
			codes = append(codes, Token)
		}
		if f.Failed {
			codes = append(codes, Failures)
		}
	}
	if unaccepted {
		codes = append(codes, Hook)
	}
	rank := func(code int) int {
		return slices.Index([]int{Token, Timeout, Failures, Hook, OK}, code)
	}
	return slices.MinFunc(codes, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) }) // no signal is in the list
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
	if exit, ok := table()[ProblemOf(err).Code()]; ok {
		return exit
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

// ProblemOf returns the first problem in the chain of an error, or else the failure in it as one. Where there is neither,
// the problem is empty.
func ProblemOf(err error) *problem.Problem {
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return p
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return f.Problem()
	}
	return &problem.Problem{}
}
