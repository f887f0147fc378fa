package hook

import (
	"context"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// Sender makes one try to bring an event to a hook. It is safe for concurrent use.
type Sender interface {
	// Send blocks until the hook has answered, its time is over, or ctx ended: then it stops the try, leaves nothing
	// of it running, and says Interrupted.
	Send(ctx context.Context, m Message) Outcome
}

// ByKind makes a try with the sender that a hook asks for. Both are needed.
type ByKind struct {
	// Commands runs hooks that are commands; URLs posts to those that are URLs.
	Commands, URLs Sender
}

// Send implements [Sender].
func (s ByKind) Send(ctx context.Context, m Message) Outcome {
	if m.Hook.Kind() == KindHTTP {
		return s.URLs.Send(ctx, m)
	}
	return s.Commands.Send(ctx, m)
}

// Message is what one try brings.
type Message struct {
	Hook  Hook
	Event store.Event
	// Status is the event's, as in its body.
	Status string
	// Try counts the delivery tries, from 1.
	Try int
}

// Verdict is how a try ended.
type Verdict int

// The verdicts. The zero value is a failure.
const (
	// Failed: try again soon, while quick tries are left.
	Failed Verdict = iota
	// Accepted: the hook has the event.
	Accepted
	// NotNow: the hook asks to be tried again on the long schedule.
	NotNow
	// Interrupted: we stopped it. It does not count as a try.
	Interrupted
	// Undelivered: try again soon, and on the long schedule when the quick tries are used up.
	Undelivered
	// Hung: it has not answered within its time. It is a failure, and from the fourth in a row on the hook is left alone.
	Hung
	// Gone: HTTP 410, the endpoint has unsubscribed. The hook is disabled.
	Gone
)

// Outcome is what came of a try.
type Outcome struct {
	Verdict Verdict
	// Error is one line about a try that did not succeed, without secrets and health data: it is stored in the clear.
	Error string
	// RetryAfter is how long the receiver wants to be left alone; a wait of the schedule that is longer stands.
	RetryAfter time.Duration
	// Output is what the hook wrote, the last of it where it was much. It may hold anything and is stored nowhere.
	Output []byte
}
