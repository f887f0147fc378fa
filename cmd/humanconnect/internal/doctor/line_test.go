package doctor

import (
	"fmt"
	"strings"
	"testing"
)

func TestLineForShIsReadAsFarAsItIsPlain(t *testing.T) {
	for line, want := range map[string]string{
		"cat >> events.ndjson":               "cat >events.ndjson sure",
		"tee -a /var/events 2>/dev/null":     "tee >/var/events sure",
		"TZ=UTC A='x y' tool --now":          "tool sure",
		"'my tool' x":                        "my tool sure",
		`my\ tool "$HOME"`:                   "my tool sure",
		"jq -c . | logger -t hc":             "jq sure; logger sure",
		"exec tool":                          "tool sure",
		"[ -x /bin/x ] || exit 0; tool":      "- maybe; - maybe; tool maybe",
		"tool || true":                       "tool maybe; - maybe",
		"tool && other; third":               "tool sure; other maybe; third sure",
		"# a comment\ntool":                  "tool sure",
		"cd /tmp && tool":                    "- sure; tool maybe",
		"cd /tmp; ./tool > out; /bin/x > /y": "- sure; - sure; /bin/x >/y sure",
		"$TOOL x":                            "- sure",
		"`which tool` x":                     "- sure",
		"if true; then tool; fi":             "",
		"(tool)":                             "",
		"while read -r l; do tool; done":     "",
		"cat >&2":                            "cat sure",
		"cat > \"$FILE\"":                    "cat sure",
		"read -r line":                       "- sure",
		"curl -s https://x/?a=1&b=2 >out":    "curl sure; - >out sure",
		"sed 's/a|b;c/d/' > /x/y":            "sed >/x/y sure",
		"printf '%s\\n' it's":                "- sure",
		strings.Repeat("(", 10):              "",
		"> made":                             "- >made sure",
		"tool <<END\nx\nEND":                 "tool sure",
		"umask 077; cat >> /var/lib/humanconnect/events": "- sure; cat >/var/lib/humanconnect/events sure",
	} {
		var got []string
		for _, c := range parseLine(line) {
			name, sure := c.program(), "maybe"
			if name == "" {
				name = "-"
			}
			for _, file := range c.written() {
				name += " >" + file
			}
			if c.sure {
				sure = "sure"
			}
			got = append(got, fmt.Sprintf("%s %s", name, sure))
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%q is read as %q, want %q", line, text, want)
		}
	}
}

func FuzzLineForSh(f *testing.F) {
	f.Add("a | b > 'c' && $(d)")
	f.Fuzz(func(_ *testing.T, line string) { parseLine(line) })
}
