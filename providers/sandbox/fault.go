package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// fault is the fault of one user name, at clinic and family.
type fault struct {
	Username string
	// connect runs after a correct login, and again for each reply to a step of its own. Without step and error the
	// conversation continues as for any other user.
	connect func(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error)
	revoke  func(context.Context) error
	check   func(context.Context) error
}

func findFault(username string) (fault, bool) {
	for _, f := range faults() {
		if f.Username == username {
			return f, true
		}
	}
	return fault{}, false
}

// faults lists all faults, in the order of the table in README.md.
func faults() []fault {
	return []fault{
		{Username: "error_access_denied", connect: refuse(accessDenied())},
		{Username: "error_scope_missing", connect: refuse(&sdk.Error{
			Code: sdk.ScopeMissing, Message: "The scope for reading was not granted.",
		})},
		{Username: "error_invalid_input", connect: refuse(&sdk.Error{
			Code: sdk.InvalidInput, Message: "The sandbox never accepts this user name.", Field: fieldUsername,
		})},
		{Username: "error_bad_configuration", connect: refuse(&sdk.Error{
			Code: sdk.BadConfiguration, Message: "The sandbox rejects its settings.", Setting: settingGreeting,
		})},
		{Username: "error_source_unavailable", connect: refuse(unavailable(30 * time.Second))},
		{Username: "error_source_error", connect: refuse(&sdk.Error{
			Code: sdk.SourceError, Message: "The sandbox received an invalid response.",
		})},
		{Username: "error_rate_limited", connect: refuse(&sdk.Error{
			Code: sdk.RateLimited, Message: "Too many attempts.", Retryable: true, RetryAfter: time.Minute,
		})},
		{Username: "error_revoked", connect: refuse(revoked())},
		{Username: "error_not_supported", connect: refuse(&sdk.Error{
			Code: sdk.NotSupported, Message: "The sandbox cannot do this.",
		})},
		{Username: "error_attempt_expired", connect: refuse(&sdk.Error{
			Code: sdk.AttemptExpired, Message: "The sandbox waited too long.", Retryable: true,
		})},
		{Username: "error_account_mismatch", connect: refuse(&sdk.Error{
			Code: sdk.AccountMismatch, Message: "This is another account.",
		})},
		{Username: "error_unknown_code", connect: refuse(&sdk.Error{
			Code: "sandbox_mood", Message: "This code does not exist.",
		})},
		{Username: "slow", connect: slow},
		{Username: "wait", connect: wait(2)},
		{Username: "wait_some", connect: wait(8)},
		{Username: "wait_long", connect: wait(60)},
		{Username: "code", connect: code},
		{Username: "open_url", connect: openURL},
		{Username: "third_form", connect: thirdForm},
		{Username: "crash", connect: crash},
		{Username: "crash_wait", connect: crashAfterWait},
		{Username: "hang", connect: hang},
		{Username: "garbage", connect: garbage},
		{Username: "huge", connect: huge},
		{Username: "stdout", connect: flood},
		{Username: "grandchild", connect: grandchild},
		{Username: "revoke_fails", revoke: func(context.Context) error { return unavailable(0) }},
		{Username: "revoke_denied", revoke: func(context.Context) error { return accessDenied() }},
		{Username: "revoke_hang", revoke: forever},
		{Username: "revoke_crash", revoke: func(context.Context) error { panic("sandbox: crash on demand") }},
		{Username: "revoke_slow", revoke: pause},
		{Username: "check_revoked", check: func(context.Context) error { return revoked() }},
	}
}

// The steps and errors of faults. poll is the shortest interval.
const (
	poll  = time.Second
	delay = 2 * time.Second
)

func accessDenied() *sdk.Error {
	return &sdk.Error{Code: sdk.AccessDenied, Message: "The sandbox denied the authorization."}
}

func revoked() *sdk.Error {
	return &sdk.Error{Code: sdk.Revoked, Message: "The sandbox has revoked this credential."}
}

func unavailable(after time.Duration) *sdk.Error {
	return &sdk.Error{
		Code: sdk.SourceUnavailable, Message: "The sandbox is not available.", Retryable: true, RetryAfter: after,
	}
}

func refuse(e *sdk.Error) func(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	return func(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) { return nil, e }
}

func slow(ctx context.Context, _ *sdk.ConnectRequest, _ place) (sdk.Step, error) {
	return nil, pause(ctx)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait asks to wait, a number of times.
func wait(times int) func(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	return func(_ context.Context, _ *sdk.ConnectRequest, at place) (sdk.Step, error) {
		if at.Polls == times {
			return nil, nil
		}
		return sdk.Wait{Text: "The sandbox is thinking.", PollAfter: poll, Resume: at.bytes()}, nil
	}
}

func code(_ context.Context, _ *sdk.ConnectRequest, at place) (sdk.Step, error) {
	if at.Polls == 2 {
		return nil, nil
	}
	return sdk.ShowCode{
		UserCode: "SAND-BOX1", VerificationURI: "http://" + deadEnd + "/device", PollAfter: poll, Resume: at.bytes(),
	}, nil
}

func openURL(_ context.Context, req *sdk.ConnectRequest, at place) (sdk.Step, error) {
	if at.Polls == 0 {
		page := "http://" + deadEnd + "/authorize?state=" + url.QueryEscape(req.OAuthState)
		return sdk.OpenURL{URL: page, Resume: at.bytes()}, nil
	}
	callback, isCallback := req.Reply.(sdk.Callback)
	if !isCallback || callback.Get("error") != "" {
		return nil, accessDenied()
	}
	return nil, nil
}

func thirdForm(_ context.Context, req *sdk.ConnectRequest, at place) (sdk.Step, error) {
	if at.Polls > 0 {
		return nil, nil
	}
	extra := sdk.Field{ID: fieldExtra, Label: "One more thing", Kind: sdk.KindText, Required: true}
	return form(req, "Not so fast", []sdk.Field{extra}, at), nil
}

func crash(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	panic("sandbox: crash on demand")
}

func crashAfterWait(ctx context.Context, req *sdk.ConnectRequest, at place) (sdk.Step, error) {
	if at.Polls > 0 {
		return crash(ctx, req, at)
	}
	return wait(2)(ctx, req, at)
}

func hang(ctx context.Context, _ *sdk.ConnectRequest, _ place) (sdk.Step, error) {
	return nil, forever(ctx)
}

func forever(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// garbage returns a nil pointer in an interface, which is no step on the wire.
func garbage(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	return (*sdk.Form)(nil), nil
}

func huge(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	return sdk.Wait{PollAfter: poll, Resume: make([]byte, sdk.MaxResume+1)}, nil
}

func flood(context.Context, *sdk.ConnectRequest, place) (sdk.Step, error) {
	_, err := os.Stdout.Write(bytes.Repeat([]byte("sandbox "), 1<<17))
	return nil, err
}

// grandchild leaves a process behind, which must end with the provider.
func grandchild(ctx context.Context, _ *sdk.ConnectRequest, _ place) (sdk.Step, error) {
	return nil, exec.CommandContext(context.WithoutCancel(ctx), "sleep", "300").Start()
}
