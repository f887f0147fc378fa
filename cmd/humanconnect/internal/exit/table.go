package exit

import (
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/connection"
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

// codes lists the codes of problems and failures by the exit code that they end with. It is the one place that knows.
func codes() map[int][]problem.Code {
	return map[int][]problem.Code{
		Error: {
			CodeHookNotAccepted, CodeSandboxEnded,
		},
		Token: {
			CodeTokenMissing, CodeStatusMissing, CodeStatusInvalid, CodeStatusExpired,
		},
		Failures: {
			CodeActionsFailed,
		},
		Usage: {
			problem.CodeUsage, CodeInputFile, plugins.CodeConfigPin, plugins.CodeReleasePin, CodeTokenForeign,
			session.CodeAnswerMissing, session.CodeAnswerUnknown, failure.InvalidInput, failure.InputRequired,
			failure.InteractionRequired, connection.CodeOpaque, hook.CodeDelivered,
		},
		Config: {
			CodeNoHome, CodeCallback, CodeHookUnusable, config.CodeInvalid, config.CodeMode, config.CodeNotFound, config.CodeUnreadable,
			config.CodePlan, config.CodeSecret, token.CodeJWKS, token.CodeIntrospection, token.CodeIntrospectionInvalid, hook.CodeSecret, source.CodeInvalid,
			failure.BadConfiguration,
		},
		NotFound: {
			plugins.CodeUnknown, query.CodeSessionNotFound, query.CodeDeliveryNotFound, query.CodeEventNotFound,
			CodeHookUnknown, connection.CodeNotFound, failure.SourceUnknown, failure.NotConnected,
		},
		InUse: {
			session.CodeInUse, session.CodeTakenOver, connection.CodeRefreshInProgress, hook.CodeInFlight,
		},
		Provider: {
			CodeProgramLost, CodeSandboxMissing, source.CodeConflict, source.CodeUnknownProvider, source.CodeSchema, plugins.CodeNotFound, plugins.CodeMissing, plugins.CodeRunDir,
			plugins.CodeUntrustedFile, plugins.CodeUnpinned, plugins.CodeChecksum, plugins.CodeDevRefused, plugins.CodeLock, plugins.CodeClaims,
			plugins.CodeNotExecutable, plugins.CodeWrongArchitecture, plugins.CodeNotAPlugin, plugins.CodePrinted,
			plugins.CodeProtocol, plugins.CodeStartTimeout, plugins.CodeBadAnswer, plugins.CodeFlood, failure.ProviderCrashed,
			failure.ProviderTimeout, failure.ProviderUnavailable,
		},
		Refused: {
			failure.AccessDenied, failure.AttemptInterrupted, failure.AccountMismatch, failure.ScopeMissing,
			failure.SourceError, failure.RateLimited, failure.Revoked, failure.NotSupported, failure.SourceNotAllowed,
			connection.CodeRefreshInterrupted, connection.CodeExpired,
		},
		Timeout: {
			problem.CodeTimeout, failure.AttemptExpired,
		},
		Network: {
			problem.CodeNetwork, failure.SourceUnavailable, plugins.CodeReplaced,
		},
		Interrupted: {
			CodeInterrupted,
		},
		Store: {
			session.CodeCredentialLost, session.CodeCredentialUnknown, sqlite.CodeKey, sqlite.CodeBusy, sqlite.CodeUnknown,
			sqlite.CodeNewer, sqlite.CodeOlder, sqlite.CodeMissing, sqlite.CodeDamaged, sqlite.CodePath, sqlite.CodeNetworkFS, sqlite.CodeFull, sqlite.CodeLost, sqlite.CodeDescriptors, sqlite.CodeFailed,
		},
	}
}

// table is the same by the code of the problem.
func table() map[problem.Code]int {
	exits := make(map[problem.Code]int)
	for exit, list := range codes() {
		for _, code := range list {
			exits[code] = exit
		}
	}
	return exits
}
