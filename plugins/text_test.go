package plugins_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
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

func TestTailBeginsWithTheCauseOfTheCrash(t *testing.T) {
	traces := func(line string, n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprint(line, i))
		}
		return lines
	}
	before, trace := traces("working on ", 30), traces("at f", 20)
	for name, c := range map[string]struct {
		lines []string
		first string
	}{
		"Go":           {slices.Concat(before, []string{"panic: boom"}, trace[:3]), "panic: boom"},
		"a long trace": {slices.Concat(before, []string{"Error: Cannot find module 'x'"}, trace), "Error: Cannot find module 'x'"},
		"of a kind":    {slices.Concat(before, []string{"TypeError [ERR_ARG]: no"}, trace), "TypeError [ERR_ARG]: no"},
		"short trace":  {slices.Concat(before, []string{"Traceback:", "  line 1", "ValueError: no"}), "working on 21"},
		"no error":     {slices.Concat(before, []string{"Errors so far: none"}), "working on 19"},
		"nothing else": {[]string{"bye"}, "bye"},
		"the last one": {slices.Concat([]string{"Error: old"}, before, []string{"Error: new"}, trace), "Error: new"},
		"a caught one": {slices.Concat([]string{"panic: old"}, trace, []string{"Error: new"}, trace), "Error: new"},
	} {
		got := plugins.Tail(c.lines...)
		if len(got) == 0 || len(got) > 12 || got[0] != c.first {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNoEncodingOfASecretIsLeft(t *testing.T) {
	secret := "p\"w d/+é"
	for how, spelled := range map[string]string{
		"raw": secret, "quoted": `p\"w d/+é`, "ascii": `p\"w d/+\u00e9`, "slashes": `p\"w d\/+\u00E9`, "c": `p\042w d/+\303\251`,
		"query": "p%22w+d%2F%2B%C3%A9", "lower query": "p%22w+d%2f%2b%c3%a9", "path": "p%22w%20d%2F+%C3%A9",
		"all of it": "%70%22%77%20%64%2f%2b%c3%a9", "html": "p&quot;w d/&#43;&eacute;", "json in json": `p\\\"w d/+\\u00e9`,
		"url in url": "p%2522w%2Bd%252F%252B%25C3%25A9", "base64": "cCJ3IGQvK8Op", "escaped base64": `cCJ3IGQvK8\u004fp`,
		"hex": "70227720642f2bc3a9", "upper hex": "70227720642F2BC3A9",
	} {
		if got := plugins.Cleared("<"+spelled+">", secret); got != "<[secret]>" {
			t.Errorf("%s: %q becomes %q", how, spelled, got)
		}
	}
	for _, basic := range []string{"my-client:s3cr3t", "my-clients:s3cr3t", "client:s3cr3t&x", "client:s3cr3t:more"} {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			text := "/v1/" + e.EncodeToString([]byte(basic)) + " end"
			got := plugins.Cleared(text, "s3cr3t")
			if !strings.Contains(got, "[secret]") || !strings.HasSuffix(got, " end") || !strings.HasPrefix(got, text[:8]) {
				t.Errorf("%q of %q becomes %q", text, basic, got)
			}
		}
	}
	credential := `{"access_token":"tok-123456","token_type":"Bearer","n":[{"x":"deep-secret"}]}`
	if got := plugins.Cleared("a tok-123456 b deep-secret Bearer", credential); got != "a [secret] b [secret] Bearer" {
		t.Errorf("%q", got)
	}
	if got := plugins.Cleared("second-line", "first-line\nsecond-line\n"); got != "[secret]" {
		t.Errorf("%q", got)
	}
	if got := plugins.Cleared("abcdefg8 abc4", "abc4", "abcdefg8"); got != "[secret] [secret]" {
		t.Errorf("%q", got)
	}
}

// However a program spells what it was given, none of it is left.
func TestSecretIsFoundUnderUpToThreeLayers(t *testing.T) {
	layers := map[string]func(string) string{
		"query": url.QueryEscape, "path": url.PathEscape, "html": html.EscapeString, "hex": func(s string) string { return hex.EncodeToString([]byte(s)) },
		"go":    func(s string) string { quoted := strconv.QuoteToASCII(s); return quoted[1 : len(quoted)-1] },
		"json":  func(s string) string { data, _ := json.Marshal(s); return string(data[1 : len(data)-1]) },
		"lower": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
		"percent": func(s string) (all string) {
			for _, c := range []byte(s) {
				all += fmt.Sprintf("%%%02x", c)
			}
			return all
		},
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("id:" + s)) },
		"bearer": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s + "&")) },
	}
	layers["slashes"] = func(s string) string { return strings.ReplaceAll(layers["json"](s), "/", `\/`) }
	escapes := []string{"query", "path", "html", "go", "json", "slashes", "percent"}
	rapid.Check(t, func(r *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9"'/+=%& .~\\\-_é\x{1f600}\n<]{8,40}`).Draw(r, "secret")
		spelled, by := secret, rapid.SliceOfN(rapid.SampledFrom(escapes), 0, 2).Draw(r, "escapes")
		if rapid.Bool().Draw(r, "binary") {
			by = append([]string{rapid.SampledFrom([]string{"base64", "bearer", "hex"}).Draw(r, "as")}, by...)
		} else {
			by = append(by, rapid.SampledFrom(escapes).Draw(r, "last"))
		}
		if !strings.ContainsFunc(secret, unicode.IsUpper) && rapid.Bool().Draw(r, "lower") && by[0] != "base64" && by[0] != "bearer" {
			by[0] = "lower"
		}
		for _, layer := range by {
			spelled = layers[layer](spelled)
		}
		got := plugins.Cleared("<"+spelled+">", secret)
		if !strings.Contains(got, "[secret]") || strings.Contains(got, spelled) {
			t.Fatalf("%q by %v is %q and becomes %q", secret, by, spelled, got)
		}
	})
}

