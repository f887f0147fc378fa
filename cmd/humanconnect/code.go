package main

import "github.com/humanconnect/humanconnect/internal/problem"

// The codes of the problems of the command line itself.
const (
	codeInputFile        problem.Code = "input_file"
	codeConfigPin        problem.Code = "provider_config_pin"
	codeReleasePin       problem.Code = "provider_release_pin"
	codeTokenForeign     problem.Code = "token_foreign"
	codeTokenMissing     problem.Code = "token_missing"
	codeNoHome           problem.Code = "no_home"
	codeCallback         problem.Code = "callback_unavailable"
	codeProviderUnknown  problem.Code = "provider_unknown"
	codeSessionNotFound  problem.Code = "session_not_found"
	codeDeliveryNotFound problem.Code = "delivery_not_found"
	codeEventNotFound    problem.Code = "event_not_found"
	codeHookUnknown      problem.Code = "hook_unknown"
	codeHookNotAccepted  problem.Code = "hook_not_accepted"
	codeSandboxMissing   problem.Code = "sandbox_missing"
	codeSandboxEnded     problem.Code = "sandbox_ended"
)
