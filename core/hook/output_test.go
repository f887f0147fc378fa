package hook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
)

// aBody is an event with a user and connections.
func aBody() []byte {
	e := anEvent(id.New[id.Session](), 1, event.SourceConnected)
	user, human := "ada@example.org", id.NewHuman()
	c := event.Connection{ID: "oura", Name: "Oura Ring", ConnectionID: id.New[id.Connection]()}
	e.ClientUserID, e.HumanID, e.Source, e.CurrentConnections = &user, &human, &c, []event.Connection{c, c}
	return event.JSON(e)
}

func TestOutputThatRepeatsTheEventIsNotShown(t *testing.T) {
	body := aBody()
	var pretty, sorted bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(body, &values); err != nil {
		t.Fatal(err)
	}
	enc := json.NewEncoder(&sorted)
	if err := enc.Encode(values); err != nil {
		t.Fatal(err)
	}
	for name, output := range map[string]string{
		"tee":           string(body) + "tee: events.ndjson: Permission denied\n",
		"its end":       "…" + string(body[len(body)-200:]),
		"its beginning": string(body[:100]),
		"jq":            pretty.String(),
		"jq -S":         sorted.String(),
		"a user":        "cannot notify ada@example.org",
		"a source":      `unknown source "Oura Ring"`,
		"in the middle": strings.Repeat("x", 1000) + string(body[50:150]) + "y",
	} {
		if got := linesOf([]byte(output), body); !cmp.Equal(got, []string{hiddenOutput}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, output := range []string{"tee: events.ndjson: Permission denied", "Traceback: KeyError: 'connectionId'", "ada", ""} {
		if got := linesOf([]byte(output), body); strings.Join(got, "\n") != output {
			t.Errorf("%q is shown as %q", output, got)
		}
	}
}