// What is remembered of a provider is limited, and what it wants to see again is its own to choose: it must not push the
// secrets out.
func TestNoOtherValuePushesTheSecretsOfASourceOut(t *testing.T) {
	var many []string
	for n := range 5000 {
		many = append(many, fmt.Sprintf("value-%d", n))
	}
	list, err := json.Marshal(map[string]any{"list": many})
	if err != nil {
		t.Fatal(err)
	}
	for name, resume := range map[string][]byte{"many": list, "long": []byte(strings.Repeat("x", 300<<10))} {
		got := plugins.ClearedAfter(&sdk.ConnectRequest{
			Settings: sdk.Settings{Secrets: map[string]sdk.Secret{"client_secret": "of-the-client"}},
			Resume:   resume, Reply: sdk.FormValues{Values: map[string]sdk.Secret{"password": "of-the-person"}},
		}, "of-the-client of-the-person "+string(resume[:100]))
		if want := "[secret] [secret] "; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q first", name, got, want)
		}
	}
}

func TestTextWithoutSecretsStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9%\\&+=/;#x ]{0,60}`).Draw(r, "text")
		if got := plugins.Cleared(text, "SECRET-1", "SECRET 2"); got != text {
			t.Fatalf("%q becomes %q", text, got)
		}
	})
}

func TestCleaningJoinsNoSecret(t *testing.T) {
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

func FuzzClearing(f *testing.F) {
	f.Add("raw hunter2 %68unter2 aHVudGVyMg== 68756e74657232", "hunter2")
	f.Add(`\u0068\x75\156ter2 &#104;unter2 \ud83d\ude00 %% \`, "hunter2")
	f.Add("a+b c", "a b c")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := plugins.Cleared(text, secret)
		if len(secret) >= 8 && !strings.ContainsAny(secret, "[]") && strings.Contains(got, secret) {
			t.Errorf("%q keeps %q: %q", text, secret, got)
		}
	})
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
		err := plugins.CheckHandshake(line, dir)
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
