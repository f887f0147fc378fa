package oauth2

import (
	"net/http"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-1", "99999999999999999999", "Sun, 22 Nov 2026 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(&http.Response{Header: http.Header{"Retry-After": {value}}}); d < 0 || d > 24*time.Hour {
			t.Errorf("%q is %v", value, d)
		}
	})
}
