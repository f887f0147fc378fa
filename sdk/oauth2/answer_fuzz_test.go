package oauth2

import (
	"encoding/json"
	"testing"
)

func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","expires_in":60}`, `{"error":1101}`, `{"error":null,"error_description":null}`, `access_token=a`,
		`{"a":{"a":{"a":1}}}`, `{"a":1,"a":2}`, "\xef\xbb\xbf{}", "", "null", "[]", `{"expires_in":"1e999"}`,
	} {
		f.Add([]byte(seed), "application/json")
		f.Add([]byte(seed), "text/plain")
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		members, ok := membersOf(withoutMark(body), contentType)
		if ok != (members != nil) {
			t.Fatalf("members %v, %v", members, ok)
		}
		plain, ok := straighten(members, []string{"long-enough-secret"})
		if !ok {
			return
		}
		var read struct {
			Error   string `json:"error"`
			Expires int64  `json:"expires_in"`
		}
		if err := json.Unmarshal(plain, &read); err != nil || read.Expires < 0 {
			t.Fatalf("%s: %v", plain, err)
		}
		if read.Error != "" && !code().MatchString(read.Error) {
			t.Errorf("the code %q is not clean", read.Error)
		}
	})
}
