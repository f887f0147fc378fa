// Package exit has the exit codes: what each means, which one an error has (table.go), and which one outranks another.
package exit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The exit codes. New ones may be added; a script treats an unknown one as a failure.
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
	Code    int
	Meaning string
}

// Entries lists the exit codes in order.
func Entries() []Entry {
	return []Entry{
		{OK, "success"},
		{Error, "other error"},
		{Failures, "the session closed with SUCCESS and failures is not empty; or a closed session was given a different list of actions"},
		{Token, "session token missing, invalid or expired; see status in the response"},
		{Usage, "usage error, or a missing answer"},
		{Config, "config error"},
		{NotFound, "not found"},
		{InUse, "in use or taken over by another process"},
		{Provider, "provider missing, not verified, failed, or of another protocol version"},
		{Refused, "refused by the source"},
		{Timeout, "timeout"},
		{Hook, "a hook with required: true did not accept the events in time"},
		{Network, "network error, or the installation was replaced meanwhile; try again"},
		{Store, "store or key error"},
		{Hangup, "SIGHUP or lost terminal; the session stays open and can be resumed"},
		{Interrupted, "interrupted (SIGINT)"},
		{Terminated, "terminated (SIGTERM)"},
	}
}

// Signal is the error of work that a signal ended.
type Signal interface {
	error
	// ExitCode is 128 and the number of the signal, as a shell would say.
	ExitCode() int
}

// silent is an error with an exit code and no message: the command has printed everything.
type silent struct{ code int }

func (e *silent) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// With returns nil for 0, and else an error that ends the program with the code and prints nothing.
func With(code int) error {
	if code == OK {
		return nil
	}
	return &silent{code}
}

// withCode is an error that is reported with another exit code than its own.
type withCode struct {
	error
	code int
}

func (o *withCode) Unwrap() error { return o.error }

// Outranked gives an error the exit code of a signal, if that is what code is.
func Outranked(code int, err error) error {
	if err == nil || code < Hangup {
		return err
	}
	return &withCode{err, code}
}

// As gives an error another exit code than its own; nil stays nil.
func As(code int, err error) error {
	if err == nil {
		return nil
	}
	return &withCode{err, code}
}

// cuts maps what interrupts a session to its exit code.
func cuts() map[session.Cut]int {
	return map[session.Cut]int{
		session.CutNone: OK, session.CutTimeLimit: Timeout, session.CutInterrupt: Interrupted,
		session.CutTerminate: Terminated, session.CutHangup: Hangup,
	}
}

// OfCut returns the exit code of what interrupted a session.
func OfCut(c session.Cut) int { return cuts()[c] }

// OfSession is the one place that ranks what a session ended with, whether a required hook has not accepted its events, and
// what interrupted this call: a signal, then a token, a time limit, failures, a hook. A signal of this call ranks first.
func OfSession(f *session.Final, unaccepted bool, own session.Cut) int {
	codes := []int{OfCut(own)}
	if f.OtherScript { // the outcome of the session is that of other actions
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
	return slices.MinFunc(codes, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) }) // signals are not in the list, and rank first
}

// OfRefreshes ranks what became of due refreshes: cut off, then a connection that needs to be reconnected, then a failure that
// may pass.
func OfRefreshes(results []connection.DueResult) int {
	code := OK
	for _, r := range results {
		switch r.Outcome {
		case connection.OutcomeCut:
			return Timeout
		case connection.OutcomeNeedsReconnect:
			code = Refused
		case connection.OutcomeFailed:
			if code == OK {
				code = Network
			}
		}
	}
	return code
}

// Of returns the exit code of the error of a command.
func Of(err error) int {
	if err == nil {
		return OK
	}
	if o := (*withCode)(nil); errors.As(err, &o) {
		return o.code
	}
	if e := (*silent)(nil); errors.As(err, &e) {
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

// Silent returns the exit code of an error made by [With], and false for any other error.
func Silent(err error) (code int, yes bool) {
	e := (*silent)(nil)
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
