package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
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

// exitOf is the one place that knows which exit code the code of a problem or a failure has.
func exitOf() map[problem.Code]int {
	return map[problem.Code]int{
		problem.CodeUsage:   exitUsage,
		problem.CodeTimeout: exitTimeout,
		problem.CodeNetwork: exitNetwork,

		codeInputFile:        exitUsage,
		codeConfigPin:        exitUsage,
		codeReleasePin:       exitUsage,
		codeTokenForeign:     exitUsage,
		codeTokenMissing:     exitToken,
		codeNoHome:           exitConfig,
		codeCallback:         exitConfig,
		codeProviderUnknown:  exitNotFound,
		codeSessionNotFound:  exitNotFound,
		codeDeliveryNotFound: exitNotFound,
		codeEventNotFound:    exitNotFound,
		codeHookUnknown:      exitNotFound,
		codeHookNotAccepted:  exitError,
		codeSandboxMissing:   exitProvider,
		codeSandboxEnded:     exitError,

		config.CodeInvalid:    exitConfig,
		config.CodeMode:       exitConfig,
		config.CodeNotFound:   exitConfig,
		config.CodeUnreadable: exitConfig,
		config.CodePlan:       exitConfig,
		config.CodeSecret:     exitConfig,

		token.CodeJWKS:          exitConfig,
		token.CodeIntrospection: exitConfig,

		hook.CodeSecret: exitConfig,

		source.CodeInvalid:         exitConfig,
		source.CodeConflict:        exitProvider,
		source.CodeUnknownProvider: exitProvider,

		session.CodeAnswerMissing: exitUsage,
		session.CodeAnswerUnknown: exitUsage,
		connection.CodeNotFound:   exitNotFound,
		session.CodeInUse:         exitInUse,
		session.CodeTakenOver:     exitInUse,
		session.CodeGrantLost:     exitStore,

		plugins.CodeNotFound:          exitProvider,
		plugins.CodeUntrustedFile:     exitProvider,
		plugins.CodeUnpinned:          exitProvider,
		plugins.CodeChecksum:          exitProvider,
		plugins.CodeDevRefused:        exitProvider,
		plugins.CodeLock:              exitProvider,
		plugins.CodeNotExecutable:     exitProvider,
		plugins.CodeWrongArchitecture: exitProvider,
		plugins.CodeNotAPlugin:        exitProvider,
		plugins.CodePrinted:           exitProvider,
		plugins.CodeProtocol:          exitProvider,
		plugins.CodeStartTimeout:      exitProvider,
		plugins.CodeBadAnswer:         exitProvider,

		sqlite.CodeKey:       exitStore,
		sqlite.CodeBusy:      exitStore,
		sqlite.CodeNewer:     exitStore,
		sqlite.CodeOlder:     exitStore,
		sqlite.CodeMissing:   exitStore,
		sqlite.CodeDamaged:   exitStore,
		sqlite.CodePath:      exitStore,
		sqlite.CodeNetworkFS: exitStore,
		sqlite.CodeFull:      exitStore,
		sqlite.CodeFailed:    exitStore,

		failure.AccessDenied:        exitRefused,
		failure.AttemptExpired:      exitTimeout,
		failure.AttemptInterrupted:  exitRefused,
		failure.AccountMismatch:     exitRefused,
		failure.ScopeMissing:        exitRefused,
		failure.InvalidInput:        exitUsage,
		failure.BadConfiguration:    exitConfig,
		failure.SourceUnavailable:   exitNetwork,
		failure.SourceError:         exitRefused,
		failure.RateLimited:         exitRefused,
		failure.Revoked:             exitRefused,
		failure.NotSupported:        exitRefused,
		failure.ProviderCrashed:     exitProvider,
		failure.ProviderTimeout:     exitProvider,
		failure.ProviderUnavailable: exitProvider,
		failure.SourceUnknown:       exitNotFound,
		failure.NotConnected:        exitNotFound,
		failure.SourceNotAllowed:    exitRefused,
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
	if exit, ok := exitOf()[problemOf(err).Code()]; ok {
		return exit
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return exitTimeout
	}
	return exitError
}
