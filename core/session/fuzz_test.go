package session_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/session"
)

func FuzzParseRedirect(f *testing.F) {
	for _, seed := range []string{
		" http://127.0.0.1:1/callback?state=a%26b&code=1&code=2#id_token=x \n", "http://x/?state=%zz&code=1", "http://x/#", "code=1",
		"/callback?code=1", "::", "https://a.example/cb?=1&&=", "https://a.example/cb?error=x#state=s&error=y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := session.ParseRedirect(text)
		if !ok {
			return
		}
		// It is an address, and reads as the standard library reads its query and fragment.
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || len(c.Parameters) == 0 {
			t.Fatalf("%q was taken: %+v", text, c)
		}
		query, _ := url.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "%3B"))
		fragment, _ := url.ParseQuery(strings.ReplaceAll(u.EscapedFragment(), ";", "%3B"))
		seen := make(map[string]int)
		for _, p := range c.Parameters {
			seen[p.Name]++
			if p.Name == "" || !slices.Contains(query[p.Name], p.Value) && !slices.Contains(fragment[p.Name], p.Value) {
				t.Errorf("%q has no %q=%q", text, p.Name, p.Value)
			}
		}
		for name, n := range seen {
			if n != len(query[name])+len(fragment[name]) {
				t.Errorf("%q has %q %d times", text, name, n)
			}
		}
	})
}
