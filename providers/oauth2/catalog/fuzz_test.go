package catalog

import (
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

func FuzzInputStaysInItsPlace(f *testing.F) {
	for _, seed := range []string{"eu", "", "a/b", "a.b", "..", "a@b", "a%2f", "[::1]", "bücher", "a:1"} {
		f.Add(seed)
	}
	input := Input{ID: "x", Label: "X", Pattern: `.*`}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := input.Take(text)
		if err != nil {
			return
		}
		u, err := endpoint.ExpandURL("https://{x}.fixed.example/a/{x}/b", map[string]string{"x": value})
		if err != nil {
			return
		}
		if !strings.HasSuffix(u.Host, ".fixed.example") || u.User != nil || u.Port() != "" || u.RawQuery != "" || strings.Count(u.EscapedPath(), "/") != 3 {
			t.Errorf("%q leads to %s", text, u)
		}
	})
}

func FuzzTypedURL(f *testing.F) {
	for _, seed := range []string{"https://a.example", "https://a.example/b/", "http://a", "https://a@b", `https://a\b`, "https://[::1]:1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := endpoint.TypedURL(text)
		if err != nil {
			return
		}
		again, err := endpoint.ExpandURL("{x}/token", map[string]string{"x": u.String()})
		if err == nil && (again.Host != u.Host || again.Scheme != "https" || again.User != nil || again.RawQuery != "") {
			t.Errorf("%q leads to %s", text, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Parse(data) })
}
