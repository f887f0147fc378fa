package host

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// maxAhead is how far ahead the end of an access can be told.
const maxAhead = 100 * 365 * 24 * time.Hour

// versionPattern is semver (semver.org, 2.0.0) without the v.
var versionPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
})

// ValidVersion says whether a provider may have this version: semver without the v, such as 1.0.0.
func ValidVersion(version string) bool { return versionPattern().MatchString(version) }

// CheckCredential returns what is wrong with a credential that a provider gives at a time, as the end of a sentence about it; "" for
// nothing. No part of the credential is in the text.
func CheckCredential(c sdk.Credential, now time.Time) string {
	switch {
	case c.Data == "":
		return "the credential is empty"
	case !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now):
		return "the credential has expired already: it expires at " + c.ExpiresAt.UTC().Format(time.RFC3339)
	case !c.ReconnectBy.IsZero() && !c.ReconnectBy.After(now):
		return "the access must be renewed by a time in the past, " + c.ReconnectBy.UTC().Format(time.RFC3339)
	case c.ReconnectBy.Sub(now) > maxAhead:
		return "the access must be renewed only in more than 100 years; leave out what is not known"
	}
	switch c.MediaType {
	case sdk.MediaTypeOAuth2:
		return checkOAuth2(c.Data.Reveal())
	case sdk.MediaTypeFields:
		return checkFieldsObject(c.Data.Reveal())
	}
	if isJSON(c.MediaType) && !json.Valid([]byte(c.Data.Reveal())) {
		return "the credential is not what its media type says, JSON"
	}
	return ""
}

func isJSON(mediaType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

func checkOAuth2(data string) string {
	var tokens map[string]any
	if json.Unmarshal([]byte(data), &tokens) != nil || tokens == nil {
		return "the credential is not what its media type says, a JSON object"
	}
	for _, name := range []string{"access_token", "token_type"} {
		if text, ok := tokens[name].(string); !ok || text == "" {
			return "the credential is not what its media type says, a JSON object with " + name
		}
	}
	return ""
}

const noFlatObject = "the credential is no flat JSON object of strings, as its media type says"

func checkFieldsObject(data string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(data), &fields) != nil || len(fields) == 0 {
		return noFlatObject
	}
	for _, value := range fields {
		if _, ok := value.(string); !ok {
			return noFlatObject
		}
	}
	return ""
}
