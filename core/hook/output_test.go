package hook

import (
	"slices"
	"strings"
	"testing"
)

// TestOutputThatRepeatsTheEventIsNotShown: tee writes what it reads on standard output too.
func TestOutputThatRepeatsTheEventIsNotShown(t *testing.T) {
	body := []byte(`{"clientUserId":"ada","filler":"` + strings.Repeat("x", 400) + `"}`)
	for output, want := range map[string][]string{
		string(body):                      {repeated},
		"tee: read-only\n" + string(body): {repeated},
		string(body[:300]):                {repeated}, // cut off
		"tee: events: read-only":          {"tee: events: read-only"},
		"":                                nil,
	} {
		if got := linesAbout([]byte(output), body); !slices.Equal(got, want) {
			t.Errorf("%.40q: %q", output, got)
		}
	}
	if got := linesAbout([]byte("said"), nil); !slices.Equal(got, []string{"said"}) {
		t.Errorf("an event without a body: %q", got)
	}
}
