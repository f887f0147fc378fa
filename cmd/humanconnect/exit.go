package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
)

// The exit codes. New ones may come; a script treats those that it does not know as a failure.
const (
	exitOK          = 0
	exitError       = 1
	exitFailures    = 3
	exitToken       = 4
	exitUsage       = 10
	exitConfig      = 11
	exitNotFound    = 12
	exitInUse       = 13
	exitProvider    = 14
	exitRefused     = 15
	exitTimeout     = 16
	exitHook        = 17
	exitNetwork     = 18
	exitStore       = 19
	exitHangup      = 129
	exitInterrupted = 130
	exitTerminated  = 143
)

// exitEntry describes an exit code to a person.
type exitEntry struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

// exitEntries lists the exit codes in order.
func exitEntries() []exitEntry {
	return []exitEntry{
		{exitOK, "it worked"},
		{exitError, "an error without a code of its own"},
		{exitFailures, "the session closed with SUCCESS, and failures is not empty; or it is closed and was asked for another list of actions"},
		{exitToken, "the session token is missing, invalid or expired; status in the response says which"},
		{exitUsage, "wrong use, or an answer is missing"},
		{exitConfig, "the config is wrong"},
		{exitNotFound, "there is no such thing"},
		{exitInUse, "in use by another process, or taken over by one"},
		{exitProvider, "a provider is missing, not verified, or speaks another protocol"},
		{exitRefused, "the source refused"},
		{exitTimeout, "it took too long"},
		{exitHook, "a hook with required: true had not accepted the events of the session in time"},
		{exitNetwork, "the network failed"},
		{exitStore, "the store or its key failed"},
		{exitHangup, "SIGHUP: the terminal went away; the session stays open for resuming"},
		{exitInterrupted, "SIGINT: interrupted"},
		{exitTerminated, "SIGTERM: terminated"},
	}
}

// problemExits is the one place that knows which exit code a problem has.
func problemExits() map[string]int {
	return map[string]int{
		"usage":                exitUsage,
		"answer_missing":       exitUsage,
		"answer_unknown":       exitUsage,
		"input_file":           exitUsage,
		"provider_config_pin":  exitUsage,
		"provider_release_pin": exitUsage,
		"token_foreign":        exitUsage,

		"config_invalid":        exitConfig,
		"config_mode":           exitConfig,
		"config_not_found":      exitConfig,
		"config_unreadable":     exitConfig,
		"plan_invalid":          exitConfig,
		"secret_unavailable":    exitConfig,
		"source_config_invalid": exitConfig,
		"no_home":               exitConfig,
		"jwks_invalid":          exitConfig,
		"callback_unavailable":  exitConfig,
		"introspection_refused": exitConfig,

		"source_unknown":       exitNotFound,
		"provider_unknown":     exitNotFound,
		"session_not_found":    exitNotFound,
		"connection_not_found": exitNotFound,
		"delivery_not_found":   exitNotFound,
		"event_not_found":      exitNotFound,
		"hook_unknown":         exitNotFound,

		"hook_not_accepted": exitError,
		"hook_secret":       exitConfig,

		"session_in_use": exitInUse,
		"taken_over":     exitInUse,
		"token_missing":  exitToken,
		"timeout":        exitTimeout,
		"network":        exitNetwork,

		"source_conflict":             exitProvider,
		"source_unknown_provider":     exitProvider,
		"provider_not_found":          exitProvider,
		"provider_untrusted_file":     exitProvider,
		"provider_unpinned":           exitProvider,
		"provider_checksum":           exitProvider,
		"provider_dev_refused":        exitProvider,
		"provider_lock_invalid":       exitProvider,
		"provider_not_executable":     exitProvider,
		"provider_wrong_architecture": exitProvider,
		"provider_not_a_plugin":       exitProvider,
		"provider_printed":            exitProvider,
		"provider_protocol":           exitProvider,
		"provider_start_timeout":      exitProvider,
		"provider_timeout":            exitProvider,
		"provider_crashed":            exitProvider,
		"provider_unavailable":        exitProvider,
		"provider_bad_answer":         exitProvider,

		"sandbox_missing": exitProvider,
		"sandbox_ended":   exitError,

		"grant_lost": exitStore,

		"store_key":        exitStore,
		"store_busy":       exitStore,
		"store_newer":      exitStore,
		"store_older":      exitStore,
		"store_missing":    exitStore,
		"store_damaged":    exitStore,
		"store_path":       exitStore,
		"store_network_fs": exitStore,
		"store_full":       exitStore,
		"store_failed":     exitStore,
	}
}

// failureExits has the failures of a source that are not simply its refusal.
func failureExits() map[failure.Code]int {
	return map[failure.Code]int{
		failure.AttemptExpired:      exitTimeout,
		failure.BadConfiguration:    exitConfig,
		failure.SourceUnavailable:   exitNetwork,
		failure.ProviderCrashed:     exitProvider,
		failure.ProviderTimeout:     exitTimeout,
		failure.ProviderUnavailable: exitProvider,
		failure.SourceUnknown:       exitNotFound,
		failure.NotConnected:        exitNotFound,
		failure.InvalidInput:        exitUsage,
		failure.InputRequired:       exitUsage,
		failure.InteractionRequired: exitUsage,
	}
}

// ended is how a command ends with an exit code of its own after it said all that there is to say.
type ended struct{ code int }

func (e *ended) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// endWith returns nil for 0, and else an error that ends the program with the code and prints nothing.
func endWith(code int) error {
	if code == exitOK {
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

// outranked gives an error the exit code of a signal, if that is what code is.
func outranked(code int, err error) error {
	if err == nil || code < exitHangup {
		return err
	}
	return &outranking{err, code}
}

// cutExits has the exit codes of what cuts a session.
func cutExits() map[session.Cut]int {
	return map[session.Cut]int{
		session.CutNone: exitOK, session.CutTimeLimit: exitTimeout, session.CutInterrupt: exitInterrupted,
		session.CutTerminate: exitTerminated, session.CutHangup: exitHangup,
	}
}

// exitOf is the one place that ranks what a session ended with, whether a required hook has not accepted its events, and
// what cut this very call: a signal, then a token, a time limit, failures, a hook. Of two signals that of this call counts.
func exitOf(f *session.Final, unaccepted bool, own session.Cut) int {
	codes := []int{cutExits()[own]}
	if f.OtherScript { // whatever the session ended with was not asked for
		codes = append(codes, exitFailures)
	} else {
		codes = append(codes, cutExits()[f.Cut])
		if f.Status != event.Success {
			codes = append(codes, exitToken)
		}
		if f.Failed {
			codes = append(codes, exitFailures)
		}
	}
	if unaccepted {
		codes = append(codes, exitHook)
	}
	rank := func(code int) int {
		return slices.Index([]int{exitToken, exitTimeout, exitFailures, exitHook, exitOK}, code)
	}
	return slices.MinFunc(codes, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) }) // no signal is in the list
}

// exitCode returns the exit code of what a command returned.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if o := (*outranking)(nil); errors.As(err, &o) {
		return o.code
	}
	if e := (*ended)(nil); errors.As(err, &e) {
		return e.code
	}
	if i := (*Interrupted)(nil); errors.As(err, &i) {
		return i.ExitCode()
	}
	code := codeOf(err)
	if exit, ok := problemExits()[code]; ok {
		return exit
	}
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		if exit, ok := failureExits()[f.Code]; ok {
			return exit
		}
		return exitRefused
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return exitTimeout
	}
	return exitError
}
