package plugins_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/plugins"
)

func TestCleanTextHasNothingThatMovesATerminal(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(r, "bytes")) + rapid.String().Draw(r, "text") + "\u202e\x1b]0;\u0085"
		limit := rapid.IntRange(0, 50).Draw(r, "limit")
		for line, got := range map[bool]string{true: plugins.Clean(raw, limit), false: plugins.CleanText(raw, limit)} {
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit+1 {
				t.Fatalf("%q", got)
			}
			for _, c := range got {
				if unicode.IsControl(c) && (line || c != '\n') || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' {
					t.Fatalf("%q has %U", got, c)
				}
			}
		}
	})
}

func TestNoSpellingOfASecretStays(t *testing.T) {
	secret := "p\"w d/+é"
	for _, text := range []string{
		"raw " + secret, `quoted "p\"w d/+é"`, "query p%22w+d%2F%2B%C3%A9", "path p%22w%20d%2F+%C3%A9", "base64 cCJ3IGQvK8Op",
	} {
		if got := plugins.Cleared(text, secret); !strings.HasSuffix(strings.Trim(got, `"`), "[secret]") {
			t.Errorf("%q", got)
		}
	}
	credential := `{"access_token":"tok-123456","token_type":"Bearer","n":[{"x":"deep-secret"}]}`
	if got := plugins.Cleared("a tok-123456 b deep-secret Bearer", credential); got != "a [secret] b [secret] Bearer" {
		t.Errorf("%q", got)
	}
	if got := plugins.Cleared("second-line", "first-line\nsecond-line\n"); got != "[secret]" {
		t.Errorf("%q", got)
	}
	if got := plugins.Cleared("abcdefgh abcd", "abcd", "abcdefgh"); got != "[secret] [secret]" {
		t.Errorf("%q", got)
	}
}

func TestCleaningPutsNoSecretTogether(t *testing.T) {
	for _, text := range []string{"hun\x00ter2", "hun\u200bter2", "hunter2", "\x1bhunter\x1b2"} {
		if got := plugins.Shown(text, "hunter2"); got != "[secret]" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestProxyLosesItsUserAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		"http://proxy:3128": "http://proxy:3128", "proxy:3128": "proxy:3128", "https://u:p@proxy/x": "https://proxy/x",
		"u@proxy": "proxy", "http://u:p%zz@proxy": "", "u:p@@": "", "socks5://a:b@c:1": "socks5://c:1", "": "",
	} {
		if got, _ := plugins.WithoutUserInfo(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzBuiltFor(f *testing.F) {
	f.Add([]byte(foreignELF()))
	f.Add([]byte("MZ"))
	f.Add([]byte{0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1})
	f.Fuzz(func(_ *testing.T, head []byte) { plugins.BuiltFor(head) })
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte(`{"version":1,"providers":[{"name":"a","sha256":"` + strings.Repeat("0", 64) + `"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := plugins.ParseLock(data)
		if err != nil {
			return
		}
		for _, e := range lock.Providers {
			if !plugins.ValidName(e.Name) || lock.Pin(e.Name) != e.SHA256 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzHandshakeLine(f *testing.F) {
	const dir = "/run/p"
	for _, seed := range []string{
		"1|1|unix|/run/p/plugin1|grpc|", "1|1|unix|/run/p/plugin1|grpc|cert|true", "1|1|unix|/run/p/x|grpc||true", "1|1|unix|/run/p/x|grpc||", "1|7|unix|/run/p/x|grpc", "2|1|unix|/run/p/x|grpc",
		"1|1|tcp|127.0.0.1:1|grpc", "1|1|unix|/run/p/../x|grpc", "1|1|unix|/run/p|grpc", "1|1|unix|/run/p/x|netrpc", "debug: up", "|||||", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		err := plugins.JudgeHandshake(line, dir)
		if err != nil {
			if e := (*plugins.Error)(nil); !errors.As(err, &e) || len(e.Hints()) == 0 || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Errorf("%q: %q", line, err)
			}
			return
		}
		parts := strings.Split(strings.TrimSpace(line), "|")
		if len(parts) < 5 || parts[2] != "unix" || !strings.HasPrefix(filepath.Clean(parts[3]), dir+"/") || parts[4] != "grpc" ||
			strings.Join(parts[5:], "") != "" {
			t.Errorf("%q was taken", line)
		}
	})
}
