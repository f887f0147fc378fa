package exit

import (
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The codes of the problems of the command line itself.
const (
	// CodeInputFile: a file that a flag or an argument names cannot be read.
	CodeInputFile problem.Code = "input_file"
	// CodeTokenForeign: another service issues the session tokens.
	CodeTokenForeign problem.Code = "token_foreign"
	CodeTokenMissing problem.Code = "token_missing"
	// The statuses of a response that opened nothing, or whose token came to its end.
	CodeStatusMissing problem.Code = problem.Code(event.TokenMissing)
	CodeStatusInvalid problem.Code = problem.Code(event.TokenInvalid)
	CodeStatusExpired problem.Code = problem.Code(event.TokenExpired)
	// CodeActionsFailed: actions of a session failed.
	CodeActionsFailed problem.Code = "actions_failed"
	// CodeInterrupted: a signal closed the session before its actions were finished.
	CodeInterrupted problem.Code = "interrupted"
	// CodeProgramLost: the system does not say where this program is, so that its providers cannot be found.
	CodeProgramLost problem.Code = "program_lost"
	// CodeNoHome: HOME names no directory.
	CodeNoHome problem.Code = "no_home"
	// CodeCallback: the redirect listener cannot listen at its address.
	CodeCallback    problem.Code = "callback_unavailable"
	CodeHookUnknown problem.Code = "hook_unknown"
	// CodeHookUnusable: this user cannot use the directory of a hook, or run its command.
	CodeHookUnusable    problem.Code = "hook_unusable"
	CodeHookNotAccepted problem.Code = "hook_not_accepted"
	CodeSandboxMissing  problem.Code = "sandbox_missing"
	CodeSandboxEnded    problem.Code = "sandbox_ended"
)
