package hook

import (
	"context"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Probe makes one try to bring a hook an event of a type in the shape of a real one, with made-up values and "test": true, as real
// ones are brought. It returns its id and what came of it. Nothing of it is stored.
func Probe(ctx context.Context, s Sender, h Hook, typ event.Type, now time.Time) (id.Event, Outcome) {
	body := event.Example(typ, now)
	body.ID, body.Test = id.New[id.Event](), true
	e := store.Event{ID: body.ID, Sequence: body.Sequence, Type: string(typ), At: now, Body: event.JSON(body)}
	if body.SessionID != nil {
		e.Session = *body.SessionID
	}
	return e.ID, s.Send(ctx, Message{Hook: h, Event: e, Status: string(body.Status), Try: 1})
}

// Lines is what the hook wrote, safe on a terminal.
func (o Outcome) Lines() []string { return lines(o.Output) }
