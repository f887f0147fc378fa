package hook

import (
	"bytes"
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

// repeated is what is shown of output that repeats the event.
const repeated = "(its output repeats the event, and is not shown)"

// bodyHead is how much of the body tells that output repeats it: it may be cut off at the end.
const bodyHead = 256

// linesAbout is lines of what a hook wrote about an event. Output that has the body in it, as that of tee has, names people and
// sources, and says nothing of why the hook failed: it is left out.
func linesAbout(output, body []byte) []string {
	if head := body[:min(len(body), bodyHead)]; len(head) > 0 && bytes.Contains(output, head) {
		return []string{repeated}
	}
	return lines(output)
}

// At puts where a hook leads, if that is a URL, before what was said of a try. The two are stored apart.
func At(origin, said string) string {
	if origin == "" || said == "" {
		return said
	}
	return origin + ": " + said
}
