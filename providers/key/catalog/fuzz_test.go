package catalog

import (
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Parse(data) })
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"{key}", "{key|sha1}", "{key|no}", "{key", "{{key}}", "{other}"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, template, value string) {
		out, err := Expand(template, map[string]string{"key": value})
		if err != nil && len(value) > 20 && !strings.Contains(template, value) && strings.Contains(err.Error(), value) {
			t.Errorf("the error of %q repeats the value", template)
		}
		if err == nil && !strings.Contains(template, "{") && out != template {
			t.Errorf("%q became %q", template, out)
		}
	})
}

func FuzzTake(f *testing.F) {
	for _, seed := range []string{"key", "", "a/b", "..", "a\x00", "https://a.example", "https://a@b", "eu", "us.test", "\u202e"} {
		f.Add(seed)
	}
	s, err := Parse([]byte(sound))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values := make(map[string]string)
		for _, in := range s.Inputs {
			if value, err := s.Take(in, text, endpoint.Allowed{}); err == nil {
				values[in.ID] = value
			}
		}
		for _, c := range s.Credentials {
			u, err := endpoint.ExpandURL(c.Check.URL, values)
			if err != nil {
				continue
			}
			fixed := !strings.HasPrefix(c.Check.URL, "{")
			if u.Scheme != "https" || u.User != nil || u.RawQuery != "" || fixed && !strings.HasSuffix(u.Host, ".demo.example") || fixed && strings.Count(u.EscapedPath(), "/") != 2 {
				t.Errorf("%q leads to %s", text, u)
			}
		}
	})
}
