package plugins

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// What core stores or shows of a response is bounded: by these, by cleaning and cutting, and in all by sdk.MaxMessage. URLs
// for a person are checked by core.
const (
	maxAccountID = 1024 // bytes, as of a user id
	maxMediaType = 255  // bytes
	maxScopes    = 1000
	maxScope     = 1024 // bytes
	// maxPoll is how long an attempt takes (core/session): no later poll is made.
	maxPoll = 15 * time.Minute
	// maxRetryAfter is how much of what a source asks for is passed on.
	maxRetryAfter = 24 * time.Hour
)

// checkStep returns what is wrong with a step, or "", and cleans the text of its fields.
func checkStep(step sdk.Step, now time.Time) string {
	switch s := step.(type) {
	case sdk.Form:
		return checkFields(s.Fields)
	case sdk.OpenURL:
		return checkTimes(0, s.ExpiresAt, now)
	case sdk.ShowCode:
		return checkTimes(s.PollAfter, s.ExpiresAt, now)
	case sdk.Wait:
		return checkTimes(s.PollAfter, s.ExpiresAt, now)
	case sdk.Connected:
		switch {
		case len(s.Account.ID) > maxAccountID:
			return fmt.Sprintf("its account id has %d bytes, at most %d", len(s.Account.ID), maxAccountID)
		case !utf8.ValidString(s.Account.ID):
			return "its account id is not valid UTF-8"
		}
		return checkCredential(s.Credential, s.Scopes, now)
	}
	return ""
}

// checkTimes returns what is wrong with when a step is polled and expires, or "".
func checkTimes(pollAfter time.Duration, expiresAt, now time.Time) string {
	switch {
	case pollAfter > maxPoll:
		return fmt.Sprintf("it asks to be polled after %s; an attempt takes at most %s", pollAfter.Truncate(time.Second), maxPoll)
	case !expiresAt.IsZero() && !expiresAt.After(now):
		return "its step has expired already, at " + expiresAt.UTC().Format(time.RFC3339)
	}
	return ""
}

// checkCredential returns what is wrong with a credential and its scopes, or "".
func checkCredential(c sdk.Credential, scopes []string, now time.Time) string {
	switch {
	case len(c.MediaType) > maxMediaType || !utf8.ValidString(c.MediaType) || strings.ContainsFunc(c.MediaType, unicode.IsControl):
		return "the media type of its credential is invalid"
	case len(scopes) > maxScopes:
		return fmt.Sprintf("it names %d scopes, at most %d", len(scopes), maxScopes)
	}
	for _, s := range scopes {
		if s == "" || len(s) > maxScope || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Sprintf("the scope %q is invalid", clean(s, 80))
		}
	}
	return host.CheckCredential(c, now)
}
