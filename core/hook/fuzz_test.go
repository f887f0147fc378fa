package hook

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, seed := range []string{
		"", "0", "7", " 120 ", "-1", "+1", "1.5", "99999999999999999999", now.Add(time.Hour).Format(http.TimeFormat),
		now.Add(-time.Hour).Format(time.RFC850), "Fri, 31 Dec 9999 23:59:59 GMT",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(value, now); d < 0 || d > maxRetryAfter {
			t.Errorf("%q is %v", value, d)
		}
	})
}

func FuzzKeysOf(f *testing.F) {
	for _, seed := range []string{
		vectorSecret, vectorSecret + " " + vectorSecret, "whsec_", "whsec_AAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", "\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := keysOf(sdk.Secret(text))
		if err != nil {
			return
		}
		words := strings.Fields(text)
		if len(words) != len(keys) || len(keys) == 0 {
			t.Fatalf("%q are %d keys", text, len(keys))
		}
		for i, key := range keys {
			if words[i] != secretPrefix+base64.StdEncoding.EncodeToString(key) || len(key) < minSecret {
				t.Errorf("%q is another spelling of %q", words[i], key)
			}
		}
	})
}
