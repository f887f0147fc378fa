package plugins

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/sdk"
)

// What core stores or shows of a response is bounded: by these, by cleaning and cutting, and in all by sdk.MaxMessage. URLs
// for a person are checked by core.
const (
	maxAccountID = 1024 // bytes, as of a user id
	maxMediaType = 255  // bytes
	maxScopes    = 1000
	maxScope     = 1024 // bytes
)

// checkStep returns what is wrong with a step, or "", and cleans the text of its fields.
func checkStep(step sdk.Step) string {
	switch s := step.(type) {
	case sdk.Form:
		return checkFields(s.Fields)
	case sdk.Connected:
		switch {
		case len(s.Account.ID) > maxAccountID:
			return fmt.Sprintf("its account id has %d bytes, at most %d", len(s.Account.ID), maxAccountID)
		case !utf8.ValidString(s.Account.ID):
			return "its account id is not valid UTF-8"
		}
		return checkCredential(s.Credential, s.Scopes)
	}
	return ""
}

// checkCredential returns what is wrong with a credential and its scopes, or "".
func checkCredential(c sdk.Credential, scopes []string) string {
	switch {
	case len(c.MediaType) > maxMediaType || !utf8.ValidString(c.MediaType) || strings.ContainsFunc(c.MediaType, unicode.IsControl):
		return "the media type of its credential is invalid"
	case !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(time.Unix(0, 0)):
		return fmt.Sprintf("its credential expires in the year %d", c.ExpiresAt.Year())
	case len(scopes) > maxScopes:
		return fmt.Sprintf("it names %d scopes, at most %d", len(scopes), maxScopes)
	}
	for _, s := range scopes {
		if s == "" || len(s) > maxScope || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Sprintf("the scope %q is invalid", clean(s, 80))
		}
	}
	return ""
}
