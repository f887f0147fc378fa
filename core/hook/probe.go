package hook

import (
	"context"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// TestType is the type of the event that Probe sends. No session ever has one.
const TestType = "hook.test"

// probe is the body of that event. It has nothing of any session.
type probe struct {
	Type      string     `json:"type"`
	ID        id.Event   `json:"id"`
	Sequence  int64      `json:"sequence"`
	Timestamp event.Time `json:"timestamp"`
	Hook      string     `json:"hook"`
}

// Probe makes one try to bring a hook an event of type [TestType], as real ones are brought, and returns its id and what
// came of it. Nothing of it is stored.
func Probe(ctx context.Context, s Sender, h Hook, now time.Time) (id.Event, Outcome) {
	e := store.Event{ID: id.New[id.Event](), Sequence: 1, Type: TestType, At: now}
	e.Body = event.JSON(probe{Type: TestType, ID: e.ID, Sequence: e.Sequence, Timestamp: event.Time(now), Hook: h.Name})
	return e.ID, s.Send(ctx, Message{Hook: h, Event: e, Try: 1})
}

// Lines is what the hook wrote, safe on a terminal.
func (o Outcome) Lines() []string { return lines(o.Output) }
