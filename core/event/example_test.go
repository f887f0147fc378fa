package event_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
)

// shape lists the keys of a document with the kinds of their values. Those of all elements of an array count together.
func shape(t *testing.T, doc []byte) map[string]string {
	t.Helper()
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]string)
	addShape(keys, "", v)
	return keys
}

func addShape(keys map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			addShape(keys, path+"."+name, value)
		}
	case []any:
		keys[path] = "array"
		for _, value := range v {
			addShape(keys, path+"[]", value)
		}
	default:
		keys[path] = fmt.Sprintf("%T", v)
	}
}

// realEvents are events as sessions and connections make them, out of rows of a store.
func realEvents(t *testing.T) map[event.Type]event.Event {
	t.Helper()
	s := state(t)
	out := make(map[event.Type]event.Event)
	for typ, status := range map[event.Type]event.Status{
		event.SourceConnected: event.ConnectedSource, event.SourceDisconnected: event.DisconnectedSource, event.SessionClosed: event.Success,
	} {
		r, connected, gone := build(t, s, status)
		source := map[event.Type]*event.Connection{event.SourceConnected: &connected, event.SourceDisconnected: &gone}[typ]
		out[typ] = event.Event{Type: typ, ID: "evt_x", Sequence: 1, Timestamp: event.Time(at(30)), Source: source, Response: r}
	}
	err := s.View(t.Context(), func(tx store.Tx) error {
		c, err := tx.Connection(conA)
		if err != nil {
			return err
		}
		r, err := event.BuildOutside(tx, c, "", stateOf)
		if err != nil {
			return err
		}
		changed, err := event.Of(tx, c)
		out[event.ConnectionNeedsReconnect] = event.Event{
			Type: event.ConnectionNeedsReconnect, ID: "evt_x", Sequence: 1, Timestamp: event.Time(at(30)), Source: &changed,
			ConnectionID: c.ID, Reason: "revoked", Response: r,
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Where an array of an example is empty, that of a real event may have the elements of the others.
func TestExampleHasTheShapeOfARealEvent(t *testing.T) {
	optional := []string{".failures[].field", ".failures[].setting", ".failures[].retryAfter", ".failures[].connectionId"}
	all := make(map[string]string)
	for _, typ := range event.Types {
		for key, kind := range shape(t, event.JSON(event.Example(typ, at(30)))) {
			all[key] = kind
		}
	}
	for typ, e := range realEvents(t) {
		got, want := shape(t, event.JSON(event.Example(typ, at(30)))), shape(t, event.JSON(e))
		for key, kind := range want {
			inArray := strings.Contains(key, "[]") && all[key] == kind
			if got[key] != kind && !inArray && !slices.Contains(optional, key) {
				t.Errorf("%s: %s is %q in the example, and %s in a real event", typ, key, got[key], kind)
			}
		}
		for key := range got {
			if _, known := want[key]; !known {
				t.Errorf("%s: no real event has %s", typ, key)
			}
		}
	}
	if none := event.Example("session.gone", at(30)); none.ID != "" || none.Type != "" {
		t.Errorf("%+v", none)
	}
}

// The manual has the whole body of each event.
func TestManualHasAnExampleOfEachEvent(t *testing.T) {
	text, err := os.ReadFile("../../docs/hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range event.Types {
		example := event.Example(typ, time.Date(2026, 11, 22, 20, 26, 10, 344e6, time.UTC))
		var body strings.Builder
		enc := json.NewEncoder(&body)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(example); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "```json\n"+body.String()+"```\n") {
			t.Errorf("the example of %s is to be:\n%s", typ, body.String())
		}
	}
}
