package hook

import (
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// outputCap is how much of what a hook writes is kept.
const outputCap = 64 << 10

// lines cuts output into lines that are safe on a terminal.
func lines(output []byte) []string {
	text := strings.TrimRight(strings.ToValidUTF8(string(output), "\uFFFD"), "\r\n")
	if text == "" {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		out = append(out, host.CleanText(line, len(line)))
	}
	return out
}

// At puts where a hook leads, if that is a URL, before what was said of a try. The two are stored apart.
func At(origin, said string) string {
	if origin == "" || said == "" {
		return said
	}
	return origin + ": " + said
}
