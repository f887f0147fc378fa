package oauth2

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

// Of the server's own words a message has its error code alone, cleaned: an error_description may quote a token.

func newError(code sdk.Code, message string) *sdk.Error {
	return &sdk.Error{Code: code, Message: message}
}

func misconfigured(setting, message string) *sdk.Error {
	return &sdk.Error{Code: sdk.BadConfiguration, Message: message, Setting: setting}
}

func unavailable(after time.Duration) *sdk.Error {
	return &sdk.Error{
		Code: sdk.SourceUnavailable, Message: "The source is not available.", Retryable: true, RetryAfter: after,
	}
}

// withCode puts the server's own error code, where it has one, at the end of the sentence of an [sdk.Error].
func withCode(err error, code string) error {
	var said *sdk.Error
	if code == "" || !errors.As(err, &said) {
		return err
	}
	return named(said, code)
}

func named(said *sdk.Error, code string) *sdk.Error {
	if code == "" {
		return said
	}
	with := *said
	with.Message = strings.TrimSuffix(said.Message, ".") + " (" + code + ")."
	return &with
}

// caused is an [sdk.Error] that a caller can ask for its cause, such as syscall.ECONNREFUSED.
type caused struct {
	said  *sdk.Error
	cause error
}

// Error leaves the cause out: it may quote an address with secrets.
func (c caused) Error() string { return c.said.Error() }

// Unwrap makes both found by [errors.Is] and [errors.As].
func (c caused) Unwrap() []error { return []error{c.said, c.cause} }

// unreachable is a request that got no answer. Where the caller's own time is over, that says nothing of the source.
func unreachable(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return caused{unavailable(0), cause}
}

// unreadable is an answer that could not be read, or not be understood.
func unreadable(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return caused{newError(sdk.SourceError, "The source sent an unexpected response."), cause}
}

// refusedStatus says what the HTTP status of a refused request means.
func refusedStatus(resp *http.Response) *sdk.Error {
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return newError(sdk.Revoked, "The credential is no longer valid.")
	case code == http.StatusForbidden:
		return newError(sdk.ScopeMissing, "The credential lacks a scope that this request needs.")
	case code == http.StatusTooManyRequests:
		return &sdk.Error{
			Code: sdk.RateLimited, Message: "The source received too many requests.", Retryable: true, RetryAfter: retryAfter(resp),
		}
	case code >= http.StatusInternalServerError:
		return unavailable(retryAfter(resp))
	}
	return newError(sdk.SourceError, "The source sent an unexpected response.")
}

// retryAfter reads the header of RFC 9110 §10.2.3; a day at most.
func retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	after := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		after = time.Duration(min(seconds, 24*60*60)) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		after = time.Until(at)
	}
	return min(max(after, 0), 24*time.Hour)
}

// refusedCallback says what an error in a redirect means (RFC 6749 §4.1.2.1).
func refusedCallback(code string) *sdk.Error {
	switch code {
	case "consent_required", "login_required", "interaction_required", "account_selection_required":
		return newError(sdk.AccessDenied, "Authorization was denied.")
	case "temporarily_unavailable":
		return unavailable(0)
	case "invalid_scope":
		return newError(sdk.ScopeMissing, "The source does not allow the requested scopes.")
	case "server_error":
		return &sdk.Error{Code: sdk.SourceError, Message: "The source has an internal error.", Retryable: true}
	case "unauthorized_client", "invalid_client", "unsupported_response_type":
		return misconfigured(SettingClientID, "The source does not know the client, or does not allow this request.")
	case "redirect_uri_mismatch", "invalid_redirect_uri":
		return misconfigured(settingRedirect, "The source does not know the redirect URI.")
	}
	if personRefused(code) {
		return newError(sdk.AccessDenied, "Authorization was denied.")
	}
	return newError(sdk.SourceError, "The source sent an unexpected response.")
}

// settingRedirect is the key of a source in humanconnect's config that has its redirect URI.
const settingRedirect = "callbackUrl"

// personRefused says whether an error code has a word for a person who does not want to. access_denied is that of
// RFC 6749; others are user_cancelled_login, UserDenied, consent_declined.
func personRefused(code string) bool {
	code = strings.ToLower(code)
	for _, word := range []string{"denied", "deny", "cancel", "declin"} {
		if strings.Contains(code, word) {
			return true
		}
	}
	return false
}

// refusedToken says what the failure of a request for a token means (RFC 6749 §5.2). grant is what an invalid_grant
// means there.
func refusedToken(ctx context.Context, err error, grant *sdk.Error, settings sdk.Settings) error {
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return said
	}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		if sent := (*url.Error)(nil); errors.As(err, &sent) {
			return unreachable(ctx, err)
		}
		return unreadable(ctx, err)
	}
	// A status that is not about the grant counts more than what a proxy put into the body.
	if status := refused.Response.StatusCode; status == http.StatusTooManyRequests || status >= 500 {
		return refusedStatus(refused.Response)
	}
	switch code := refused.ErrorCode; {
	case code == "invalid_grant" && grant != nil:
		return named(grant, code)
	case code == "" && refused.Response.StatusCode == http.StatusUnauthorized:
		return refusedClient("invalid_client", settings)
	default:
		return named(refusedClient(code, settings), code)
	}
}

// refusedClient says what an error of an endpoint means that a client authenticates at.
func refusedClient(code string, settings sdk.Settings) *sdk.Error {
	switch code {
	case "invalid_client":
		if settings.Secrets[SettingPrivateKey] != "" {
			return misconfigured(SettingPrivateKey, "The source rejected the client id, or the signature of its private key.")
		}
		if settings.Secrets[SettingClientSecret] != "" {
			return misconfigured(SettingClientSecret, "The source rejected the client id and secret.")
		}
	case "unsupported_grant_type":
		return misconfigured(SettingClientID, "The source does not allow the client to use this method.")
	}
	return refusedCallback(code)
}

// asSourceError lets an author's [sdk.Error] through, and what else went wrong be the source's failure to answer.
func asSourceError(ctx context.Context, err error) error {
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return err
	}
	if sent := (*url.Error)(nil); errors.As(err, &sent) {
		return unreachable(ctx, err)
	}
	return err
}
