package hook

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/event"
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

// hiddenOutput stands for the output of a hook that repeats its event.
const hiddenOutput = "(not shown: the output contains the event, which names people and sources)"

// linesOf are those of the output of a hook, unless it repeats something of the event that it got: that may name a user, an
// account or a source, and a terminal and its log are not where these belong.
func linesOf(output, body []byte) []string {
	if len(output) > 0 && repeats(output, body) {
		return []string{hiddenOutput}
	}
	return lines(output)
}

const (
	// repeated is how many bytes of an event, white space aside, no output has by chance.
	repeated = 40
	// telling is how long a value is that no output has by chance; a shorter one counts in quotes alone.
	telling = 8
)

// repeats says whether an output has a part of an event in it, as cat, tee or jq write it: a long stretch, laid out in any way,
// or one of the values that name somebody.
func repeats(output, body []byte) bool {
	bare, told := withoutSpace(output), withoutSpace(body)
	if len(told) < repeated && len(told) > 0 {
		return strings.Contains(bare, told)
	}
	parts := make(map[string]bool)
	for at := 0; at+repeated <= len(told); at++ {
		parts[told[at:at+repeated]] = true
	}
	for at := 0; at+repeated <= len(bare); at++ {
		if parts[bare[at:at+repeated]] {
			return true
		}
	}
	text := string(output)
	return slices.ContainsFunc(naming(body), func(value string) bool {
		return strings.Contains(text, `"`+value+`"`) || len(value) >= telling && strings.Contains(text, value)
	})
}

func withoutSpace(text []byte) string { return strings.Join(strings.Fields(string(text)), "") }

// naming are the values of an event that name its user and its connections.
func naming(body []byte) []string {
	var e event.Event
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	var values []string
	if e.ClientUserID != nil {
		values = append(values, *e.ClientUserID)
	}
	if e.HumanID != nil {
		values = append(values, string(*e.HumanID))
	}
	all := slices.Concat(e.CurrentConnections, e.SessionResults.ConnectedSources, e.SessionResults.DisconnectedSources)
	if e.Source != nil {
		all = append(all, *e.Source)
	}
	for _, c := range all {
		values = append(values, c.Name, string(c.ConnectionID))
	}
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// At puts where a hook leads, if that is a URL, before what was said of a try. The two are stored apart.
func At(origin, said string) string {
	if origin == "" || said == "" {
		return said
	}
	return origin + ": " + said
}
